"""One call of the dependency, however many callers find one key stale or absent."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
import trio

from oob_heal import HealingCache, Outcome
from oob_heal.executors.queue import QueueExecutor
from oob_heal.executors.tasks import TaskExecutor
from oob_heal.executors.threads import ThreadExecutor
from tests.conftest import BACKENDS, World
from tests.waiting import LIMIT, Gate, in_threads, wait_until

CALLERS = 1_000
STATES = ("stale", "absent")
on_every_backend = pytest.mark.parametrize("backend", BACKENDS)
stale_or_absent = pytest.mark.parametrize("state", STATES)


def prepared(world: World, state: str, fn: Callable[..., Any], executor: Any) -> Any:
    # A thousand tasks of one loop wait for each other, and a busy machine is no failure.
    world.backend.backend.deadline = LIMIT
    function = world.decorate(fn, executor=executor, default="default")
    if state == "stale":
        world.do(function.set("old", 1))
        world.clock.advance(61)
    return function


def expected(state: str) -> Counter[str]:
    return Counter({"old" if state == "stale" else "default": CALLERS})


# H19: the count is the promise's own: exactly one call.
@on_every_backend
@stale_or_absent
def test_a_thousand_calls_from_threads_make_one_call(backend: str, state: str) -> None:
    world, gate = World(backend, "sync"), Gate()

    def source(n: int) -> str:
        return gate(n)

    with ThreadExecutor() as executor:
        function = prepared(world, state, source, executor)
        answers = in_threads(200, lambda _: [function(1) for _ in range(CALLERS // 200)])
        gate.opened.set()
        wait_until(lambda: function.cache_info().healing == 0)
    assert Counter(answer for five in answers for answer in five) == expected(state)
    assert gate.calls == function.cache_info().healed == 1
    world.ledger_balances()


def for_tasks(gate: Gate) -> Callable[..., Awaitable[str]]:
    """A gate that blocks a thread, and no loop."""

    async def source(n: int) -> str:
        return await anyio.to_thread.run_sync(gate, n)

    return source


async def until_healed(function: Any) -> None:
    while function.cache_info().healing:
        await anyio.sleep(0.001)


@on_every_backend
@stale_or_absent
def test_a_thousand_tasks_of_one_loop_make_one_call(backend: str, state: str) -> None:
    world, gate = World(backend, "async"), Gate()
    function = prepared(world, state, for_tasks(gate), TaskExecutor())

    async def serve() -> list[str]:
        answers = await asyncio.gather(*(function(1) for _ in range(CALLERS)))
        gate.opened.set()
        await until_healed(function)
        return answers

    assert Counter(asyncio.run(serve())) == expected(state)
    assert gate.calls == function.cache_info().healed == 1
    world.ledger_balances()


@on_every_backend
@stale_or_absent
def test_a_thousand_tasks_of_four_loops_make_one_call(backend: str, state: str) -> None:
    world, gate = World(backend, "async"), Gate()
    function = prepared(world, state, for_tasks(gate), TaskExecutor())
    answered = threading.Barrier(4, action=gate.opened.set)

    async def serve() -> list[str]:
        answers = await asyncio.gather(*(function(1) for _ in range(CALLERS // 4)))
        await asyncio.to_thread(answered.wait)
        await until_healed(function)
        return answers

    answers = in_threads(4, lambda _: asyncio.run(serve()))
    assert Counter(answer for loop in answers for answer in loop) == expected(state)
    assert gate.calls == function.cache_info().healed == 1
    world.ledger_balances()


@on_every_backend
@stale_or_absent
def test_a_thousand_tasks_of_trio_make_one_call(backend: str, state: str) -> None:
    world, gate = World(backend, "async"), Gate()
    function = prepared(world, state, for_tasks(gate), TaskExecutor())
    answers: Counter[str] = Counter()

    async def serve_one() -> None:
        answers[await function(1)] += 1

    async def serve() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(CALLERS):
                nursery.start_soon(serve_one)
        gate.opened.set()
        await until_healed(function)

    trio.run(serve)
    assert answers == expected(state)
    assert gate.calls == function.cache_info().healed == 1
    world.ledger_balances()


@stale_or_absent
def test_eight_processes_with_a_store_in_common_make_one_call(shared: World, state: str) -> None:
    gate = Gate()

    def source(n: int) -> str:
        return gate(n)

    worlds = [shared, *(shared.another_process() for _ in range(7))]
    functions = [prepared(world, "absent", source, world.executor) for world in worlds]
    if state == "stale":
        shared.do(functions[0].set("old", 1))
        shared.clock.advance(61)
    for world, function in zip(worlds, functions, strict=True):
        answers = Counter(world.do(function(1)) for _ in range(CALLERS // 8))
        assert set(answers) == set(expected(state))
    opener = threading.Thread(target=lambda: (gate.wait_for_calls(), gate.opened.set()))
    opener.start()
    outcomes = Counter(in_threads(8, lambda number: worlds[number].executor.run_next()))
    opener.join()
    assert gate.calls == outcomes[Outcome.HEALED] == 1
    assert outcomes[Outcome.REFUSED] + outcomes[Outcome.SKIPPED] == 7
    for world in worlds:
        world.ledger_balances()


# H19
def test_fifty_queued_duplicates_of_one_event_make_one_call(shared: World) -> None:
    engine: list[bytes] = []
    calls: list[int] = []

    def source(n: int) -> str:
        calls.append(n)
        return "v"

    with QueueExecutor(engine.append) as executor:
        function = prepared(shared, "stale", source, executor)
        assert shared.do(function(1)) == "old"
        wait_until(lambda: engine)
    workers = [shared.another_process() for _ in range(2)]
    for worker in workers:
        worker.decorate(source, default="default")
    outcomes = Counter(workers[i % 2].cache.heal_message(engine[0]) for i in range(50))
    assert outcomes == {Outcome.HEALED: 1, Outcome.SKIPPED: 49}
    assert calls == [1]
    for worker in workers:
        worker.ledger_balances()


@pytest.mark.parametrize("at_once", [50])
def test_fifty_duplicates_at_once_in_two_workers_make_one_call(at_once: int) -> None:
    world, gate, engine = World("store", "sync"), Gate(), list[bytes]()

    def source(n: int) -> str:
        return gate(n)

    with QueueExecutor(engine.append) as executor:
        function = prepared(world, "stale", source, executor)
        function(1)
        wait_until(lambda: engine)
    workers = [world.another_process() for _ in range(2)]
    for worker in workers:
        worker.decorate(source, default="default")
    opener = threading.Thread(target=lambda: (gate.wait_for_calls(), gate.opened.set()))
    opener.start()
    heal = [worker.cache.heal_message for worker in workers]
    outcomes = Counter(in_threads(at_once, lambda number: heal[number % 2](engine[0])))
    opener.join()
    assert gate.calls == outcomes[Outcome.HEALED] == 1
    assert outcomes[Outcome.SKIPPED] + outcomes[Outcome.REFUSED] == at_once - 1


class DownError(Exception):
    """The dependency's own."""


