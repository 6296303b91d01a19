"""Wrong calls of a decorated function, each of which a type checker must refuse.

Checked, never run. Each line carries the ignore of the checker that complains about it; an
ignore without work is an error in both (mypy --strict; pyright, see pyproject), so a wrong call
that is suddenly accepted fails the check.
"""

from __future__ import annotations

import datetime as dt
from typing import assert_type

from oob_heal import Backoff, HealingCache, Served, healing_cache

cache = HealingCache(ttl=60)


@healing_cache(ttl=60)
def price(article: str, count: int = 1) -> int:
    return len(article) * count


@cache(default=None)
async def stock(article: str, /) -> int:
    return len(article)


class Shop:
    @cache(ignore="self")
    def price(self, article: str) -> int:
        return len(article)

    @staticmethod
    @cache(default=None)
    def tax(rate: int) -> float:
        return rate / 100


def calls() -> None:
    price()  # type: ignore[call-arg]
    price(1)  # type: ignore[arg-type]
    price("tea", "2")  # type: ignore[arg-type]
    price("tea", amount=2)  # type: ignore[call-arg]
    price("tea", 2, 3)  # type: ignore[call-arg]
    price.lookup(1)  # type: ignore[arg-type]
    price.peek()  # type: ignore[call-arg]
    price.invalidate("tea", amount=2)  # type: ignore[call-arg]
    price.mark_stale(b"tea")  # type: ignore[arg-type]
    price.heal(1)  # type: ignore[arg-type]
    price.heal_now()  # type: ignore[call-arg]
    price.cache_key("tea", 2, 3)  # type: ignore[call-arg]
    price.cache_clear("tea")  # type: ignore[call-arg]
    price.cache_info("tea")  # type: ignore[call-arg]
    price.__wrapped__(1)  # type: ignore[arg-type]
    price.expire("tea")  # type: ignore[attr-defined]


def values() -> None:
    price.set("7", "tea")  # type: ignore[arg-type]
    price.set(7)  # type: ignore[call-arg]
    price.set(7, 1)  # type: ignore[arg-type]
    price.set(value=7, article="tea")  # type: ignore[call-arg]
    name: str = price("tea")  # type: ignore[assignment]
    served: Served[str] = price.lookup("tea")  # type: ignore[assignment]
    age: float = price.lookup("tea").age  # type: ignore[assignment]
    print(name, served, age, price.peek("tea").value)  # type: ignore[union-attr]


async def async_calls() -> None:
    await stock()  # type: ignore[call-arg]
    await stock(1)  # type: ignore[arg-type]
    await stock(article="tea")  # type: ignore[call-arg]
    await stock.lookup("tea", 2)  # type: ignore[call-arg]
    await stock.set("7", "tea")  # type: ignore[arg-type]
    await stock.set(None, "tea")  # type: ignore[arg-type]
    await stock.heal_now(1)  # type: ignore[arg-type]
    stock.heal(1)  # type: ignore[arg-type]
    await stock.heal("tea")  # type: ignore[misc]
    count: int = await stock("tea")  # type: ignore[assignment]
    print(count, stock("tea") + 1)  # type: ignore[operator]


def methods(shop: Shop) -> None:
    shop.price(1)  # type: ignore[arg-type]
    shop.price("tea", 2)  # type: ignore[call-arg]
    shop.price.set(7, "tea")  # type: ignore[attr-defined]
    Shop.price("tea")  # type: ignore[arg-type, call-arg]
    Shop.price.set(7, "tea")  # type: ignore[call-arg]
    Shop.price.lookup(shop, 1)  # type: ignore[arg-type]
    Shop.tax("19")  # type: ignore[arg-type]
    Shop.tax.set("1", 19)  # type: ignore[arg-type]


def without_a_default_nothing_is_widened() -> None:
    assert_type(price("tea"), int | None)  # type: ignore[assert-type]
    assert_type(price.lookup("tea"), Served[int | None])  # type: ignore[assert-type]


def parameters() -> None:
    healing_cache(60)  # type: ignore[call-overload]
    healing_cache(price)  # type: ignore[call-overload]
    healing_cache(ttl="60")  # type: ignore[call-overload]
    healing_cache(ttl=60, max_stale="7 days")  # type: ignore[call-overload]
    healing_cache(ttl=60, timeout=3)  # type: ignore[call-overload]
    healing_cache(ttl=60, backoff=2)  # type: ignore[call-overload]
    healing_cache(ttl=60, drop_on="KeyError")  # type: ignore[call-overload]
    healing_cache(ttl=60, drop_on=KeyError("gone"))  # type: ignore[call-overload]
    healing_cache(ttl=60, version="1")  # type: ignore[call-overload]
    healing_cache(ttl=60, around=dt.datetime.now())  # type: ignore[call-overload]
    healing_cache(ttl=60, default=1, default_factory=int)  # type: ignore[call-overload]
    healing_cache(ttl=60, default_factory=[])  # type: ignore[call-overload]
    HealingCache(ttl=60, default=None)  # type: ignore[call-arg]
    HealingCache(name="shop")  # type: ignore[call-arg]
    HealingCache(observers=print)  # type: ignore[arg-type]
    cache(60)  # type: ignore[call-overload]
    Backoff(initial="1")  # type: ignore[arg-type]
