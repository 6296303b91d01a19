"""A dependency that hangs: its threads are given up, replaced, counted and capped."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oob_heal import Dependency, HealingCache, HealRejectedError
from oob_heal._offload import MOST_THREADS
from oob_heal._offload import heals as pool
from oob_heal.codecs import JsonCodec
from oob_heal.executors.tasks import TaskExecutor
from oob_heal.executors.threads import ThreadExecutor
from oob_heal.testing import FlakyBackend, ManualClock
from tests.conftest import World
from tests.waiting import LIMIT, Gate, Job, blocking, in_threads, wait_until


# H16
def test_a_heal_past_its_timeout_fails_its_thread_is_replaced_and_its_late_result_refused() -> None:
    world, gate, clock = World("store", "sync"), Gate(), ManualClock()
    world.cache._parts.random = lambda: 0.999
    with ThreadExecutor(threads=2, clock=clock) as executor:  # one of them for each function
        hanging = world.decorate(
            blocking(gate), name="f", heal_timeout=5, executor=executor, default="default"
        )
        hanging(1)
        gate.wait_for_calls()
        world.clock.advance(5)
        clock.advance(5)
        executor.sweep()
        store = world.store
        assert store is not None
        # Given up at heal_timeout, not at the lease's end; perhaps by the manager, step by step.
        wait_until(lambda: store.live_leases() == 0)
        assert hanging.cache_info().failed == 1
        assert executor.hung == 1
        assert [each.error for each in world.cache.failing()] == ["HealTimeoutError"]
        hanging(2)  # the function's half is free again
        gate.wait_for_calls()
        gate.opened.set()
        wait_until(lambda: executor.hung == 0 and hanging.cache_info().healing == 0)
    assert hanging.peek(1) is None
    assert hanging(2) == "v"
    assert (hanging.cache_info().healed, hanging.cache_info().failed) == (1, 1)
    world.ledger_balances()


def test_beyond_the_limit_of_hung_threads_the_heals_of_what_hangs_are_rejected() -> None:
    gate, clock = Gate(), ManualClock()
    with ThreadExecutor(threads=2, hung=3, grace=0, clock=clock) as executor:
        for number in range(3):
            executor.submit(Job(gate, timeout=5))
            gate.wait_for_calls()
            clock.advance(5)
            executor.sweep()
            wait_until(lambda number=number: executor.hung == number + 1)
        with pytest.raises(HealRejectedError, match="hang"):
            executor.submit(Job(gate))
        other = Job(group="b")
        executor.submit(other)
        wait_until(lambda: other.ran)
        gate.opened.set()
        wait_until(lambda: executor.hung == 0)
        again = Job()
        executor.submit(again)
        wait_until(lambda: again.ran)


# H16
def test_hung_heals_beyond_the_limit_leave_the_others_their_half_of_the_threads() -> None:
    gate, clock = Gate(), ManualClock()
    with ThreadExecutor(threads=4, hung=2, grace=0, clock=clock) as executor:
        for _ in range(20):
            executor.submit(Job(gate, timeout=5))
        for _ in range(2):  # two hang and are replaced; two more hang, and keep their places
            gate.wait_for_calls(2)
            clock.advance(5)
            executor.sweep()
        wait_until(lambda: executor.hung == 4)
        others = [Job(group="b") for _ in range(3)]
        for other in others:
            executor.submit(other)
        wait_until(lambda: all(other.ran for other in others))
        assert executor.hung == 4  # none of the 16 that wait has taken another thread
        gate.opened.set()
        wait_until(lambda: executor.hung == 0)


# H16: the promise's own numbers: 64 hung heals of one function, another's latency at most doubles.
def test_sixty_four_hung_heals_of_one_function_do_not_slow_anothers() -> None:
    gate, clock = Gate(), ManualClock()

    def latency(executor: ThreadExecutor) -> float:
        took = []
        for _ in range(51):
            done = threading.Event()
            began = time.perf_counter()
            executor.submit(Job(done.set, group="b"))
            assert done.wait(LIMIT)
            took.append(time.perf_counter() - began)
        return statistics.median(took)

    with ThreadExecutor(grace=0, clock=clock) as executor:
        before = latency(executor)
        for _ in range(32):  # twice what it takes
            if executor.hung >= 64:
                break
            for _ in range(4):
                executor.submit(Job(gate, timeout=5))
            gate.wait_for_calls(4)
            clock.advance(5)
            executor.sweep()
        assert latency(executor) <= 2 * before + 0.005  # s of slack, for a busy machine
        gate.opened.set()
        wait_until(lambda: executor.hung == 0)


# Nothing but the threads themselves bounds its calls.
CALLED_ON = Dependency("called on", concurrency=1_000, breaker=None)


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Opened at the end: no heal is left in the threads that all tasks of a process share."""
    made = Gate()
    yield made
    made.opened.set()
    wait_until(lambda: made.left == made.calls)
    wait_until(lambda: not (pool.hung or pool.running or len(pool.queue)))


# H16, for sync functions that are healed by tasks.
def test_hung_heals_of_one_sync_function_in_tasks_do_not_stop_anothers(gate: Gate) -> None:
    cache = HealingCache(ttl=60, executor=TaskExecutor())
    decorate = cache(default="default", heal_timeout=0.05, name="hangs", dependency=CALLED_ON)
    hangs, well = decorate(blocking(gate)), cache(default="default")(blocking(lambda _: "v"))

    async def serve() -> bool:
        for n in range(3 * MOST_THREADS):
            hangs(n)
        while gate.calls < 1.5 * MOST_THREADS:  # as many as may hang, and its half of the rest
            await asyncio.sleep(0.001)
        for _ in range(100):
            if well(1) == "v":
                return True
            await asyncio.sleep(0.005)
        return False

    assert in_threads(1, lambda _: asyncio.run(serve())) == [True]


class SyncOnly(FlakyBackend):
    """A backend that does I/O, with no async half; it grants leases once its gate lets it."""

    aio = None

    def __init__(self, backend: Any, gate: Callable[[], Any]) -> None:
        super().__init__(backend)
        self.gate = gate

    def acquire(self, *args: Any, **kwargs: Any) -> Any:
        self.gate()
        return self.backend.acquire(*args, **kwargs)


# H16: a caller waits for one read of the backend, never behind heals for a thread to read in.
@pytest.mark.parametrize("hang", ["the dependency", "the leases"])
def test_reads_of_a_backend_that_does_io_do_not_wait_for_threads_behind_hung_heals(
    gate: Gate, hang: str
) -> None:
    world = World("store", "async")
    backend = SyncOnly(world.backend, gate if hang == "the leases" else lambda: None)
    cache = HealingCache(
        ttl=60, backend=backend, codec=JsonCodec(), executor=TaskExecutor(), dependency=CALLED_ON
    )
    hanging: Any = cache(default="default", name="hanging")(blocking(gate))

    @cache(default="default", name="read")
    async def read(n: int) -> str:
        return "v"

    async def missed(n: int) -> None:
        if hang == "the leases":
            await read(n)
        else:
            hanging(n)

    async def serve() -> list[str]:
        await read.set("v", 1)
        for n in range(100, 180):  # more than there are threads of any kind
            await missed(n)
        while gate.calls < 32:  # a function's share
            await asyncio.sleep(0.001)
        return [await read(1) for _ in range(100)]

    (served,) = in_threads(1, lambda _: asyncio.run(serve()))
    assert served == ["v"] * 100
