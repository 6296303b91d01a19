"""The promise: a decorated call never waits for the dependency, nor for whoever heals."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from oob_heal import HealingCache
from oob_heal.executors.tasks import TaskExecutor
from oob_heal.executors.threads import ThreadExecutor
from tests.conftest import World
from tests.service import Witness, answers_of, arequest, drive_by_hand, told
from tests.waiting import LIMIT, Gate


def stale_and_absent(world: World, fn: Callable[[int], Any], **options: Any) -> Any:
    """A function with the keys 0 to 9 stale and all others absent."""
    function = world.decorate(fn, default="default", **options)
    for n in range(10):
        world.do(function.set("old", n))
    world.clock.advance(61)
    return function


# H12: a caller that waited would never come back, for the gate opens only after the last answer.
def test_no_caller_waits_for_a_dependency_that_hangs(world: World) -> None:
    gate = Gate()

    def source(n: int) -> str:
        return gate(n)

    with ThreadExecutor(threads=2) as executor:
        function = stale_and_absent(world, source, executor=executor)
        with answers_of(world, no_loop=False) as answer:
            seen = Counter(told(answer, function, n % 20) for n in range(1_000))
        assert gate.calls <= 1  # half of the threads
        gate.opened.set()
    assert seen == {"old": 500, "default": 500}


def test_no_caller_waits_for_a_pool_whose_only_thread_is_busy(world: World) -> None:
    gate = Gate()

    def source(n: int) -> str:
        raise AssertionError("the heal ran")

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(gate)
        function = stale_and_absent(world, source, executor=pool)
        with answers_of(world, no_loop=False) as answer:
            seen = Counter(told(answer, function, n % 20) for n in range(1_000))
        pool.shutdown(wait=False, cancel_futures=True)
        gate.opened.set()
    assert seen == {"old": 500, "default": 500}
    assert function.cache_info().lost == 20  # H14: what the pool let go of is told


def test_no_caller_waits_for_a_writer_that_holds_the_backend(world: World) -> None:
    function = stale_and_absent(world, lambda n: "new", name="source")
    gate = Gate()
    lock = (world.store or world.backend.backend).lock

    def hold() -> None:
        with lock:
            gate()

    holder = threading.Thread(target=hold)
    holder.start()
    gate.wait_for_calls()
    with answers_of(world, no_loop=False) as answer:
        seen = Counter(told(answer, function, n) for n in (0, 15))
    gate.opened.set()
    holder.join(LIMIT)
    if world.kind == "mapping":  # read under its lock, for as long as its deadline allows
        assert seen == {"default": 2}
    else:
        assert seen == {"old": 1, "default": 1}
        assert len(world.executor.pending) == 2


# H12
def test_an_eager_task_factory_does_not_run_the_heal_in_the_request() -> None:
    witness = Witness()
    world = World("memory", "async")

    def step_at_once(loop: Any, coroutine: Any, **options: Any) -> Any:
        """asyncio.eager_task_factory is new in 3.12; this is enough of it for the others."""
        return drive_by_hand(coroutine) or loop.create_future()

    async def serve() -> str:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(getattr(asyncio, "eager_task_factory", step_at_once))
        first: str = await arequest(function, 1)
        loop.set_task_factory(None)
        await asyncio.sleep(0)
        return first

    async def source(n: int) -> str:
        return witness(n)

    function = world.decorate(source, executor=TaskExecutor(), default="default")
    assert asyncio.run(serve()) == "default"
    assert (witness.calls, witness.below_a_request) == (1, 0)


def test_an_executor_that_steps_a_heal_inside_submit_is_stopped() -> None:  # H12
    class Eager:
        def submit(self, heal: Any) -> None:
            coroutine = heal.run()
            try:
                coroutine.send(None)
            finally:
                coroutine.close()

    called = []

    async def source(n: int) -> int:
        called.append(n)
        return n

    f: Any = HealingCache(executor=Eager())(ttl=60, default=None)(source)
    assert asyncio.run(f(1)) is None
    assert called == []
    assert f.cache_info().dropped == 1
