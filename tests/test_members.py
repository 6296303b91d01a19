"""The members of a decorated function, on every backend and in both colours."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from oob_heal import (
    BackendError,
    Backoff,
    CacheInfo,
    CacheMissError,
    Freshness,
    HealRejectedError,
    Reason,
    Served,
)
from oob_heal._counted import Counted
from tests.conftest import Dependency, World


@pytest.fixture
def f(world: World, dependency: Dependency) -> Any:
    """A function of one argument, fresh for 10 s and stale for 10 s more."""

    def source(n: int, more: int = 0) -> Any:
        """What the dependency says."""
        return dependency(n)

    return world.decorate(source, ttl=10, max_stale=10, default="default", drop_on=KeyError)


def test_lookup_tells_freshness_age_and_default(world: World, f: Any) -> None:
    assert world.do(f.lookup(1)) == Served("default", Freshness.ABSENT, None, True)
    world.executor.run_all()
    world.clock.advance(4)
    assert world.do(f.lookup(1)) == Served("v", Freshness.FRESH, 4, False)
    world.clock.advance(6)
    assert world.do(f.lookup(1)) == Served("v", Freshness.STALE, 10, False)
    info = f.cache_info()
    assert (info.hits, info.misses, info.stale, info.absent) == (1, 2, 1, 1)
    assert len(world.executor.pending) == 1


def test_lookup_without_anything_to_serve_raises_as_the_call_does(world: World) -> None:
    def source(n: int) -> int:
        return n

    f = world.decorate(source)
    for member in (f, f.lookup):
        with pytest.raises(CacheMissError) as caught:
            world.do(member(1))
        assert caught.value.reason is Reason.ABSENT


def test_peek_publishes_nothing_and_counts_nothing(world: World, f: Any) -> None:
    before = f.cache_info()
    assert world.do(f.peek(1)) is None
    world.do(f.set("s", 1))
    assert world.do(f.peek(1)) == Served("s", Freshness.FRESH, 0, False)
    world.clock.advance(10)
    assert world.do(f.peek(1)) == Served("s", Freshness.STALE, 10, False)
    world.clock.advance(10)
    assert world.do(f.peek(1)) is None
    world.backend.fail("get")
    assert world.do(f.peek(1)) is None
    assert world.executor.pending == ()
    assert f.cache_info()._replace(currsize=None) == before._replace(currsize=None)


def test_set_is_fresh_from_the_moment_of_the_write(world: World, f: Any) -> None:
    for value in ("s", None, 0, "", False, [1]):
        world.clock.advance(100)
        world.do(f.set(value, 1))
        world.clock.advance(9.5)
        assert world.do(f.lookup(n=1)) == Served(value, Freshness.FRESH, 9.5, False)
    assert world.executor.pending == ()
    assert world.do(f(2)) == "default"


def test_set_ends_a_heal_that_waits_and_what_kept_failing(world: World, f: Any) -> None:
    world.do(f(1))
    world.executor.fail_next(ConnectionError("gone"))
    assert [each.key for each in world.cache.failing()] == [f.cache_key(1)]
    world.do(f.set("s", 1))
    assert world.cache.failing() == []
    world.do(f(2))
    world.do(f.set("s", 2))
    assert (f.cache_info().healing, f.cache_info().healed) == (0, 1)


def test_invalidate_makes_one_key_absent(world: World, f: Any) -> None:
    world.do(f.set("s", 1))
    world.do(f.set("s", 2))
    world.do(f.invalidate(1))
    world.do(f.invalidate(3))
    assert [world.do(f.peek(n)) is None for n in (1, 2, 3)] == [True, False, True]


def test_mark_stale_serves_on_and_heals(world: World, f: Any, dependency: Dependency) -> None:
    world.do(f.set("s", 1))
    world.do(f.mark_stale(1))
    world.do(f.mark_stale(2))
    assert world.do(f.lookup(1)) == Served("s", Freshness.STALE, 0, False)
    world.executor.run_all()
    assert (world.do(f(1)), dependency.calls) == ("v", [1])
    assert world.do(f.peek(2)) is None


def test_cache_clear_clears_its_own_scope_and_no_other(world: World) -> None:  # H35
    def source(n: int) -> str:
        return "v"

    def other(n: int) -> str:
        return "v"

    name = source.__qualname__
    mine = world.decorate(source)
    kept = [
        world.decorate(other),
        world.decorate(other, name=f"{name}2"),
        world.decorate(other, name=name, namespace="test2"),
        world.decorate(other, name=f":{name}", namespace=""),
        world.decorate(other, name=name, version=1),
    ]
    for each in (mine, *kept):
        world.do(each.set("s", 1))
    world.do(mine.cache_clear())
    assert world.do(mine.peek(1)) is None
    assert [world.do(each(1)) for each in kept] == ["s"] * 5


def test_heal_publishes_also_for_a_fresh_key(world: World, f: Any, dependency: Dependency) -> None:
    world.do(f.set("s", 1))
    world.clock.advance(1)
    assert f.heal(1) is True
    assert [heal.event.reason for heal in world.executor.pending] == [Reason.REQUESTED]
    world.executor.run_all()
    assert (world.do(f(1)), dependency.calls) == ("v", [1])
    assert [f.heal(n) for n in range(3)] == [True] * 3


def test_heal_is_false_when_it_was_not_accepted(world: World, f: Any) -> None:
    assert f.heal(1) is True
    assert f.heal(1) is False  # under way already: nothing is dropped
    assert f.cache_info().dropped == 0
    world.executor.reject(HealRejectedError("full"))
    assert f.heal(2) is False
    assert f.cache_info().dropped == 1
    world.executor.reject(None)
    assert f.heal(2) is True


class CountsOn(Counted):
    """Counters of a function that is called all the time: each look finds one answer more."""

    __slots__ = ()

    @property
    def stale(self) -> int:
        self.stale_cell.cell_contents += 1
        return super().stale

    @property
    def absent(self) -> int:
        self.absent_cell.cell_contents += 1
        return super().absent


def test_cache_info_adds_up_while_calls_are_counted(world: World, f: Any) -> None:
    core = f._oob_heal_core
    core.counted = core.tally._counted = CountsOn()
    for _ in range(3):
        info = f.cache_info()
        assert info.misses == info.stale + info.absent


def test_cache_info_counts_everything(world: World, f: Any) -> None:
    run = world.executor
    world.do(f(1))
    run.run_next()  # healed
    world.do(f(1))
    world.clock.advance(10)
    world.do(f(1))
    world.do(f.heal_now(1))  # healed
    run.run_next()  # skipped: fresh by now
    world.do(f(2))
    steps = run.step_next()
    while steps.due != "commit":
        steps.next()
    world.do(f.invalidate(2))
    steps.run()  # refused
    f.heal(3)
    run.fail_next(ConnectionError())  # failed
    run.reject(HealRejectedError("full"))
    world.do(f(4))  # dropped
    run.reject(None)
    world.do(f(5))
    run.pending[0].cut_off()  # lost
    world.do(f(6))
    world.backend.fail("get")
    world.do(f(1))  # unreadable
    info = f.cache_info()
    assert info == CacheInfo(
        hits=1,
        misses=7,
        maxsize=10_000 if world.kind != "store" else None,
        currsize=1 if world.kind != "store" else None,
        stale=1,
        absent=6,
        healed=2,
        skipped=1,
        refused=1,
        failed=1,
        dropped=1,
        lost=1,
        healing=1,
    )


def test_cache_key_is_one_for_the_calls_that_share_an_entry(world: World, f: Any) -> None:
    assert f.cache_key(1) == f.cache_key(n=1) == f.cache_key(1, more=0)
    assert hash(f.cache_key(1)) == hash(f.cache_key(n=1))
    assert len({f.cache_key(n) for n in (1, 2, True, 1.0, "1")}) == 5
    assert f.cache_key(1).scope.namespace == "test"


def test_cache_parameters_show_how_it_was_decorated(world: World, f: Any) -> None:
    shown = f.cache_parameters()
    assert (shown["ttl"], shown["max_stale"], shown["jitter"]) == (10, 10, 0)
    assert (shown["namespace"], shown["backend"]) == ("test", world.backend)
    assert shown["backoff"] == Backoff()
    assert shown["heal_timeout"] == 30
    with pytest.raises(TypeError):
        shown["ttl"] = 5


def test_it_keeps_its_name_docs_signature_and_colour(world: World, f: Any) -> None:
    assert f.__name__ == "source"
    assert f.__doc__ == "What the dependency says."
    assert str(inspect.signature(f)) == "(n: 'int', more: 'int' = 0) -> 'Any'"
    assert inspect.iscoroutinefunction(f) is (world.colour == "async")


def test_wrapped_is_the_function_itself(world: World, f: Any, dependency: Dependency) -> None:
    assert world.do(f.__wrapped__(3)) == "v"
    assert dependency.calls == [3]
    assert sum(f.cache_info()[:2]) == 0


@pytest.mark.parametrize("member", ["set", "invalidate", "mark_stale", "cache_clear"])
def test_a_write_that_the_backend_fails_is_an_error_of_its_own(
    world: World, f: Any, member: str
) -> None:
    world.do(f.set("s", 1))
    arguments: dict[str, Any] = {"set": ("new", 1), "cache_clear": ()}
    verb = {"invalidate": "delete", "cache_clear": "clear"}.get(member, member)
    away = ConnectionError("redis://:secret@shop is away")
    world.backend.fail(error=away)
    with pytest.raises(BackendError) as caught:
        world.do(getattr(f, member)(*arguments.get(member, (1,))))
    assert caught.value.__cause__ is away
    assert f"failed to {verb}: ConnectionError" in str(caught.value)
    world.backend.recover()
    assert world.do(f(1)) == "s"
    with pytest.raises(BackendError) as caught:
        world.backend.fail()
        world.cache.clear()
    assert isinstance(caught.value.__cause__, ConnectionError)
