"""How a heal goes: when it calls, what it commits, what it leaves alone."""

from __future__ import annotations

from typing import Any

import pytest

from oob_heal import Backoff, Freshness, HealTimeoutError, Outcome, Reason
from tests.conftest import Dependency, World

TICK = 2.0**-10  # s: about a millisecond, and exact in a float


def decorated(world: World, dependency: Dependency, **options: Any) -> Any:
    """A function over the dependency."""

    def source(n: int) -> Any:
        return dependency(n)

    return world.decorate(source, **options)


def test_a_heal_slower_than_the_ttl_is_served_stale_at_once_and_healed_again(
    world: World,
) -> None:
    def source(n: int) -> str:
        world.clock.advance(12)
        return "v"

    f = world.decorate(source, ttl=10, max_stale=5)
    f.heal(1)
    assert world.executor.run_next() is Outcome.HEALED
    assert world.do(f.lookup(1)) == ("v", Freshness.STALE, 12, False)
    assert [heal.event.reason for heal in world.executor.pending] == [Reason.STALE]
    assert world.executor.run_next() is Outcome.HEALED


def test_a_heal_too_slow_to_be_served_at_all_fails_backs_off_and_is_told_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.cache._parts.random = lambda: 0.5
    takes = [15 - TICK, 15.0, 15.0]

    def source(n: int) -> str:
        world.clock.advance(takes.pop(0))
        return "v"

    f = world.decorate(source, ttl=10, max_stale=5, default="default", backoff=Backoff(8, 2, 60))
    f.heal(1)
    assert world.executor.run_next() is Outcome.HEALED
    assert world.do(f(1)) == "v"
    for waits in (4, 8):
        world.clock.advance(1)
        assert world.do(f(1)) == "default"
        assert world.executor.run_next() is Outcome.FAILED
        (failing,) = world.cache.failing()
        assert (failing.error, failing.next_try) == ("HealTimeoutError", waits)
        assert "ttl + max_stale" in failing.message
        world.clock.advance(waits)
    world.cache._parts.hub.flush(5)
    assert sum("ttl + max_stale" in each.message for each in caplog.records) == 1


def test_a_heal_past_its_timeout_fails_whatever_it_brings(world: World) -> None:
    takes = [2.0, 2.0 - TICK]

    def source(n: int) -> str:
        world.clock.advance(takes.pop(0))
        return "v"

    f = world.decorate(source, heal_timeout=2, default="default")
    f.heal(1)
    heal = world.executor.pending[0]
    assert world.executor.run_next() is Outcome.FAILED
    assert isinstance(heal.error, HealTimeoutError)
    assert world.do(f.peek(1)) is None
    world.clock.advance(1)
    f.heal(1)
    assert world.executor.run_next() is Outcome.HEALED


def test_a_failure_leaves_the_entry_and_its_age_alone(world: World, dependency: Dependency) -> None:
    f = decorated(world, dependency, ttl=10, max_stale=50)
    world.do(f.set("v", 1))
    for age in (20, 40):
        world.clock.advance(20)
        assert world.do(f.lookup(1)) == ("v", Freshness.STALE, age, False)
        assert world.executor.fail_next(OSError("down")) is Outcome.FAILED
        assert world.do(f.lookup(1)) == ("v", Freshness.STALE, age, False)


def test_a_requested_heal_skips_only_what_is_dated_at_or_after_the_request(
    shared: World, dependency: Dependency
) -> None:
    there = shared.another_process()
    f, g = decorated(shared, dependency), decorated(there, dependency)
    shared.do(f.set("fresh", 1))
    shared.clock.advance(TICK)
    f.heal(1)
    assert shared.executor.run_next() is Outcome.HEALED
    assert shared.do(f(1)) == "v"
    for later, mark, outcome in (
        (0, False, Outcome.SKIPPED),
        (TICK, False, Outcome.SKIPPED),
        (TICK, True, Outcome.HEALED),
    ):
        f.heal(1)
        shared.clock.advance(later)
        shared.do(g.set("w", 1))
        if mark:
            shared.do(g.mark_stale(1))
        assert shared.executor.run_next() is outcome
    assert len(dependency.calls) == 2


@pytest.mark.parametrize("verb", ["acquire", "get", "commit"])
def test_a_backend_that_fails_under_a_heal_fails_it_and_without_a_lease_nothing_is_called(
    world: World, dependency: Dependency, verb: str
) -> None:
    f = decorated(world, dependency, ttl=10)
    world.do(f.set("old", 1))
    world.clock.advance(10)
    f.heal(1)
    world.backend.fail(verb)
    assert world.executor.run_next() is Outcome.FAILED
    world.backend.recover()
    assert dependency.calls == ([1] if verb == "commit" else [])
    assert world.do(f(1)) == "old"
    world.clock.advance(1)
    assert world.do(f(1)) == "old"
    assert world.executor.run_next() is Outcome.HEALED
    assert world.do(f(1)) == "v"