caller: contextvars.ContextVar[int] = contextvars.ContextVar("caller")


# H19
@pytest.mark.parametrize("down", [False, True], ids=["healthy", "down"])
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_fifty_callers_of_heal_now_make_one_call_and_share_what_it_brings(
    colour: str, down: bool
) -> None:
    world, gate = World("store", colour), Gate()
    cache = HealingCache(backend=world.backend, namespace="now")  # on the real clock: they wait

    def answer(value: str) -> str:
        if down:
            raise DownError
        return value

    def source(n: int) -> str:
        return answer(gate(n))

    async def asource(n: int) -> str:
        return answer(await anyio.to_thread.run_sync(gate, n))

    function: Any = cache(ttl=60)(source if colour == "sync" else asource)

    asked: set[int] = set()
    world.backend._ask = lambda verb: asked.add(caller.get()) if verb == "acquire" else None

    def open_once_all_have_asked() -> None:
        wait_until(lambda: len(asked) == 50)
        gate.opened.set()

    def call(number: int) -> Any:
        caller.set(number)
        return function.heal_now(1)

    async def acall(number: int) -> Any:
        caller.set(number)
        return await function.heal_now(1)

    opener = threading.Thread(target=open_once_all_have_asked)
    opener.start()

    async def gathered() -> list[Any]:
        return await asyncio.gather(*map(acall, range(50)), return_exceptions=True)

    if colour == "sync":
        brought = in_threads(50, call)
    else:
        brought = asyncio.run(gathered())
    opener.join()
    assert gate.calls == 1
    info = function.cache_info()
    if down:
        assert {type(each) for each in brought} == {DownError}
        assert (info.failed, info.healing) == (50, 0)
    else:
        assert brought == ["v"] * 50
        assert (info.healed, info.skipped, info.healing) == (1, 49, 0)
