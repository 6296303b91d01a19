"""Blocking work, awaited from any event loop, on daemon threads of our own.

Law: whoever awaits can always walk away, and neither a loop nor the interpreter waits for the
thread at its end (asyncio.run does wait for its own pool). Bounded; nothing starts before the
first use; a fork starts afresh. Three kinds of work, and none waits for another's threads: what
a caller awaits (``offload``), the backend's verbs of heals (``offload(..., pool=aside)``), and
heals of sync functions (``heal_on_thread``), whose threads may hang and are then replaced.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import anyio

from oob_heal import _lifecycle
from oob_heal._loops import loop_waker
from oob_heal.errors import HealRejectedError
from oob_heal.executors._heal_threads import HealThreads

MOST_THREADS = 64
MOST_WAITING = 1_000
IDLE = 30.0  # s after which an idle thread ends
HEALS_WAITING = 10_000


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


calls = DaemonPool()
aside = DaemonPool()
heals = HealThreads(MOST_THREADS, HEALS_WAITING, MOST_THREADS, time.monotonic)
_lifecycle.survives_fork(heals)


async def offload(work: Callable[..., Any], *args: Any, pool: DaemonPool = calls) -> Any:
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


class _Awaited:
    """A heal as its threads see it: whatever ends it there, who awaits it is told."""

    def __init__(self, heal: Any, wake: Callable[[], Any]) -> None:
        self.heal = heal
        self.group = heal.group
        self.timeout = heal.timeout
        self.limit = heal.limit
        self.refreshes = heal.refreshes
        self._wake = wake

    def _ending(self, end: Callable[[], Any]) -> None:
        try:
            end()
        finally:
            try:
                self._wake()
            except Exception:  # the loop is closed: nobody waits any more
                pass

    def __call__(self) -> None:
        self._ending(self.heal)

    def give_up(self) -> None:
        self._ending(self.heal.give_up)

    def cut_off(self) -> None:
        self._ending(self.heal.cut_off)

    def shed(self) -> None:
        self._ending(self.heal.shed)


async def heal_on_thread(heal: Any, at_most: float) -> None:
    """Wait, ``at_most`` seconds, until a heal has ended on a thread, or was given up there.

    Raises HealRejectedError when no thread takes it. Cancelled, it leaves the heal to its thread.
    """
    wake = loop_waker()
    done = anyio.Event()
    heals.submit(_Awaited(heal, lambda: wake(done.set)))
    with anyio.move_on_after(at_most):
        await done.wait()
