"""What a type checker accepts of a decorated function, and what it knows of it.

Checked by mypy --strict and by pyright, never run. ``assert_type`` is the assertion: the
parameters survive decoration, a default widens what a call returns, and nothing is Any.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, assert_type

from oob_heal import (
    Backoff,
    CacheInfo,
    Failing,
    HealingCache,
    Key,
    Outcome,
    Served,
    default_cache,
    healing_cache,
)

cache = HealingCache(ttl=60, namespace="shop", backoff=Backoff(initial=2))


@healing_cache(ttl=60)
def price(article: str, count: int = 1) -> int:
    return len(article) * count


@healing_cache(ttl=dt.timedelta(minutes=1), default=None, max_stale=None)
def maybe(article: str) -> int:
    return len(article)


@cache(default_factory=list[int], drop_on=(KeyError, ValueError), around=None)
def counts(*articles: str, **also: int) -> tuple[int, ...]:
    return tuple(map(len, articles))


@cache(key=lambda article: article.lower(), heal_timeout=5)
async def stock(article: str, /, *, depot: str = "here") -> int:
    return len(article)


@cache(ttl=1, default="none", dependency="stock", version=2, name="shop.maybe_stock")
async def maybe_stock(article: str) -> int:
    return len(article)


def sync_functions() -> None:
    assert_type(price("tea"), int)
    assert_type(price(article="tea", count=2), int)
    assert_type(price.lookup("tea"), Served[int])
    assert_type(price.lookup("tea").value, int)
    assert_type(price.lookup("tea").age, float | None)
    assert_type(price.peek("tea", 2), Served[int] | None)
    assert_type(price.set(7, "tea", count=2), None)
    assert_type(price.invalidate("tea"), None)
    assert_type(price.mark_stale("tea"), None)
    assert_type(price.cache_clear(), None)
    assert_type(price.heal("tea"), bool)
    assert_type(price.heal_now("tea"), int)
    assert_type(price.cache_info(), CacheInfo)
    assert_type(price.cache_info().hits, int)
    assert_type(price.cache_key("tea"), Key)
    assert_type(price.cache_parameters(), Mapping[str, Any])
    assert_type(price.__wrapped__("tea", 2), int)
    assert_type(price.__name__, str)


def a_default_widens_what_a_call_returns() -> None:
    assert_type(maybe("tea"), int | None)
    assert_type(maybe.lookup("tea"), Served[int | None])
    assert_type(maybe.peek("tea"), Served[int] | None)
    assert_type(maybe.heal_now("tea"), int)
    assert_type(counts("tea", "milk", sugar=1), tuple[int, ...] | list[int])
    assert_type(counts.heal_now("tea"), tuple[int, ...])
    taken: Callable[[str], int | None] = maybe
    taken("tea")


async def async_functions() -> None:
    under_way: Coroutine[Any, Any, int] = stock("tea")
    assert_type(await under_way, int)
    assert_type(await stock("tea", depot="there"), int)
    assert_type(await stock.lookup("tea"), Served[int])
    assert_type(await stock.peek("tea"), Served[int] | None)
    assert_type(await stock.set(7, "tea"), None)
    assert_type(await stock.invalidate("tea"), None)
    assert_type(await stock.mark_stale("tea"), None)
    assert_type(await stock.cache_clear(), None)
    assert_type(await stock.heal_now("tea"), int)
    assert_type(await stock.__wrapped__("tea"), int)
    assert_type(stock.heal("tea"), bool)
    assert_type(stock.cache_info(), CacheInfo)
    assert_type(await maybe_stock("tea"), int | str)
    assert_type(await maybe_stock.lookup("tea"), Served[int | str])
    assert_type(await maybe_stock.heal_now("tea"), int)


class Shop:
    id = 1

    @healing_cache(ttl=60, key=lambda self, article: (self.id, article))
    def price(self, article: str) -> int:
        return len(article)

    @healing_cache(ttl=60, ignore="self", default=None)
    def maybe(self, article: str) -> int:
        return len(article)

    @healing_cache(ttl=60, ignore=("self",), default=b"")
    async def stock(self, article: str) -> int:
        return len(article)

    @staticmethod
    @healing_cache(ttl=60, default=None)
    def tax(rate: int) -> float:
        return rate / 100


async def methods(shop: Shop) -> None:
    assert_type(shop.price("tea"), int)
    assert_type(shop.maybe(article="tea"), int | None)
    assert_type(await shop.stock("tea"), int | bytes)
    assert_type(Shop.price(shop, "tea"), int)
    assert_type(Shop.price.lookup(shop, "tea"), Served[int])
    assert_type(Shop.price.set(7, shop, "tea"), None)
    assert_type(Shop.maybe.lookup(shop, "tea"), Served[int | None])
    assert_type(Shop.price.heal(shop, article="tea"), bool)
    assert_type(await Shop.stock(shop, "tea"), int | bytes)
    assert_type(await Shop.stock.heal_now(shop, "tea"), int)
    assert_type(await Shop.stock.set(7, shop, "tea"), None)
    assert_type(Shop.tax(19), float | None)
    # Through an instance (shop.tax) mypy 2.4 binds the first parameter as if it were self.


async def caches() -> None:
    assert_type(default_cache.failing(), list[Failing])
    assert_type(cache.heal_message(b""), Outcome | None)
    assert_type(await cache.aheal_message("{}"), Outcome | None)
    assert_type(cache.clear(), None)
    assert_type(await cache.aclear(), None)
    with cache as inside:
        assert_type(inside, HealingCache)
    async with cache as inside:
        assert_type(inside, HealingCache)
    with cache.override(backend={}) as inside:
        assert_type(inside, HealingCache)
