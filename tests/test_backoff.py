"""What a failure costs: attempts, the retry time, and who may reset them."""

from __future__ import annotations

from typing import Any

import pytest

from oob_heal import Backoff, Outcome
from tests.conftest import Dependency, World

TICK = 2.0**-10  # s: about a millisecond, and exact in a float
WRITES = ("invalidate", "mark_stale", "cache_clear")


def decorated(world: World, dependency: Dependency, **options: Any) -> Any:
    """A function over the dependency; half of each delay is drawn, so that it is known."""
    world.cache._parts.random = lambda: 0.5

    def source(n: int) -> Any:
        return dependency(n)

    return world.decorate(source, **options)


def write(world: World, f: Any, kind: str) -> None:
    world.do(f.cache_clear() if kind == "cache_clear" else getattr(f, kind)(1))


def next_attempt(world: World, f: Any) -> int:
    """The attempt that the next heal's lease counts; the heal is over then, and has failed."""
    world.clock.advance(TICK)  # later than what was committed, or it would be skipped
    assert f.heal(1)
    heal = world.executor.pending[0]
    assert world.executor.fail_next(OSError("down")) is Outcome.FAILED
    assert heal.lease is not None
    return int(heal.lease.attempt)


def test_a_dead_dependency_is_called_as_often_as_the_backoff_allows_not_as_it_is_read(
    world: World, dependency: Dependency
) -> None:
    f = decorated(world, dependency, ttl=10, backoff=Backoff(2, 2, 60))
    world.do(f.set("v", 1))
    world.clock.advance(10)
    dependency.error = OSError("down")
    calls = []
    for _ in range(1_200):
        assert world.do(f(1)) == "v"
        world.executor.run_all()
        calls.append(len(dependency.calls))
        world.clock.advance(0.25)
    # 1, 2, 4, 8, 16 and then 30 s apart, to the quarter of a second or the second of quiet
    assert [calls.index(n) / 4 for n in range(1, 7)] == [0, 1, 3, 7, 15, 31]
    assert calls[-1] == 6 + (300 - 31) // 30
    assert f.cache_info().failed == calls[-1]
    assert f.cache_info().refused <= 300


def test_a_failed_key_is_held_back_in_every_process(shared: World, dependency: Dependency) -> None:
    there = shared.another_process()
    f = decorated(shared, dependency, backoff=Backoff(20, 2, 60))
    g = decorated(there, dependency, backoff=Backoff(20, 2, 60))
    f.heal(1)
    assert shared.executor.fail_next(OSError("down")) is Outcome.FAILED
    assert shared.store is not None
    assert shared.store.live_leases() == 0
    g.heal(1)
    assert there.executor.run_next() is Outcome.REFUSED
    shared.clock.advance(10 - TICK)
    g.heal(1)
    assert there.executor.run_next() is Outcome.REFUSED
    shared.clock.advance(TICK)
    g.heal(1)
    assert there.executor.run_next() is Outcome.HEALED
    assert dependency.calls == [1]


def test_attempts_are_counted_when_the_lease_is_taken_and_reset_only_by_an_answer(
    world: World, dependency: Dependency
) -> None:
    f = decorated(world, dependency, backoff=Backoff(1, 1, 1), drop_on=KeyError)
    assert [next_attempt(world, f), world.clock.advance(1), next_attempt(world, f)] == [1, None, 2]
    world.clock.advance(1)
    for expected, kind in enumerate(WRITES, start=3):
        write(world, f, kind)
        assert next_attempt(world, f) == expected
        world.clock.advance(1)
    f.heal(1)
    assert world.executor.run_next() is Outcome.HEALED
    assert next_attempt(world, f) == 1
    world.do(f.set("w", 1))
    assert next_attempt(world, f) == 1
    world.clock.advance(1)
    f.heal(1)
    assert world.executor.fail_next(KeyError(1)) is Outcome.HEALED
    world.clock.advance(1)
    assert next_attempt(world, f) == 1


@pytest.mark.parametrize("kind", WRITES)
def test_invalidating_does_not_defeat_the_backoff(
    world: World, dependency: Dependency, kind: str
) -> None:
    f = decorated(world, dependency, backoff=Backoff(20, 2, 60))
    f.heal(1)
    assert world.executor.fail_next(OSError("down")) is Outcome.FAILED
    world.clock.advance(10 - TICK)
    write(world, f, kind)
    f.heal(1)
    assert world.executor.run_next() is Outcome.REFUSED
    world.do(f.set("w", 1))
    world.do(f.mark_stale(1))
    f.heal(1)
    assert world.executor.run_next() is Outcome.HEALED


@pytest.mark.parametrize("kind", WRITES)
def test_invalidating_during_a_heal_that_fails_does_not_defeat_the_backoff_either(
    world: World, dependency: Dependency, kind: str
) -> None:
    f = decorated(world, dependency, backoff=Backoff(20, 2, 60))
    f.heal(1)
    steps = world.executor.step_next()
    assert [steps.next(), steps.next()] == ["acquire", "get"]
    write(world, f, kind)
    steps.fail = OSError("down")
    assert steps.run() is Outcome.FAILED
    world.clock.advance(10 - TICK)
    f.heal(1)
    assert world.executor.run_next() is Outcome.REFUSED
    world.clock.advance(TICK)
    f.heal(1)
    assert world.executor.run_next() is Outcome.HEALED
    assert dependency.calls == [1]


def test_a_crash_counts_as_an_attempt_and_the_next_healer_backs_off(
    world: World, dependency: Dependency
) -> None:  # also H28
    f = decorated(world, dependency, heal_timeout=2, backoff=Backoff(20, 2, 60))
    f.heal(1)
    steps = world.executor.step_next()
    assert [steps.next(), steps.next()] == ["acquire", "get"]  # and then it is killed
    world.clock.advance(3)  # its lease lapses
    f.heal(1)
    assert world.executor.run_next() is Outcome.REFUSED
    world.clock.advance(7 - TICK)  # 10 s from the start of the heal that crashed
    f.heal(1)
    assert world.executor.run_next() is Outcome.REFUSED
    assert dependency.calls == []
    world.clock.advance(TICK)
    f.heal(1)
    heal = world.executor.pending[0]
    assert world.executor.run_next() is Outcome.HEALED
    assert heal.lease.attempt > 1
    assert f.cache_info().lost == 1


def test_a_heal_that_finds_its_key_healed_is_skipped_and_counts_no_attempt(
    shared: World, dependency: Dependency
) -> None:
    there = shared.another_process()
    f = decorated(shared, dependency, ttl=10, backoff=Backoff(1, 1, 1))
    g = decorated(there, dependency, ttl=10, backoff=Backoff(1, 1, 1))
    shared.do(f.set("v", 1))
    for _ in range(5):
        shared.clock.advance(10)
        shared.do(f(1)), shared.do(g(1))
        assert there.executor.run_next() is Outcome.HEALED
        assert shared.executor.run_next() is Outcome.SKIPPED
    assert len(dependency.calls) == 5
    assert next_attempt(shared, f) == 1
