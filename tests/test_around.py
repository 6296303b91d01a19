"""``around=``: what the heal needs of its own, where the request's is gone (H44)."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from oob_heal import Freshness, HealTimeoutError, OobHealError, Outcome
from tests.conftest import Dependency, World

session: contextvars.ContextVar[str] = contextvars.ContextVar("session")


class Around:
    """Makes context managers that write down what happens to them."""

    def __init__(self, colour: str, *, fail: str = "", swallow: bool = False) -> None:
        self.colour = colour
        self.log: list[str] = []
        self.fail = fail
        self.swallow = swallow

    def enter(self) -> None:
        self.log.append("enter")
        self.token = session.set("the heal's own")
        if self.fail == "enter":
            raise ConnectionError("no session is to be had")

    def leave(self, error: type[BaseException] | None) -> bool:
        self.log.append(f"leave {error.__name__ if error else 'well'}")
        session.reset(self.token)
        if self.fail == "leave":
            raise ConnectionError("it could not be closed")
        return self.swallow

    def __call__(self) -> Any:
        around = self

        class Manager:
            def __enter__(self) -> None:
                around.enter()

            def __exit__(self, error: type[BaseException] | None, *_: object) -> bool:
                return around.leave(error)

        class AsyncManager:
            async def __aenter__(self) -> None:
                around.enter()

            async def __aexit__(self, error: type[BaseException] | None, *_: object) -> bool:
                return around.leave(error)

        return AsyncManager() if self.colour == "async" else Manager()


def test_each_heal_calls_the_function_inside_one_of_its_own(
    world: World, dependency: Dependency
) -> None:  # H44
    def source(n: int) -> str:
        around.log.append(f"call in {session.get()}")
        return dependency(n)

    around = Around(world.colour)
    f = world.decorate(source, around=around, default=None)
    session.set("the request's")
    world.do(f(1))
    world.do(f.set("s", 2))
    world.do(f(2))
    world.do(f.peek(1))
    assert around.log == []
    world.executor.run_all()
    once = ["enter", "call in the heal's own", "leave well"]
    assert around.log == once
    world.do(f.heal_now(3))
    assert around.log == once * 2
    assert session.get() == "the request's"
    assert world.do(f(1)) == "v"


def test_an_async_function_may_have_a_sync_one(dependency: Dependency) -> None:
    world = World("memory", "async")

    def source(n: int) -> str:
        return session.get()

    around = Around("sync")
    f = world.decorate(source, around=around)
    assert world.do(f.heal_now(1)) == "the heal's own"
    assert around.log == ["enter", "leave well"]


def test_an_argument_that_died_with_the_request_is_replaced_by_the_heals_own(
    world: World,
) -> None:  # H44
    class Session:
        def __init__(self) -> None:
            self.closed = False

        def price(self, n: int) -> int:
            if self.closed:
                raise ConnectionError("this session was closed with its request")
            return n

    made: list[Session] = []

    @contextlib.contextmanager
    def own_session() -> Iterator[None]:
        made.append(Session())
        yield
        made[-1].closed = True

    def naive(n: int, of_request: Session) -> int:
        return of_request.price(n)

    def careful(n: int, of_request: Any = None) -> int:
        return made[-1].price(n)

    options: dict[str, Any] = {"ignore": "of_request", "default": -1}
    f, g = world.decorate(naive, **options), world.decorate(careful, around=own_session, **options)
    request = Session()
    assert [world.do(each(7, request)) for each in (f, g)] == [-1, -1]
    request.closed = True
    assert [world.executor.run_next() for _ in (f, g)] == [Outcome.FAILED, Outcome.HEALED]
    assert [world.do(each(7, Session())) for each in (f, g)] == [-1, 7]
    assert [each.closed for each in made] == [True]


@pytest.mark.parametrize("fail", ["enter", "leave"])
def test_one_that_raises_fails_the_heal_and_stores_nothing(
    world: World, dependency: Dependency, fail: str
) -> None:  # H44
    def source(n: int) -> str:
        return dependency(n)

    around = Around(world.colour, fail=fail)
    f = world.decorate(source, around=around, default=None)
    world.do(f.set("kept", 1))
    world.do(f.mark_stale(1))
    world.do(f(1))
    assert world.executor.run_next() is Outcome.FAILED
    assert dependency.calls == ([] if fail == "enter" else [1])
    assert world.do(f.peek(1))[:2] == ("kept", Freshness.STALE)
    assert [each.error for each in world.cache.failing()] == ["ConnectionError"]


def test_one_that_swallows_the_functions_error_fails_the_heal(
    world: World, dependency: Dependency
) -> None:  # H44
    def source(n: int) -> str:
        return dependency(n)

    dependency.error = ConnectionError("gone")
    around = Around(world.colour, swallow=True)
    f = world.decorate(source, around=around, default="default")
    world.do(f(1))
    assert world.executor.run_next() is Outcome.FAILED
    assert around.log == ["enter", "leave ConnectionError"]
    assert world.do(f(1)) == "default"
    (failing,) = world.cache.failing()
    assert "around= of test:" in failing.message
    assert "swallowed an error" in failing.message
    with pytest.raises(OobHealError, match="swallowed"):
        world.do(f.heal_now(1))


def test_it_sees_the_error_that_says_there_is_nothing(world: World, dependency: Dependency) -> None:
    def source(n: int) -> str:
        return dependency(n)

    dependency.error = KeyError("gone")
    around = Around(world.colour)
    f = world.decorate(source, around=around, default="default", drop_on=KeyError)
    world.do(f.set("s", 1))
    world.do(f.mark_stale(1))
    world.do(f(1))
    assert world.executor.run_next() is Outcome.HEALED
    assert around.log == ["enter", "leave KeyError"]
    assert world.do(f(1)) == "default"


def test_one_of_asyncs_that_hangs_is_inside_the_heals_timeout(dependency: Dependency) -> None:
    @contextlib.asynccontextmanager
    async def hanging() -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield

    world = World("memory", "async")

    def source(n: int) -> str:
        return dependency(n)

    f = world.decorate(source, around=hanging, heal_timeout=0.01)
    with pytest.raises(HealTimeoutError):
        world.do(f.heal_now(1))
    assert dependency.calls == []
