"""H06: an error that says *there is nothing* removes the entry; any other leaves it."""

from __future__ import annotations

from typing import Any

import pytest

from oob_heal import Backoff, CacheMissError, Freshness, Outcome, Reason
from oob_heal.testing import Steps
from tests.conftest import Dependency, World

TICK = 2.0**-10  # s: about a millisecond, and exact in a float


class NotFoundError(Exception):
    """The dependency has nothing under this key."""


def decorated(world: World, dependency: Dependency, **options: Any) -> Any:
    def source(n: int) -> Any:
        return dependency(n)

    return world.decorate(source, **{"ttl": 10, "drop_on": (NotFoundError, LookupError), **options})


def test_what_the_dependency_says_is_gone_is_absent_for_the_next_read(
    world: World, dependency: Dependency
) -> None:  # H06: 100 of 100
    f = decorated(world, dependency)
    for n in range(100):
        world.do(f.set("revoked", n))
    world.clock.advance(10)
    dependency.error = NotFoundError("revoked")
    absent = 0
    for n in range(100):
        assert world.do(f(n)) == "revoked"
        assert world.executor.run_next() is Outcome.HEALED
        with pytest.raises(CacheMissError) as caught:
            world.do(f(n))
        absent += caught.value.reason is Reason.ABSENT
    assert absent == 100
    assert len(dependency.calls) == 100


def test_a_success_older_than_the_drop_cannot_bring_the_entry_back(
    world: World, dependency: Dependency
) -> None:  # H06
    f = decorated(world, dependency, default="default")
    for n in range(100):
        world.do(f.set("revoked", n))
        world.clock.advance(10)
        assert world.do(f(n)) == "revoked"
        older = world.executor.step_next()
        assert [older.next(), older.next(), older.next()] == ["acquire", "get", "call"]
        world.do(f.mark_stale(n))  # voids it, so that the next may heal beside it
        newer = duplicate(older)
        newer.fail = NotFoundError("revoked")
        assert newer.run() is Outcome.HEALED
        assert older.run() is Outcome.REFUSED
        assert world.do(f(n)) == "default"
        world.executor.run_all()  # what this read published: held back, by the drop's quiet time
        assert world.do(f.peek(n)) is None


def duplicate(steps: Steps) -> Steps:
    """The same heal again, as another process would run it."""
    heal = type(steps.heal)(steps.heal.subject)
    heal.core.inflight.join(heal, 60)
    return Steps(heal)


def test_a_drop_older_than_a_write_removes_nothing(world: World, dependency: Dependency) -> None:
    f = decorated(world, dependency)
    f.heal(1)
    steps = world.executor.step_next()
    steps.fail = NotFoundError()
    assert [steps.next(), steps.next(), steps.next()] == ["acquire", "get", "call"]
    world.do(f.set("created since", 1))
    assert steps.run() is Outcome.REFUSED
    assert world.do(f.lookup(1)).freshness is Freshness.FRESH


@pytest.mark.parametrize(
    ("ttl", "maximum", "quiet"), [(10, 60, 10), (100, 60, 60), (float("inf"), 60, 60)]
)
def test_a_dropped_key_is_not_asked_for_again_before_the_smaller_of_ttl_and_maximum(
    world: World, dependency: Dependency, ttl: float, maximum: float, quiet: float
) -> None:  # H06
    f = decorated(world, dependency, ttl=ttl, default=None, backoff=Backoff(maximum=maximum))
    dependency.error = NotFoundError()
    f.heal(1)
    assert world.executor.run_next() is Outcome.HEALED
    for _ in range(int(quiet) - 1):
        world.clock.advance(1)
        assert world.do(f(1)) is None
        world.executor.run_all()
    world.clock.advance(1 - TICK)
    world.do(f.invalidate(1))
    world.do(f(1))
    world.executor.run_all()
    assert len(dependency.calls) == 1
    world.clock.advance(1)
    world.do(f(1))
    world.executor.run_all()
    assert len(dependency.calls) == 2
    world.do(f.set("v", 1))
    world.do(f.mark_stale(1))
    f.heal(1)
    world.executor.run_all()
    assert len(dependency.calls) == 3


def test_a_drop_is_an_answer_and_no_failure(world: World, dependency: Dependency) -> None:
    f = decorated(world, dependency, backoff=Backoff(1, 1, 1))
    dependency.error = OSError("down")
    f.heal(1)
    assert world.executor.run_next() is Outcome.FAILED
    assert [failing.error for failing in world.cache.failing()] == ["OSError"]
    world.clock.advance(1)
    dependency.error = KeyError(1)
    f.heal(1)
    assert world.executor.run_next() is Outcome.HEALED
    assert world.cache.failing() == []
    assert (f.cache_info().healed, f.cache_info().failed) == (1, 1)


def test_an_error_of_this_library_is_never_an_answer(world: World) -> None:
    def inner(n: int) -> str:
        return "v"

    unhealed = world.decorate(inner)

    def source(n: int) -> Any:
        return unhealed(n)

    async def asource(n: int) -> Any:
        return await unhealed(n)

    # A nested call's CacheMissError is a LookupError, and means that nothing is known.
    options = {"ttl": 10, "drop_on": LookupError, "name": "outer"}
    f = world.decorate(source if world.colour == "sync" else asource, **options)
    world.do(f.set("kept", 1))
    world.clock.advance(10)
    assert world.do(f(1)) == "kept"
    assert world.executor.run_next() is Outcome.FAILED
    assert world.do(f(1)) == "kept"
