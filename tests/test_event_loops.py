"""Every cell of function colour x executor x event loop: a miss answers at once, its key heals.

# H23. What runs the caller: asyncio, uvloop, trio, or no loop at all; twice in a row, since the
second loop is another one; and a loop that ends while the heal is under way.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import anyio
import pytest
import trio
import uvloop

from oob_heal import HealingCache
from oob_heal.executors.tasks import TaskExecutor
from oob_heal.executors.threads import ThreadExecutor

PATIENCE = 10.0  # s


def uvloop_run(main: Callable[[], Awaitable[Any]]) -> Any:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())  # type: ignore[arg-type]


def asyncio_run(main: Callable[[], Awaitable[Any]]) -> Any:
    return asyncio.run(main())  # type: ignore[arg-type]


LOOPS: dict[str, Callable[[Any], Any]] = {
    "asyncio": asyncio_run,
    "uvloop": uvloop_run,
    "trio": trio.run,
}
EXECUTORS: dict[str, Callable[[], Any]] = {
    "default": lambda: None,
    "threads": lambda: ThreadExecutor(2),
    "tasks": TaskExecutor,
    "pool": lambda: concurrent.futures.ThreadPoolExecutor(2),
}


class Cell:
    """One executor and one function of one colour."""

    def __init__(self, colour: str, executor: str) -> None:
        self.executor = EXECUTORS[executor]()
        self.cache = HealingCache(executor=self.executor)
        self.calls: list[str] = []
        self.hold = threading.Event()
        self.hold.set()

        def sync(n: int) -> int:
            self.calls.append(threading.current_thread().name)
            assert self.hold.wait(PATIENCE)
            return n

        async def coloured(n: int) -> int:
            self.calls.append(threading.current_thread().name)
            while not self.hold.is_set():
                await anyio.sleep(0.001)
            return n

        decorate = self.cache(ttl=60, default=None)
        self.f: Any = decorate(sync) if colour == "sync" else decorate(coloured)

    async def call(self, n: int) -> Any:
        result = self.f(n)
        return result if not hasattr(result, "__await__") else await result

    async def healed(self) -> Any:
        with anyio.fail_after(PATIENCE):
            while self.f.cache_info().healing:
                await anyio.sleep(0.001)
        return self.f.cache_info()

    def close(self) -> None:
        self.hold.set()
        self.cache.close()
        if isinstance(self.executor, concurrent.futures.Executor):
            self.executor.shutdown()
        elif hasattr(self.executor, "close"):
            self.executor.close()


@pytest.fixture(params=[f"{c}-{e}" for c in ("sync", "async") for e in EXECUTORS])
def cell(request: pytest.FixtureRequest) -> Iterator[Cell]:
    made = Cell(*request.param.split("-"))
    yield made
    made.close()


@pytest.mark.parametrize("loop", LOOPS)
def test_a_miss_is_answered_and_heals_in_a_loop_and_in_the_next_one(cell: Cell, loop: str) -> None:
    for n in (1, 2):

        async def main(n: int = n) -> None:
            assert await cell.call(n) is None
            info = await cell.healed()
            assert info.healed == n
            assert await cell.call(n) == n

        LOOPS[loop](main)
    assert len(cell.calls) == 2


@pytest.mark.parametrize("loop", LOOPS)
def test_a_heal_under_way_when_its_loop_ends_costs_one_more_read(cell: Cell, loop: str) -> None:
    cell.hold.clear()

    async def missed() -> None:
        assert await cell.call(1) is None
        with anyio.fail_after(PATIENCE):
            while not cell.calls:
                await anyio.sleep(0.001)

    LOOPS[loop](missed)  # ends at once, whatever the heal does
    cell.hold.set()

    async def read_again() -> None:
        with anyio.fail_after(PATIENCE):
            while await cell.call(1) != 1:
                await anyio.sleep(0.001)

    LOOPS[loop](read_again)
    info = cell.f.cache_info()
    assert info.healed == 1


@pytest.mark.parametrize("executor", EXECUTORS)
def test_without_a_loop_a_sync_function_heals_on_threads_and_tasks_drop(executor: str) -> None:
    cell = Cell("sync", executor)
    try:
        assert cell.f(1) is None
        info = asyncio.run(cell.healed())
        assert (info.healed, info.dropped) == ((0, 1) if executor == "tasks" else (1, 0))
    finally:
        cell.close()


def test_a_closed_loop_that_is_still_set_harms_no_sync_caller() -> None:
    cell = Cell("sync", "default")
    loop = asyncio.new_event_loop()
    loop.close()
    asyncio.set_event_loop(loop)
    try:
        assert cell.f(1) is None
        assert asyncio.run(cell.healed()).healed == 1
    finally:
        asyncio.set_event_loop(None)
        cell.close()


def test_nested_loops_each_heal_their_own_misses(cell: Cell) -> None:
    """A sync call in a loop's thread, and another loop in a thread below it."""

    async def inner() -> None:
        assert await cell.call(2) is None
        await cell.healed()

    async def outer() -> None:
        assert await cell.call(1) is None
        await asyncio.to_thread(asyncio.run, inner())
        await cell.healed()
        assert [await cell.call(n) for n in (1, 2)] == [1, 2]

    asyncio.run(outer())
