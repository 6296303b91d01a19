"""Inside a heal: a decorated call follows the table, except that it serves no default."""

from __future__ import annotations

import contextvars
import threading
from typing import Any

import pytest

from oob_heal import CacheMissError, Outcome, Reason
from tests.conftest import Dependency, World


def nest(world: World, inner: Any, **options: Any) -> Any:
    """A function that returns ``inner(n)``, in a list, in the world's colour."""

    def outer(n: int) -> Any:
        return [inner(n)]

    async def aouter(n: int) -> Any:
        return [await inner(n)]

    fn = outer if world.colour == "sync" else aouter
    return world.decorate(fn, name="outer", default="outer's default", **options)


def decorated(world: World, dependency: Dependency, **options: Any) -> Any:
    def inner(n: int) -> Any:
        return dependency(n)

    return world.decorate(inner, **options)


def test_one_functions_default_never_becomes_anothers_data(
    world: World, dependency: Dependency
) -> None:  # H08
    inner = decorated(world, dependency, default="inner's default")
    outer = nest(world, inner)
    assert world.do(outer(1)) == "outer's default"
    assert world.executor.run_next() is Outcome.FAILED
    assert world.do(outer(1)) == "outer's default"
    assert [failing.error for failing in world.cache.failing()] == ["CacheMissError"]
    assert [heal.event.name for heal in world.executor.pending] == [
        inner.cache_parameters()["name"]
    ]
    assert world.executor.run_next() is Outcome.HEALED
    world.clock.advance(1)  # the outer heal's backoff, at most
    assert world.do(outer(1)) == "outer's default"
    assert world.executor.run_next() is Outcome.HEALED
    assert world.do(outer(1)) == ["v"]
    assert dependency.calls == [1]


@pytest.mark.parametrize("age", [0, 10])
def test_inside_a_heal_fresh_and_stale_values_are_served_as_ever(
    world: World, dependency: Dependency, age: float
) -> None:
    inner = decorated(world, dependency, ttl=10, max_stale=5, default="inner's default")
    outer = nest(world, inner)
    world.do(inner.set("nested", 1))
    world.clock.advance(age)
    outer.heal(1)
    assert world.executor.run_next() is Outcome.HEALED
    assert world.do(outer(1)) == ["nested"]
    assert len(world.executor.pending) == (age == 10)


def test_inside_a_heal_an_expired_value_is_a_miss_with_its_reason(
    world: World, dependency: Dependency
) -> None:
    inner = decorated(world, dependency, ttl=10, max_stale=5, default="inner's default")
    outer = nest(world, inner)
    world.do(inner.set("old", 1))
    world.clock.advance(15)
    outer.heal(1)
    heal = world.executor.pending[0]
    assert world.executor.run_next() is Outcome.FAILED
    assert isinstance(heal.error, CacheMissError)
    assert heal.error.reason is (Reason.ABSENT if world.kind == "store" else Reason.EXPIRED)


@pytest.mark.parametrize("present", [False, True])
def test_a_heal_that_asks_for_its_own_key_neither_waits_nor_recurses(
    world: World, present: bool
) -> None:  # H27
    calls = []

    def source(n: int) -> Any:
        calls.append(n)
        return f"{f(n)}, again"

    async def asource(n: int) -> Any:
        calls.append(n)
        return f"{await f(n)}, again"

    fn = source if world.colour == "sync" else asource
    f = world.decorate(fn, ttl=10, name="source", default="default")
    if present:
        world.do(f.set("before", 1))
        world.clock.advance(10)
    assert world.do(f(1)) == ("before" if present else "default")
    heal = world.executor.pending[0]
    assert world.executor.run_next() is (Outcome.HEALED if present else Outcome.FAILED)
    assert present or isinstance(heal.error, CacheMissError)
    assert world.executor.pending == ()
    assert world.do(f(1)) == ("before, again" if present else "default")
    assert calls == [1]


def test_inside_a_heal_heal_now_of_its_own_key_is_refused(world: World) -> None:  # H27
    def source(n: int) -> Any:
        return f.heal_now(n)

    async def asource(n: int) -> Any:
        return await f.heal_now(n)

    f = world.decorate(source if world.colour == "sync" else asource, name="source")
    with pytest.raises(CacheMissError):
        world.do(f.heal_now(1))
    assert world.do(f.peek(1)) is None


def test_heal_now_of_another_function_inside_a_heal_brings_its_value(
    world: World, dependency: Dependency
) -> None:
    inner = decorated(world, dependency, default="inner's default")

    def outer(n: int) -> Any:
        return [inner.heal_now(n)]

    async def aouter(n: int) -> Any:
        return [await inner.heal_now(n)]

    f = world.decorate(outer if world.colour == "sync" else aouter, name="outer")
    assert world.do(f.heal_now(1)) == ["v"]
    assert world.do(f(1)) == ["v"]


@pytest.mark.parametrize("carried", [False, True])
def test_a_thread_that_the_function_starts_is_inside_its_heal_only_if_the_context_is_carried(
    carried: bool, dependency: Dependency
) -> None:
    world = World("memory", "sync")
    inner = decorated(world, dependency, default="inner's default")
    answers: list[Any] = []

    def ask(n: int) -> None:
        try:
            answers.append(inner(n))
        except CacheMissError as error:
            answers.append(error.reason)

    def outer(n: int) -> str:
        run = contextvars.copy_context().run
        target = (lambda: run(ask, n)) if carried else (lambda: ask(n))
        thread = threading.Thread(target=target)
        thread.start()
        thread.join(10)
        return "v"

    f = world.decorate(outer)
    f.heal(1)
    assert world.executor.run_next() is Outcome.HEALED
    assert answers == [Reason.ABSENT if carried else "inner's default"]
