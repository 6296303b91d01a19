"""Our executors keep what every executor promises: the suite is shipped, this is its use."""

import concurrent.futures
import queue

import pytest

from oob_heal import HealingCache
from oob_heal.executors.queue import QueueExecutor
from oob_heal.executors.tasks import TaskExecutor
from oob_heal.executors.threads import ThreadExecutor
from oob_heal.testing import ExecutorContract, ManualClock, ManualExecutor, Promise, SharedStore


class OwnPool(concurrent.futures.ThreadPoolExecutor):
    """The standard library's pool, as it is; closed by its own name for it."""

    def __init__(self) -> None:
        super().__init__(2)


class InMemoryEngine(QueueExecutor):
    """An engine's queue in memory, and its worker, which the suite drives."""

    def __init__(self) -> None:
        self.messages: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        super().__init__(self.messages.put, look_after=0.01)

    def work(self, cache: HealingCache) -> None:
        while not self.messages.empty():
            cache.heal_message(self.messages.get())


CONTRACTS = {
    "threads": ExecutorContract(lambda: ThreadExecutor(2, queue=50), limit=53),
    "threads heal async": ExecutorContract(lambda: ThreadExecutor(2), colour="async"),
    "tasks": ExecutorContract(lambda: TaskExecutor(50), colour="async", limit=51),
    "tasks heal sync": ExecutorContract(lambda: TaskExecutor(50), limit=51),
    "pool": ExecutorContract(OwnPool),
    "queue": ExecutorContract(
        InMemoryEngine,
        drive=InMemoryEngine.work,
        cache=lambda: {"backend": SharedStore(ManualClock()).backend()},
    ),
    "manual": ExecutorContract(ManualExecutor, drive=lambda executor, _: executor.run_all()),
}


@pytest.mark.parametrize(
    "promise",
    [
        pytest.param(promise, id=f"{name}: {promise}")
        for name, contract in CONTRACTS.items()
        for promise in contract.promises()
    ],
)
def test_an_executor_promises_that(promise: Promise) -> None:
    promise()
