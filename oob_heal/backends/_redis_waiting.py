"""Threads and tasks of any loop in one queue, each until its own deadline.

Law: knows no link and no server: who waits says what it looks for. What somebody was woken for
and has no use of is passed on, so that no waker is spent on one that has left.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import anyio

from oob_heal._loops import loop_waker
from oob_heal.backends._redis_wire import AwayError

T = TypeVar("T")


class Waiting:
    """Threads and tasks in a queue, until there is something for them."""

    def __init__(self) -> None:
        self._wakers: deque[Callable[[], Any]] = deque()

    def __len__(self) -> int:
        return len(self._wakers)

    def wake(self, count: int | None = None) -> None:
        """Wake so many of them, those that wait longest first; all if None."""
        left = len(self._wakers) if count is None else count
        while left > 0:
            try:
                waker = self._wakers.popleft()
            except IndexError:
                return
            try:
                waker()
            except RuntimeError:  # its loop is closed: the next one, then
                continue
            left -= 1

    def wait(self, look: Callable[[], T | None], until: float) -> T | None:
        """What ``look()`` finds, as soon as it finds something; None if it has not by then."""
        while True:
            event = threading.Event()
            waker = event.set
            self._wakers.append(waker)
            found = None
            try:
                found = look()
                woken = found is None and event.wait(max(0.0, until - time.monotonic()))
            finally:
                self._leave(waker, pass_on=found is not None)
            if not woken:
                return look() if found is None else found

    async def await_(self, look: Callable[[], T | None], until: float) -> T | None:
        """As ``wait``, awaited."""
        call_back = loop_waker()
        while True:
            event = anyio.Event()
            waker = lambda event=event: call_back(event.set)  # noqa: E731
            self._wakers.append(waker)
            found = None
            pass_on = True
            try:
                found = look()
                if found is None:
                    with anyio.move_on_after(until - time.monotonic()):
                        await event.wait()
                pass_on = found is not None
            finally:
                self._leave(waker, pass_on=pass_on)
            if found is not None or not event.is_set():
                return look() if found is None else found

    def _leave(self, waker: Callable[[], Any], *, pass_on: bool) -> None:
        try:
            self._wakers.remove(waker)
        except ValueError:  # woken: what it was woken for, the next one may have
            if pass_on:
                self.wake(1)


def in_time(found: T | None) -> T:
    """What was waited for. Raises AwayError if it did not come."""
    if found is None:
        raise AwayError("redis was not reached in time")
    return found
