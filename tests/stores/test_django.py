"""A real Django's caches as backends: in memory, in files, on Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

django = pytest.importorskip("django")

from django.conf import settings  # noqa: E402
from django.core.cache import caches  # noqa: E402
from django.test.utils import override_settings  # noqa: E402

from oob_heal import Freshness, HealingCache, Outcome  # noqa: E402
from oob_heal.backends.django import DjangoBackend  # noqa: E402
from oob_heal.testing import BackendContract, ManualClock, ManualExecutor  # noqa: E402
from tests.in_a_dict import InADict  # noqa: E402
from tests.redis.conftest import _running, valkey  # noqa: E402, F401
from tests.redis.servers import Server  # noqa: E402

CORE = "django.core.cache.backends"
KINDS = ("locmem.LocMemCache", "filebased.FileBasedCache", "redis.RedisCache")

if not settings.configured:
    settings.configure(USE_TZ=True)


@pytest.fixture(params=KINDS)
def alias(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A cache that Django makes of its settings, empty."""
    kind: str = request.param
    options: dict[str, Any] = {"BACKEND": f"{CORE}.{kind}", "LOCATION": str(tmp_path)}
    if kind == "redis.RedisCache":
        server: Server = request.getfixturevalue("valkey")
        options["LOCATION"] = server.url
    with override_settings(CACHES={"default": options, "other": options}):
        yield "default"
        for cache in caches.all(initialized_only=True):
            cache.clear()
            cache.close()


def promises() -> list[str]:
    return [str(each) for each in BackendContract(lambda _: InADict()).promises()]


@pytest.mark.parametrize("promised", promises())
def test_a_cache_of_djangos_promises_that(alias: str, promised: str) -> None:
    def make(clock: ManualClock) -> DjangoBackend:
        backend = DjangoBackend(alias)
        backend.now = backend._leases.clock = clock
        backend._leases.reset()
        caches[alias].clear()
        return backend

    contract = BackendContract(make)
    (promise,) = [each for each in contract.promises() if str(each) == promised]
    promise()


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_function_heals_over_a_cache_of_djangos(alias: str, colour: str) -> None:
    executor = ManualExecutor()
    cache = HealingCache(backend=DjangoBackend(alias), executor=executor, namespace="shop")
    prices = {"tea": 3}

    if colour == "sync":

        @cache(ttl=60, default=0, name="price")
        def price(article: str) -> int:
            return prices[article]

        def do(result: Any) -> Any:
            return result
    else:

        @cache(ttl=60, default=0, name="price")  # type: ignore[arg-type]
        async def price(article: str) -> int:
            return prices[article]

        do = asyncio.run

    f: Any = price
    assert do(f("tea")) == 0
    assert executor.run_next() is Outcome.HEALED
    assert do(f("tea")) == 3
    do(f.mark_stale("tea"))
    assert do(f.lookup("tea")).freshness is Freshness.STALE
    do(f.set(4, "tea"))
    assert do(f("tea")) == 4
    do(f.cache_clear())
    assert do(f("tea")) == 0


def test_it_stays_for_as_long_as_it_may_be_served_and_no_longer(alias: str) -> None:
    backend = DjangoBackend(alias)
    cache = HealingCache(backend=backend, executor=ManualExecutor())

    @cache(ttl=0.2, max_stale=0, jitter=0, default=0, name="brief")
    def brief(n: int) -> int:
        return n

    brief.set(7, 1)
    assert brief(1) == 7, "a timeout of less than a second is no timeout of none"


def test_one_that_is_away_is_a_miss(valkey: Server) -> None:  # noqa: F811  # H18
    options = {"BACKEND": f"{CORE}.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    with override_settings(CACHES={"default": options}):
        cache = HealingCache(backend=DjangoBackend(), executor=ManualExecutor())

        @cache(ttl=60, default=0, name="away")
        def away(n: int) -> int:
            return n

        assert away(1) == 0
        caches["default"].close()
