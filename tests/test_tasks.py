"""TaskExecutor: bounded, referenced, and clean when its loop ends."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
import trio

from oob_heal import Dependency, HealingCache, HealRejectedError
from oob_heal.executors.tasks import TaskExecutor
from tests.conftest import World
from tests.waiting import LIMIT, Gate, wait_until

Main = Callable[[], Awaitable[Any]]


def asyncio_run(main: Main) -> Any:
    """asyncio.run, and whatever the loop's exception handler is told is an error."""
    told: list[Any] = []

    async def watched() -> Any:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        return await main()

    result = asyncio.run(watched())
    gc.collect()
    assert not told
    return result


on_each_loop = pytest.mark.parametrize("run", [asyncio_run, trio.run], ids=["asyncio", "trio"])

UNGUARDED = Dependency("tasks", concurrency=1_000, breaker=None)


async def until_healed(function: Any) -> None:
    with anyio.fail_after(LIMIT):
        while function.cache_info().healing:
            await anyio.sleep(0)


class Heal:
    """Stands in for a heal that ends when it is told to."""

    def __init__(self, opened: anyio.Event) -> None:
        self.opened = opened
        self.ended = self.was_cut_off = False

    async def run(self) -> None:
        await self.opened.wait()
        self.ended = True

    def cut_off(self) -> None:
        self.was_cut_off = True


# H14, H23: whoever waits for it is gone.
@on_each_loop
def test_a_heal_that_is_under_way_when_its_loop_ends_is_told_so(run: Callable[[Main], Any]) -> None:
    executor, heals = TaskExecutor(), list[Heal]()

    async def main() -> None:
        heals.append(Heal(anyio.Event()))
        executor.submit(heals[0])
        await anyio.sleep(0)

    run(main)
    assert (heals[0].was_cut_off, heals[0].ended) == (True, False)
    assert repr(executor) == "<TaskExecutor 0/1000>"


@on_each_loop
def test_no_more_tasks_run_than_it_was_given(run: Callable[[Main], Any]) -> None:
    executor = TaskExecutor(tasks=3)

    async def main() -> None:
        opened = anyio.Event()
        heals = [Heal(opened) for _ in range(3)]
        for heal in heals:
            executor.submit(heal)
        with pytest.raises(HealRejectedError, match="3 tasks"):
            executor.submit(Heal(opened))
        opened.set()
        while not all(heal.ended for heal in heals):
            await anyio.sleep(0)
        await anyio.sleep(0)
        executor.submit(Heal(opened))
        await anyio.sleep(0)

    run(main)


def test_without_a_loop_it_says_what_to_do() -> None:
    with pytest.raises(HealRejectedError, match="ThreadExecutor"):
        TaskExecutor().submit(Heal(anyio.Event()))


# H23: asyncio itself keeps no reference to a task.
@on_each_loop
def test_a_heal_that_nobody_else_references_is_not_collected(run: Callable[[Main], Any]) -> None:
    executor = TaskExecutor()

    async def main() -> None:
        heal = Heal(
            anyio.Event()
        )  # a cycle of task and event, kept alive from outside or not at all
        ref = weakref.ref(heal)
        executor.submit(heal)
        del heal
        for _ in range(5):
            await anyio.sleep(0)
        gc.collect()
        found = ref()
        assert found is not None, "the heal was collected"
        found.opened.set()
        while not found.ended:
            await anyio.sleep(0)

    run(main)


@on_each_loop
def test_a_heal_past_its_timeout_fails_in_a_task_of_either_colour(
    run: Callable[[Main], Any], shared: World
) -> None:
    gate = Gate()

    def source(n: int) -> str:
        return gate(n)

    async def asource(n: int) -> str:
        await anyio.sleep_forever()
        return "v"

    function = shared.decorate(
        source if shared.colour == "sync" else asource,
        default="default",
        heal_timeout=0.05,
        executor=TaskExecutor(),
    )

    async def main() -> None:
        answer = function(1)
        assert (await answer if shared.colour == "async" else answer) == "default"
        await until_healed(function)

    run(main)
    assert function.cache_info().failed == 1
    assert [each.error for each in shared.cache.failing()] == ["HealTimeoutError"]
    assert shared.store is not None
    wait_until(lambda: shared.store.live_leases() == 0)  # type: ignore[union-attr]
    gate.opened.set()
    wait_until(lambda: gate.left == gate.calls)
    assert shared.do(function.peek(1)) is None  # a late result is refused


def test_tasks_of_a_loop_that_was_closed_over_them_make_room(
    recwarn: pytest.WarningsRecorder,
) -> None:
    cache, left = HealingCache(ttl=60, executor=TaskExecutor(tasks=5)), list[int]()

    @cache(default="default")
    async def source(n: int) -> str:
        try:
            if n < 5:
                await asyncio.sleep(3_600)
        finally:
            left.append(n)
        return "v"

    loop = asyncio.new_event_loop()
    for n in range(5):
        loop.run_until_complete(source(n))
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()

    async def serve() -> None:
        assert await source(5) == "default"
        assert not left  # H12: what they left to do is not done in the caller
        await asyncio.sleep(0)

    asyncio_run(serve)
    gc.collect()
    info = source.cache_info()
    assert (info.healed, info.lost, info.dropped, info.healing) == (1, 5, 0, 0)
    assert not recwarn.list


# H21: no queue is there that could shed, so an eighth of the places is for known keys alone.
@on_each_loop
def test_a_flood_of_keys_never_seen_leaves_places_for_refreshes(run: Callable[[Main], Any]) -> None:
    world, executor = World("memory", "async"), TaskExecutor(tasks=16)

    async def main() -> None:
        opened = anyio.Event()

        async def source(n: int) -> str:
            await opened.wait()
            return "v"

        f = world.decorate(source, name="f", executor=executor, default=None, dependency=UNGUARDED)
        for n in range(3):
            await f.set("old", n)
            await f.mark_stale(n)
        for n in range(100, 130):
            assert await f(n) is None
        assert f.cache_info().dropped == 30 - 14
        assert [await f(n) for n in range(3)] == ["old"] * 3
        assert f.cache_info().dropped == 30 - 14 + 1  # the third hot key finds all sixteen taken
        opened.set()
        await until_healed(f)
        assert [await f(n) for n in (0, 1, 100, 113)] == ["v"] * 4

    run(main)
    world.ledger_balances()
