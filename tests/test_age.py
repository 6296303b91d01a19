"""The two limits under a long clock: nothing is served beyond, and slow heals still land."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from oob_heal import Freshness, Outcome
from tests.conftest import World

TICK = 2.0**-10  # s: about a millisecond, and exact in a float
TTL = MAX_STALE = 100.0

# H09 asks for 100,000 reads. All of them run where a read is a plain call; a coroutine and a
# store of bytes cost ten times as much, and have a tenth of the reads.
READS = {"memory-sync": 100_000, "mapping-sync": 100_000}


async def watched(f: Any, world: World, ticks: int) -> list[Any]:
    """What every read is answered, one read a tick."""
    seen = []
    for _ in range(ticks):
        served = f.lookup(1)
        seen.append(await served if inspect.iscoroutine(served) else served)
        world.clock.advance(TICK)
    return seen


@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_while_a_heal_hangs_nothing_is_served_beyond_its_limit(
    world: World, jitter: float
) -> None:  # H09
    def source(n: int) -> str:
        world.clock.advance(5)  # so that a store keeps it for 5 s beyond the limit
        return "v"

    world.cache._parts.random = lambda: 0.5
    f = world.decorate(source, ttl=TTL, max_stale=MAX_STALE, jitter=jitter, default="default")
    started = world.clock()
    f.heal(1)
    assert world.executor.run_next() is Outcome.HEALED
    world.clock.advance(1)
    f.heal(1)
    hung = world.executor.step_next()
    assert [hung.next(), hung.next()] == ["acquire", "get"]  # and then it calls, for ever

    half = READS.get(f"{world.kind}-{world.colour}", 10_000) // 8  # two edges, two jitters
    fresh_for = TTL - TTL * jitter * 0.5
    reads, wrong = 0, 0
    for edge in (fresh_for, TTL + MAX_STALE):
        world.clock.advance(started + edge - half * TICK - world.clock())
        seen = world.do(watched(f, world, 2 * half))
        for tick, served in enumerate(seen, start=-half):
            age = edge + tick * TICK
            reads += 1
            if age < TTL + MAX_STALE:
                fresh = Freshness.FRESH if age < fresh_for else Freshness.STALE
                wrong += served != ("v", fresh, age, False)
            else:
                wrong += served != ("default", Freshness.EXPIRED, None, True)
    assert reads == READS.get(f"{world.kind}-{world.colour}", 10_000) // 2
    assert wrong == 0


def test_a_heal_three_times_slower_than_the_ttl_lands_every_time(world: World) -> None:  # H15
    def source(n: int) -> str:
        return "v"

    f = world.decorate(source, ttl=1, max_stale=60, default="default")
    ended = []
    began = world.clock()
    while world.clock() - began < 60:
        world.do(f(1))
        steps = world.executor.step_next()
        assert [steps.next(), steps.next()] == ["acquire", "get"]
        for _ in range(6):  # it takes 3 s, and is read meanwhile
            world.clock.advance(0.5)
            served = world.do(f.lookup(1))
            assert not ended or (served.value, served.freshness) == ("v", Freshness.STALE)
            assert not ended or 3 <= served.age <= 6
        ended.append(steps.run())
    assert ended.count(Outcome.HEALED) >= 15
    assert ended.count(Outcome.HEALED) == len(ended), "one was discarded"
    info = f.cache_info()
    assert (info.refused, info.failed, info.dropped, info.lost) == (0, 0, 0, 0)
