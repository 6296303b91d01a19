"""A hit in front costs what a hit in memory costs: both ask a table and nobody else."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from oob_heal import HealingCache
from oob_heal.backends._near import Near
from oob_heal.backends.tiered import TieredBackend
from oob_heal.testing import ManualClock, ManualExecutor, SharedStore
from tests.benchmarks.tier_hit import measure
from tests.redis.servers import Server


def test_the_benchmark_of_a_hit_in_front_runs(valkey: Server) -> None:
    assert set(measure(valkey.url, rounds=1, calls=3)) == {"sync", "async"}


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_hit_in_front_asks_nobody_but_the_table(
    colour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock(7.0)
    store = SharedStore()
    tier = TieredBackend(store.backend(), front_life=5, clock=clock)
    cache = HealingCache(backend=tier, executor=ManualExecutor())

    def plain(n: int, unit: str = "kg") -> int:
        return n

    async def coloured(n: int, unit: str = "kg") -> int:
        return n

    f: Any = cache(ttl=8, jitter=0, default=0, name="f")(plain if colour == "sync" else coloured)

    def do(result: Any) -> Any:
        return asyncio.run(result) if inspect.iscoroutine(result) else result

    do(f.set(1, 1))
    do(f(1))
    asked = []
    young = Near.young

    def counted(near: Near, key: Any) -> Any:
        asked.append(key)
        return young(near, key)

    monkeypatch.setattr(Near, "young", counted)
    assert [do(f(1)), do(f(n=1)), do(f(1, "kg")), do(f(1, unit="kg"))] == [1] * 4
    assert asked == [], "the table answered"
    for passed in (store.clock, clock):
        passed.advance(5)
    assert [do(f(1)) for _ in range(3)] == [1] * 3
    assert len(asked) == 1, "past front_life it is looked at, once"
    for passed in (store.clock, clock):
        passed.advance(3)
    assert do(f.lookup(1)).freshness.value == "stale"
    asked.clear()
    assert [do(f(1)) for _ in range(3)] == [1] * 3
    assert len(asked) == 3, "what is stale needs its event, however young its look"
    do(f.set(2, 1))
    assert do(f(1)) == 2, "a write is known at once"
