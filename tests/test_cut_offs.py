"""Heals whose event loop ends under them: lost, their leases back, and told if it goes on so."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from oob_heal import HealingCache
from oob_heal.executors.tasks import TaskExecutor
from oob_heal.observe import Advice
from tests.conftest import BACKENDS, World
from tests.test_tasks import Main, on_each_loop, until_healed
from tests.waiting import LIMIT, Gate, wait_until


# H23: a task that is cancelled before its first step runs no `finally`.
@on_each_loop
def test_a_heal_whose_loop_ends_before_its_first_step_is_lost_and_the_next_read_heals(
    run: Callable[[Main], Any], shared: World
) -> None:
    calls: list[int] = []

    def source(n: int) -> str:
        calls.append(n)
        return "v"

    function = shared.decorate(source, default="default", executor=TaskExecutor())

    async def missed() -> None:
        if shared.colour == "async":
            await function(1)
        else:
            function(1)

    async def read_again() -> None:
        await missed()
        await until_healed(function)

    run(missed)
    if shared.colour == "sync":  # its thread may be quicker, and may outlive the loop
        wait_until(lambda: function.cache_info().healing == 0)
    info = function.cache_info()
    assert (info.lost + info.healed, info.healing) == (1, 0)
    if shared.colour == "async":
        assert shared.store is not None
        assert shared.store.live_leases() == 0
        assert (info.lost, calls) == (1, [])
    run(read_again)
    assert shared.do(function(1)) == "v"


# H23: as above, for certain: whoever shuts down cancels what is there.
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_task_that_is_cancelled_before_its_first_step_is_counted(backend: str) -> None:
    world = World(backend, "async")
    function = world.decorate(lambda n: "v", name="f", default="default", executor=TaskExecutor())

    async def main() -> None:
        assert await function(1) == "default"
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0.001)
        assert (function.cache_info().lost, function.cache_info().healing) == (1, 0)
        assert await function(1) == "default"  # publishes again at once
        await until_healed(function)
        assert await function(1) == "v"

    asyncio.run(main())
    world.ledger_balances()


# H23: a loop for each call, where no task ever gets to heal: told once, with the remedy.
@on_each_loop
def test_three_heals_in_a_row_cut_off_by_their_loop_are_told_once(
    run: Callable[[Main], Any],
) -> None:
    heard: list[Any] = []
    cache = HealingCache(ttl=60, observers=[heard.append])

    @cache(default="default")
    async def never_heals(n: int) -> str:
        await anyio.sleep_forever()
        return "v"

    for n in range(10):
        run(lambda n=n: never_heals(n))
    assert never_heals.cache_info().lost == 10
    cache.close()
    advice = [each for each in heard if isinstance(each, Advice)]
    assert len(advice) == 1
    assert "ThreadExecutor" in advice[0].text
    assert advice[0].function.endswith("never_heals")


def test_heals_cut_off_now_and_then_are_not_worth_telling() -> None:
    heard: list[Any] = []
    cache = HealingCache(ttl=60, observers=[heard.append])

    @cache(default="default")
    async def heals(n: int) -> str:
        await anyio.sleep(0)
        return "v"

    async def patiently(n: int) -> None:
        await heals(n)
        await until_healed(heals)

    for n in range(0, 10, 2):
        asyncio.run(heals(n))
        asyncio.run(patiently(n + 1))
    assert heals.cache_info().lost == heals.cache_info().healed == 5
    cache.close()
    assert not [each for each in heard if isinstance(each, Advice)]


# H23: asyncio.run waits for the threads of to_thread, and does not for ours.
@on_each_loop
def test_a_sync_function_goes_on_in_its_thread_when_the_loop_ends_and_is_called_once(
    run: Callable[[Main], Any],
) -> None:
    world, gate = World("store", "sync"), Gate()

    def source(n: int) -> str:
        return gate(n)

    function = world.decorate(source, default="default", executor=TaskExecutor())

    async def missed() -> None:
        function(1)
        while not gate.calls:
            await anyio.sleep(0.001)

    for _ in range(3):
        run(missed)  # ends although the thread is still in the dependency
    assert gate.calls == 1  # H19: the next loops' misses start no call beside it
    assert world.store is not None
    assert world.store.live_leases() == 1
    gate.opened.set()
    wait_until(lambda: function.cache_info().healing == 0)
    assert world.store.live_leases() == 0
    assert (function.cache_info().healed, function.cache_info().lost) == (1, 0)
    assert function(1) == "v"
    world.ledger_balances()


# H23, H12: nobody cancels it, so nothing in it ever runs again; what it left is not the caller's.
@pytest.mark.parametrize("entry", ["absent", "stale"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_next_miss_heals_a_key_whose_heal_had_its_loop_closed_over_it(
    backend: str, entry: str
) -> None:
    world, calls, left = World(backend, "async"), list[int](), list[set[str]]()

    async def source(n: int) -> str:
        calls.append(n)
        try:
            if len(calls) == 1:
                await asyncio.sleep(3_600)
        finally:
            left.append({frame.name for frame in traceback.extract_stack()})
        return "new"

    function = world.decorate(source, default="old", executor=TaskExecutor())

    async def missed() -> None:
        if entry == "stale":
            await function.set("old", 1)
            world.clock.advance(60)
        assert await function(1) == "old"
        await until_true(lambda: calls)

    async def read_again() -> None:
        assert await function(1) == "old"
        assert not left
        assert (function.cache_info().lost, function.cache_info().healing) == (1, 1)  # H14
        await until_healed(function)
        assert await function(1) == "new"

    loop = asyncio.new_event_loop()
    loop.run_until_complete(missed())
    loop.close()
    asyncio.run(read_again())
    info = function.cache_info()
    assert (info.lost, info.healed, info.refused) == (1, 1, 0)
    assert not any("read_again" in frames for frames in left)
    assert len(left) == len(calls) == 2
    if world.store is not None:
        assert world.store.live_leases() == 0
    world.ledger_balances()


async def until_true(condition: Callable[[], Any]) -> None:
    with anyio.fail_after(LIMIT):
        while not condition():
            await anyio.sleep(0.001)
