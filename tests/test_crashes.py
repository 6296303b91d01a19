"""A heal that is abandoned at any step costs one lease and one read, in one process."""

from __future__ import annotations

from typing import Any

import pytest

from oob_heal import Outcome
from tests.conftest import Dependency, World

HEAL_TIMEOUT = 30.0
LEASE = HEAL_TIMEOUT + 1.0  # s: what a running heal may hold, and its mark
MARK = 30.0 + LEASE  # s: what a heal that waits for its executor may: queue_timeout, then a lease
TICK = 2.0**-10  # s
STEPS = ("acquire", "get", "call", "commit")


def prepared(world: World, dependency: Dependency, state: str) -> Any:
    def source(n: int) -> str:
        return dependency(n)

    function = world.decorate(source, default="default", ttl=10, heal_timeout=HEAL_TIMEOUT)
    if state == "stale":
        world.do(function.set("old", 1))
        world.clock.advance(11)
    return function


def read(world: World, function: Any) -> bool:
    """One read; whether it published."""
    before = len(world.executor.pending)
    assert world.do(function(1)) in ("old", "default", "v")
    return len(world.executor.pending) > before


# H13: abandoned after each of its steps, as by a thread that dies or a loop that stops for ever.
@pytest.mark.parametrize("state", ["stale", "absent"])
@pytest.mark.parametrize("steps", range(len(STEPS)), ids=["", *STEPS[:-1]])
def test_a_heal_abandoned_after_any_step_costs_one_lease_and_one_read(
    world: World, dependency: Dependency, steps: int, state: str
) -> None:
    function = prepared(world, dependency, state)
    assert read(world, function)
    abandoned = world.executor.step_next()
    assert [abandoned.next() for _ in range(steps)] == list(STEPS[:steps])
    calls = len(dependency.calls)
    world.clock.advance(LEASE - TICK)
    assert not read(world, function)  # its mark holds still
    world.clock.advance(TICK)
    assert read(world, function)  # the one read
    assert function.cache_info().lost == 1
    assert world.executor.run_next() is Outcome.HEALED
    assert len(dependency.calls) == calls + 1
    assert world.do(function.lookup(1)).age == 0
    world.clock.advance(5)
    dependency.value = "late"
    abandoned.run()  # what comes to light after that is refused
    assert world.do(function(1)) == "v"
    assert function.cache_info().healing == 0
    assert function.cache_info().lost == 1  # H14: counted once


# H13
@pytest.mark.parametrize("state", ["stale", "absent"])
def test_a_heal_that_its_executor_never_runs_costs_its_mark_and_one_read(
    world: World, dependency: Dependency, state: str
) -> None:
    function = prepared(world, dependency, state)
    assert read(world, function)
    (forgotten,) = world.executor.pending
    world.executor.drop_next()
    world.clock.advance(MARK - TICK)
    assert not read(world, function)
    world.clock.advance(TICK)
    assert read(world, function)
    assert world.executor.run_next() is Outcome.HEALED
    assert forgotten() is Outcome.LOST if world.colour == "sync" else True
    assert dependency.calls == [1]
    assert world.do(function(1)) == "v"


# H13: with the store's clock and its process's going on together, as they do.
@pytest.mark.parametrize("steps", range(1, len(STEPS)), ids=STEPS[:-1])
def test_another_process_heals_what_a_dead_one_left_at_any_step(
    shared: World, dependency: Dependency, steps: int
) -> None:
    dead = shared.another_process()
    theirs = prepared(dead, dependency, "absent")
    assert read(dead, theirs)
    abandoned = dead.executor.step_next()
    for _ in range(steps):
        abandoned.next()
    calls = len(dependency.calls)
    ours = prepared(shared, dependency, "absent")
    assert read(shared, ours)
    assert shared.executor.run_next() is Outcome.REFUSED
    shared.clock.advance(LEASE)
    assert read(shared, ours)
    assert shared.executor.run_next() is Outcome.HEALED
    assert len(dependency.calls) == calls + 1
    assert shared.do(ours(1)) == "v"
