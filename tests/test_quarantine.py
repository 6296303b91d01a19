"""A key whose healers do not survive it: it backs off, then it is left alone, and told.  # H28"""

from __future__ import annotations

from typing import Any

from oob_heal import Backoff, Outcome
from oob_heal.observe import Advice
from tests.conftest import Dependency, World

TICK = 2.0**-10  # s
LEASE = 3.0  # s, of a heal with heal_timeout 2


def killed(world: World, function: Any) -> None:
    """A heal whose healer is gone in the middle of it."""
    function.heal(1)
    steps = world.executor.step_next()
    assert [steps.next(), steps.next()] == ["acquire", "get"]
    world.clock.advance(LEASE)


def prepared(world: World, dependency: Dependency, **options: Any) -> Any:
    def source(n: int) -> str:
        return dependency(n)

    return world.decorate(source, heal_timeout=2, backoff=Backoff(1, 1, 1), **options)


def test_a_key_that_costs_five_healers_their_lives_is_left_alone_for_ten_longest_backoffs(
    world: World, dependency: Dependency
) -> None:
    told: list[Any] = []
    with world.cache.override(observers=[told.append]):
        f = prepared(world, dependency, default="default")
        for _ in range(5):
            killed(world, f)
        f.heal(1)
        assert world.executor.run_next() is Outcome.REFUSED
        (failing,) = world.cache.failing()
        assert (failing.error, failing.attempts) == ("Quarantined", 5)
        assert failing.next_try == 10 - LEASE
        world.clock.advance(10 - LEASE - TICK)
        f.heal(1)
        assert world.executor.run_next() is Outcome.REFUSED
        assert dependency.calls == []
        world.clock.advance(TICK)
        f.heal(1)
        assert world.executor.run_next() is Outcome.HEALED
        assert world.cache.failing() == []
        world.cache._swapped["parts"].hub.flush(10)
    (text,) = [each.text for each in told if isinstance(each, Advice)]
    assert text.startswith("a key is left alone for 7 s: its healer crashed, or was killed")


def test_after_its_quarantine_a_key_that_kills_again_is_left_alone_again(
    world: World, dependency: Dependency
) -> None:
    f = prepared(world, dependency)
    for _ in range(5):
        killed(world, f)
    f.heal(1)
    assert world.executor.run_next() is Outcome.REFUSED
    world.clock.advance(10 - LEASE)
    killed(world, f)
    f.heal(1)
    assert world.executor.run_next() is Outcome.REFUSED


def test_a_crash_after_fewer_attempts_backs_off_as_a_failure_does(
    world: World, dependency: Dependency
) -> None:
    f = prepared(world, dependency)
    for _ in range(4):
        killed(world, f)
    f.heal(1)
    assert world.executor.run_next() is Outcome.HEALED


def test_heal_now_passes_over_a_quarantine(world: World, dependency: Dependency) -> None:
    f = prepared(world, dependency)
    for _ in range(5):
        killed(world, f)
    assert world.do(f.heal_now(1)) == "v"
