"""H02: what a request carries in a ContextVar never gets into an entry, whatever heals it."""

from __future__ import annotations

import concurrent.futures
import contextlib
import inspect
import queue
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from oob_heal import HealingCache
from oob_heal.codecs import JsonCodec
from oob_heal.executors.queue import QueueExecutor
from oob_heal.executors.tasks import TaskExecutor
from oob_heal.executors.threads import ThreadExecutor
from oob_heal.testing import InlineExecutor, ManualExecutor, SharedStore
from tests.waiting import LIMIT

CALLS = 1_000  # a tenant: twice as many in all, alternating
KEYS = 200  # each is missed, and healed, once

tenant: ContextVar[str] = ContextVar("tenant")
told: set[tuple[str, str | None]] = set()


def tell(who: str) -> str | None:
    """What one piece of a user's code sees of the request."""
    told.add((who, tenant.get(None)))
    return tenant.get(None)


@contextlib.contextmanager
def around() -> Iterator[None]:
    tell("around=")
    yield


class Codec(JsonCodec):
    def encode(self, value: Any) -> bytes:
        tell("codec=")
        return super().encode(value)


Heals = Callable[[], Awaitable[Any]]  # waits until what was published has healed


class Cell:
    """A function in one colour, healed by one executor."""

    def __init__(self, executor: Any, colour: str, store: SharedStore) -> None:
        self.store = store
        backend = store.backend()
        backend.deadline = LIMIT  # a busy machine is no failure here
        self.cache = HealingCache(backend=backend, executor=executor, clock=store.clock)

        def source(n: int) -> list[Any]:
            return [n, tell("the function")]

        async def asource(n: int) -> list[Any]:
            await anyio.lowlevel.checkpoint()
            return [n, tell("the function")]

        decorator = self.cache(ttl=60, around=around, codec=Codec(), name="source", default=None)
        self.f: Any = decorator(source if colour == "sync" else asource)


async def call(f: Any, n: int) -> Any:
    answer = f(n)
    return await answer if inspect.iscoroutine(answer) else answer


async def crossings(f: Any, heals: Heals) -> int:
    """How many of 2 x 1,000 alternating calls were answered with what some request carried."""
    crossed = 0
    for number in range(CALLS):
        n = number % KEYS
        for who in ("a", "b") if n % 2 else ("b", "a"):
            tenant.set(who)
            value = await call(f, n)
            crossed += value not in (None, [n, None])
        if number < KEYS:
            await heals()
        assert await call(f, n) is not None, "it did not heal"
    return crossed


def run(cell: Cell, heals: Heals, loop: str = "asyncio") -> None:
    told.clear()
    assert anyio.run(crossings, cell.f, heals, backend=loop) == 0
    assert ("the function", None) in told
    assert ("around=", None) in told


def carried_by(executor: Any, colour: str, loop: str = "asyncio", pause: float = 0) -> None:
    cell = Cell(executor, colour, SharedStore())

    async def heals() -> None:
        with anyio.fail_after(LIMIT):
            while cell.f.cache_info().healing:
                await anyio.sleep(pause)

    run(cell, heals, loop)
    assert cell.f.cache_info().healed == KEYS
    assert {seen for _, seen in told} == {None}, f"a tenant was seen: {told}"


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_no_tenant_crosses_over_on_threads(colour: str) -> None:
    with ThreadExecutor() as executor:
        carried_by(executor, colour, pause=0.0005)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_no_tenant_crosses_over_on_a_pool_of_the_users_own(colour: str) -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        carried_by(executor, colour, pause=0.0005)


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_no_tenant_crosses_over_on_tasks(colour: str, loop: str) -> None:
    carried_by(TaskExecutor(), colour, loop)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_no_tenant_crosses_over_in_a_test_that_heals_by_hand(colour: str) -> None:
    executor = ManualExecutor()
    cell = Cell(executor, colour, SharedStore())
    run(cell, executor.arun_all)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_no_tenant_crosses_over_in_a_test_that_heals_inline(colour: str) -> None:
    run(Cell(InlineExecutor(), colour, SharedStore()), anyio.lowlevel.checkpoint)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_no_tenant_crosses_over_to_a_worker_nor_from_what_the_worker_carries(colour: str) -> None:
    engine: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    with QueueExecutor(engine.put) as executor:
        cell = Cell(executor, colour, SharedStore())
        worker = Cell(ManualExecutor(), colour, cell.store)

        async def heals() -> None:
            payload = await anyio.to_thread.run_sync(engine.get, True, LIMIT)
            assert await worker.cache.aheal_message(payload) is not None

        run(cell, heals)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_heal_now_runs_in_an_empty_context_too(colour: str) -> None:
    cell = Cell(ManualExecutor(), colour, SharedStore())

    async def heal_now() -> Any:
        tenant.set("a")
        return await call(cell.f.heal_now, 1)

    assert anyio.run(heal_now) == [1, None]
