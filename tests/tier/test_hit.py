"""A hit in front costs what a hit in memory costs: the budget, and why it is kept."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from oob_heal import HealingCache
from oob_heal.backends._near import Near
from oob_heal.backends.tiered import TieredBackend
from oob_heal.testing import ManualClock, ManualExecutor, SharedStore
from tests.benchmarks.tier_hit import BUDGET, measure
from tests.redis.servers import Server

TRIES = 5  # of a machine that others keep busy


def test_a_hit_in_front_takes_at_most_a_fifth_more_than_one_in_memory(
    valkey: Server,
) -> None:
    for _ in range(TRIES):
        found = measure(valkey.url, rounds=10, calls=500)
        if all(front / memory <= BUDGET for memory, front in found.values()):
            return
    pytest.fail(f"memory and front, in ns: {found}")


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
