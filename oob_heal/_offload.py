"""Blocking work, awaited from any event loop, on daemon threads of our own.

Law: whoever awaits can always walk away, and neither a loop nor the interpreter waits for the
thread at its end (asyncio.run does wait for its own pool). Bounded; nothing starts before the
first use; a fork starts afresh.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import anyio

from oob_heal import _lifecycle
from oob_heal._loops import loop_waker
from oob_heal.errors import HealRejectedError

MOST_THREADS = 64
MOST_WAITING = 1_000
IDLE = 30.0  # s after which an idle thread ends


class DaemonPool:
    """A few daemon threads that run what they are given, in order."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.after_fork(consistent=True)
        _lifecycle.survives_fork(self)

    def after_fork(self, consistent: bool) -> None:
        self.lock = threading.Lock()
        self._more = threading.Condition(self.lock)
        self._jobs: deque[Callable[[], None]] = deque()
        self._threads = 0
        self._idle = 0

    def submit(self, job: Callable[[], None]) -> None:
        """Have a job run. Raises HealRejectedError when full or out of threads."""
        with self.lock:
            if len(self._jobs) >= MOST_WAITING:
                raise HealRejectedError("too many blocking calls are waiting for a thread")
            self._jobs.append(job)
            if self._idle >= len(self._jobs):
                self._more.notify()
                return
            if self._threads >= MOST_THREADS:
                return
            self._threads += 1
        try:
            threading.Thread(target=self._work, name="oob-heal-offload", daemon=True).start()
        except RuntimeError as error:
            with self.lock:
                self._threads -= 1
                if self._threads == 0 and job in self._jobs:
                    self._jobs.remove(job)
                    raise HealRejectedError("no thread is to be had") from error

    def _next(self) -> Callable[[], None] | None:
        with self.lock:
            self._idle += 1
            arrived = self._more.wait_for(lambda: bool(self._jobs), IDLE)
            self._idle -= 1
            if arrived:
                return self._jobs.popleft()
            self._threads -= 1
            return None

    def _work(self) -> None:
        while (job := self._next()) is not None:
            job()
            del job


pool = DaemonPool()


async def offload(work: Callable[..., Any], *args: Any) -> Any:
    """The result of blocking work. Cancelled, it leaves the work to its thread."""
    wake = loop_waker()
    done = anyio.Event()
    result: list[Any] = []
    failure: list[BaseException] = []

    def job() -> None:
        try:
            result.append(work(*args))
        except BaseException as error:
            failure.append(error)
        try:
            wake(done.set)
        except Exception:  # the loop is closed: nobody waits any more
            failure.clear()

    pool.submit(job)
    await done.wait()
    if failure:
        raise failure.pop()
    return result.pop()
