"""What failed leaves a type and a short message behind: no traceback, no frame, no argument."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oob_heal import Dependency
from oob_heal.executors.tasks import TaskExecutor
from oob_heal.executors.threads import ThreadExecutor
from tests.conftest import World
from tests.waiting import wait_until

CALLS_ON = Dependency("calls on", breaker=None)
FAILURES = 50  # the promise's own number, a megabyte each


class Heavy:
    """A megabyte that a frame holds."""

    def __init__(self) -> None:
        self.data = bytearray(1_000_000)


class Failing:
    """A function that fails with heavy frames, in every way that keeps them."""

    def __init__(self) -> None:
        self.held: list[weakref.ref[Heavy]] = []

    def hold(self) -> Heavy:
        heavy = Heavy()
        self.held.append(weakref.ref(heavy))
        return heavy

    def fail(self, text: str) -> None:
        heavy = self.hold()
        raise ValueError(text, len(heavy.data))

    def __call__(self, n: int) -> str:
        kept = self.hold()
        if n % 4 == 0:
            self.fail("plain")
        try:
            self.fail("first")
        except ValueError as first:
            if n % 4 == 1:  # its context
                self.fail("second")
            try:
                self.fail("third")
            except ValueError as third:
                if n % 4 == 2:  # a cause beside its context
                    raise KeyError("chained") from first
                raise ExceptionGroup("several", [first, third]) from None
        return str(kept)

    def alive(self) -> int:
        return sum(ref() is not None for ref in self.held)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What only the cyclic collector frees is retained, for as long as it pleases to wait."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


# H30
@pytest.mark.usefixtures("no_collector")
def test_nothing_of_fifty_failed_heals_is_retained(world: World) -> None:
    failing = Failing()

    def source(n: int) -> str:
        return failing(n)

    function = world.decorate(source, dependency=CALLS_ON, default="default")
    for n in range(FAILURES):
        world.do(function(n))
    world.executor.run_all()
    assert function.cache_info().failed == FAILURES
    assert len(failing.held) >= 2 * FAILURES
    assert failing.alive() == 0
    told = world.cache.failing()
    assert len(told) == FAILURES
    assert {each.error for each in told} == {"ValueError", "KeyError", "ExceptionGroup"}


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("make", [ThreadExecutor, concurrent.futures.ThreadPoolExecutor])
def test_nothing_of_them_is_retained_by_threads(make: Callable[[], Any]) -> None:
    world, failing = World("store", "sync"), Failing()

    def source(n: int) -> str:
        return failing(n)

    with make() as executor:
        function = world.decorate(source, dependency=CALLS_ON, default="default", executor=executor)
        for n in range(FAILURES):
            function(n)
        wait_until(lambda: function.cache_info().failed == FAILURES)
        wait_until(lambda: failing.alive() == 0)


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_nothing_of_them_is_retained_by_tasks(colour: str) -> None:
    world, failing = World("memory", colour), Failing()

    def source(n: int) -> str:
        return failing(n)

    function = world.decorate(
        source, dependency=CALLS_ON, default="default", executor=TaskExecutor()
    )

    async def main() -> None:
        for n in range(FAILURES):
            answer = function(n)
            if colour == "async":
                await answer
        while function.cache_info().healing:
            await asyncio.sleep(0.001)
        for _ in range(1_000):
            if failing.alive() == 0:
                return
            await asyncio.sleep(0.001)

    asyncio.run(main())
    assert function.cache_info().failed == FAILURES
    assert failing.alive() == 0


def test_heal_now_hands_its_error_over_and_keeps_nothing_of_it(world: World) -> None:
    failing = Failing()

    def source(n: int) -> str:
        return failing(n)

    function = world.decorate(source, dependency=CALLS_ON, default="default")
    for n in range(0, 40, 4):
        try:
            world.do(function.heal_now(n))
        except ValueError:
            pass
    assert function.cache_info().failed == 10
    gc.collect()  # the error was the caller's, with its frames
    assert failing.alive() == 0


# H30: an argument is the request's, and goes with it.
def test_an_ended_heal_lets_go_of_its_arguments(world: World) -> None:
    function = world.decorate(
        lambda n, session=None: "v", name="f", ignore="session", default="default"
    )
    session = Heavy()
    gone = weakref.ref(session)
    world.do(function(1, session))
    del session
    world.executor.run_all()
    assert gone() is None
