"""heal_now and a dependency that has as many calls as it takes: it waits for a place, and not for
ever. That it passes over an open breaker is told in ``tests/test_breaker.py``."""

from __future__ import annotations

from typing import Any

import pytest

from oob_heal import Dependency as Declared
from oob_heal import HealTimeoutError, Outcome
from oob_heal.executors.tasks import TaskExecutor
from tests.conftest import Dependency, World
from tests.waiting import in_threads

CAP = 2


def busy(world: World, source: Dependency, **options: Any) -> tuple[Any, list[Any]]:
    """A function whose dependency has as many calls as it takes, and the heals that make them."""
    db = Declared("db", concurrency=CAP)

    def heals(n: int) -> Any:
        return source(n)

    f = world.decorate(heals, dependency=db, **options)
    for n in range(CAP):
        f.heal(n)
    steps = [world.executor.step_next() for _ in range(CAP)]
    for each in steps:
        while each.due != "call":
            each.next()
    return f, steps


# H17
def test_it_waits_for_a_place_at_the_dependency(world: World, dependency: Dependency) -> None:
    f, steps = busy(world, dependency)
    guard = f._oob_heal_core.guard
    parts, waited = f._oob_heal_core.parts, []

    def sleep(seconds: float) -> None:
        world.clock.advance(seconds)
        waited.append(guard.in_flight)
        if len(waited) == 3:
            in_threads(1, lambda _: steps.pop().run())  # no loop runs in that thread

    async def asleep(seconds: float) -> None:
        sleep(seconds)

    parts.sleep, parts.asleep = sleep, asleep
    assert world.do(f.heal_now(9)) == "v"
    assert waited == [CAP] * 3
    assert 9 in dependency.calls
    assert steps.pop().run() is Outcome.HEALED
    assert guard.in_flight == 0


# H17
@pytest.mark.parametrize("tasks", [False, True], ids=["any executor", "tasks"])
def test_it_waits_for_heal_timeout_at_most_and_says_what_for(
    world: World, dependency: Dependency, tasks: bool
) -> None:
    f, steps = busy(world, dependency, heal_timeout=5)
    if tasks:
        f._oob_heal_core.executor = TaskExecutor()
    began = world.clock()
    with pytest.raises(HealTimeoutError, match=r"no place at .* takes 2 calls"):
        world.do(f.heal_now(9))
    assert world.clock() - began == pytest.approx(5, abs=0.1)
    assert 9 not in dependency.calls
    assert [each.heal.outcome for each in steps] == [None] * CAP
