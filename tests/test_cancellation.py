"""Cancellation at every await: of the request, of its heal, of heal_now. No lease leaks."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import trio

from oob_heal import Outcome
from oob_heal.executors.tasks import TaskExecutor
from tests.conftest import World
from tests.waiting import LIMIT

FAR = 50  # more awaits than any of these has


@types.coroutine
def cut_at(number: int, cancel: Callable[[], Any], work: Coroutine[Any, Any, Any]) -> Any:
    """Await ``work``, and call ``cancel`` where it awaits for the ``number``th time."""
    resume: Callable[..., Any] = work.send
    told: Any = None
    for count in range(1, 10_000):
        try:
            asked = resume(told)
        except StopIteration as stop:
            return stop.value
        if count == number:
            cancel()
        try:
            resume, told = work.send, (yield asked)
        except BaseException as error:
            resume, told = work.throw, error
    raise AssertionError("it never ends")


def on_asyncio(number: int, work: Callable[[], Coroutine[Any, Any, Any]]) -> bool:
    """Run work, cut at an await; whether it was cancelled."""

    async def cut() -> None:
        task = asyncio.current_task()
        assert task is not None
        await cut_at(number, task.cancel, work())

    async def main() -> bool:
        (told,) = await asyncio.gather(asyncio.ensure_future(cut()), return_exceptions=True)
        if told is not None and not isinstance(told, asyncio.CancelledError):
            raise told
        return told is not None

    return asyncio.run(main())


def on_trio(number: int, work: Callable[[], Coroutine[Any, Any, Any]]) -> bool:
    async def main() -> bool:
        with trio.CancelScope() as scope:
            await cut_at(number, scope.cancel, work())
        return scope.cancelled_caught

    return trio.run(main)


on_each_loop = pytest.mark.parametrize("run_cut", [on_asyncio, on_trio])


class SlowReply:
    """A store whose replies can be cut off after it has acted, as a server's can."""

    def __init__(self, aio: Any) -> None:
        self.aio = aio

    def __getattr__(self, name: str) -> Any:
        act = getattr(self.aio, name)

        async def verb(*args: Any, **kwargs: Any) -> Any:
            reply = await act(*args, **kwargs)
            await anyio.lowlevel.checkpoint()
            return reply

        return verb


def slow_world() -> World:
    world = World("store", "async")
    backend = world.backend.backend
    backend.deadline = LIMIT
    backend.aio = SlowReply(backend.aio)
    return world


class GoneError(Exception):
    """An answer."""


async def succeed(n: int) -> str:
    await anyio.lowlevel.checkpoint()
    return "v"


async def fail(n: int) -> str:
    await anyio.lowlevel.checkpoint()
    raise ValueError("down")


async def be_gone(n: int) -> str:
    await anyio.lowlevel.checkpoint()
    raise GoneError


async def heal_again(world: World, function: Any) -> str:
    """One read after whatever happened, and what it publishes."""
    world.clock.advance(61)
    await function(1)
    assert world.executor.pending
    await world.executor.arun_all()
    healed: str = await function(1)
    return healed


# H24
@on_each_loop
def test_a_request_cancelled_at_any_await_leaves_nothing_behind(
    run_cut: Callable[..., bool],
) -> None:
    cut = []
    for number in range(1, FAR):
        world = slow_world()
        function = world.decorate(succeed, default="default")
        cut.append(run_cut(number, lambda function=function: function(1)))
        assert world.store is not None
        assert world.store.live_leases() == 0
        assert asyncio.run(heal_again(world, function)) == "v"
        world.ledger_balances()
        if not cut[-1]:
            break
    assert cut[0]
    assert not cut[-1]


# H24, H26: cancellation is no failure: the heal counts as lost, and nobody has to back off.
@on_each_loop
@pytest.mark.parametrize("source", [succeed, fail, be_gone])
def test_a_heal_cancelled_at_any_await_gives_its_lease_back(
    run_cut: Callable[..., bool], source: Any
) -> None:
    cut = []
    for number in range(1, FAR):
        world = slow_world()
        function = world.decorate(source, default="default", drop_on=GoneError)
        asyncio.run(function(1))
        (heal,) = world.executor.pending
        world.executor.drop_next()
        cut.append(run_cut(number, heal.run))
        assert world.store is not None
        assert world.store.live_leases() == 0, f"a lease leaks at await {number}"
        info = function.cache_info()
        assert (info.lost + info.healed + info.failed, info.healing) == (1, 0)
        if info.failed:
            assert source is fail
        world.ledger_balances()
        if not cut[-1]:
            break
        if info.lost:
            answer = asyncio.run(function(1))  # cut off after its commit, or to be healed again
            assert answer == "v" or len(world.executor.pending) == 1
    assert len(cut) > 4
    assert cut == [True] * (len(cut) - 1) + [False]
    assert heal.outcome is (Outcome.FAILED if source is fail else Outcome.HEALED)


@on_each_loop
def test_heal_now_cancelled_at_any_await_gives_its_lease_back(run_cut: Callable[..., bool]) -> None:
    cut = []
    for number in range(1, FAR):
        world = slow_world()
        function = world.decorate(succeed, default="default")
        cut.append(run_cut(number, lambda function=function: function.heal_now(1)))
        assert world.store is not None
        assert world.store.live_leases() == 0, f"a lease leaks at await {number}"
        world.ledger_balances()
        assert asyncio.run(heal_again(world, function)) == "v"
        if not cut[-1]:
            break
    assert len(cut) > 4
    assert cut == [True] * (len(cut) - 1) + [False]


# H24
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_heal_goes_on_when_the_request_that_published_it_is_cancelled(backend: str) -> None:
    world = World("store", "async")
    entered, opened = anyio.Event, anyio.Event

    async def main() -> None:
        inside, go_on = entered(), opened()

        async def source(n: int) -> str:
            inside.set()
            await go_on.wait()
            return "v"

        async def request() -> None:
            await function(1)
            await anyio.sleep_forever()

        function = world.decorate(source, default="default", executor=TaskExecutor())
        async with anyio.create_task_group() as requests:
            requests.start_soon(request)
            await inside.wait()
            requests.cancel_scope.cancel()
        go_on.set()
        with anyio.fail_after(LIMIT):
            while function.cache_info().healing:
                await anyio.sleep(0)
        assert await function(1) == "v"
        assert function.cache_info().healed == 1

    anyio.run(main, backend=backend)
    world.ledger_balances()
