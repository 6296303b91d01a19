"""Marks: at most one heal a key under way in a process, and every mark has its deadline."""

from __future__ import annotations

from typing import Any

import pytest

from oob_heal import Backoff, Outcome
from tests.conftest import Dependency, World

TICK = 2.0**-10  # s: about a millisecond, and exact in a float


def decorated(world: World, dependency: Dependency, **options: Any) -> Any:
    world.cache._parts.random = lambda: 0.5

    def source(n: int) -> Any:
        return dependency(n)

    return world.decorate(source, **{"default": "default", "ttl": 10, **options})


def published(world: World, f: Any, n: int = 1) -> bool:
    """Read; whether a heal was published."""
    before = len(world.executor.pending)
    world.do(f(n))
    return len(world.executor.pending) > before


def test_a_key_whose_heal_waits_or_runs_is_published_once(
    world: World, dependency: Dependency
) -> None:  # H19
    f = decorated(world, dependency)
    assert published(world, f)
    assert not any(published(world, f) for _ in range(10))
    assert not f.heal(1)
    steps = world.executor.step_next()
    while steps.due is not None:
        assert not published(world, f)
        assert not f.heal(1)
        steps.next()
    assert published(world, f, 2)
    assert dependency.calls == [1]


def test_a_heal_that_its_executor_lost_is_published_again_after_its_mark(
    world: World, dependency: Dependency
) -> None:
    f = decorated(world, dependency, heal_timeout=5)
    assert published(world, f)
    heal = world.executor.pending[0]
    world.executor.drop_next()
    world.clock.advance(30 + 5 + 1 - TICK)  # queue_timeout, heal_timeout, a second for the commit
    assert not published(world, f)
    assert f.cache_info().healing == 1
    world.clock.advance(TICK)
    assert published(world, f)
    assert (f.cache_info().lost, f.cache_info().healing) == (1, 1)
    assert heal() is Outcome.LOST, "what comes to light after that does nothing"
    assert dependency.calls == []


def test_a_heal_that_hangs_is_published_again_after_its_lease(
    world: World, dependency: Dependency
) -> None:  # H13
    f = decorated(world, dependency, heal_timeout=5)
    assert published(world, f)
    world.clock.advance(20)
    steps = world.executor.step_next()
    assert [steps.next(), steps.next()] == ["acquire", "get"]
    world.clock.advance(5 + 1 - TICK)
    assert not published(world, f)
    world.clock.advance(TICK)
    assert published(world, f)
    assert world.executor.run_next() is Outcome.HEALED
    world.clock.advance(10)
    steps.run()
    assert world.do(f.lookup(1)).age == 10, "the late result is refused"
    assert f.cache_info().lost == 1


def test_after_a_lease_that_somebody_holds_the_key_is_quiet_for_a_second_at_most(
    shared: World, dependency: Dependency
) -> None:
    there = shared.another_process()
    f = decorated(shared, dependency, heal_timeout=1.5)
    g = decorated(there, dependency, heal_timeout=1.5)
    g.heal(1)
    steps = there.executor.step_next()
    steps.next()  # takes the lease, for 2.5 s
    assert published(shared, f)
    for quiet in (1, 1, 0.5):
        assert shared.executor.run_next() is Outcome.REFUSED
        assert not published(shared, f)
        shared.clock.advance(quiet - TICK)
        assert not published(shared, f)
        shared.clock.advance(TICK)
        assert published(shared, f)
    assert shared.executor.run_next() is Outcome.HEALED


@pytest.mark.parametrize(("delay", "quiet"), [(0.25, 0.25), (4, 1)])
def test_after_a_failure_the_key_is_quiet_for_its_delay_and_a_second_at_most(
    world: World, dependency: Dependency, delay: float, quiet: float
) -> None:
    f = decorated(world, dependency, backoff=Backoff(2 * delay, 1, 2 * delay))
    assert published(world, f)
    assert world.executor.fail_next(OSError("down")) is Outcome.FAILED
    assert not published(world, f)
    world.clock.advance(quiet - TICK)
    assert not published(world, f)
    world.clock.advance(TICK)
    assert published(world, f)
    assert world.executor.run_next() is (Outcome.HEALED if delay <= 1 else Outcome.REFUSED)


@pytest.mark.parametrize("kind", ["set", "invalidate", "mark_stale", "cache_clear"])
def test_a_write_starts_no_second_call_beside_the_heal_that_it_voids(
    world: World, dependency: Dependency, kind: str
) -> None:
    f = decorated(world, dependency, heal_timeout=5)
    assert published(world, f)
    steps = world.executor.step_next()
    assert [steps.next(), steps.next(), steps.next()] == ["acquire", "get", "call"]
    world.do(
        {
            "set": lambda: f.set("written", 1),
            "invalidate": lambda: f.invalidate(1),
            "mark_stale": lambda: f.mark_stale(1),
            "cache_clear": f.cache_clear,
        }[kind]()
    )
    assert not f.heal(1)
    assert not published(world, f)
    assert steps.run() is Outcome.REFUSED
    assert f.heal(1)
    assert world.executor.run_next() is (Outcome.SKIPPED if kind == "set" else Outcome.HEALED)


def test_a_voided_heal_that_hangs_keeps_its_mark_until_its_lease_would_have_ended(
    world: World, dependency: Dependency
) -> None:
    f = decorated(world, dependency, heal_timeout=5)
    assert published(world, f)
    steps = world.executor.step_next()
    assert [steps.next(), steps.next()] == ["acquire", "get"]
    world.do(f.invalidate(1))
    world.clock.advance(5 + 1 - TICK)
    assert not published(world, f)
    world.clock.advance(TICK)
    assert published(world, f)


def test_set_ends_a_heal_that_only_waits(world: World, dependency: Dependency) -> None:
    f = decorated(world, dependency)
    assert published(world, f)
    world.do(f.set("fetched by a healer of the user's own", 1))
    assert (f.cache_info().healed, f.cache_info().healing) == (1, 0)
    assert world.executor.run_next() is Outcome.HEALED
    assert dependency.calls == []
    world.clock.advance(10)
    assert published(world, f)


def test_a_heal_handed_to_an_engine_holds_back_misses_of_the_same_entry_for_a_second(
    shared: World, dependency: Dependency
) -> None:
    f = decorated(shared, dependency)
    sent: list[bytes] = []
    for n in (1, 2, 3):
        assert published(shared, f, n)
        shared.do(shared.executor.pending[-1].hand_on(sent.append))
    assert len(sent) == 3
    there = shared.another_process()
    g = decorated(there, dependency)
    assert not published(shared, f, 1)
    shared.do(g.set("elsewhere", 2))
    shared.do(g.mark_stale(2))
    assert published(shared, f, 2), "it is another entry that is missed now"
    shared.clock.advance(1 - TICK)
    assert not published(shared, f, 1)
    shared.clock.advance(TICK)
    assert published(shared, f, 1)
    assert there.cache.heal_message(sent[2]) is Outcome.HEALED
    assert f.cache_info().healing == 5
