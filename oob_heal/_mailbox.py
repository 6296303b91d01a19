"""What one observer has yet to hear, and the thread in which it hears it.

Law: a caller or a heal only puts a happening in, O(1), whatever the observer does. The daemon
thread starts with the first happening and ends when there is nothing to tell for a while. What an
observer raises is swallowed; while it blocks, the oldest happenings fall out and are counted.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from oob_heal import _lifecycle
from oob_heal._collector import in_collector

LAST_WORDS = 0.2  # s for what waits in a mailbox at exit
MAILBOX = 10_000  # happenings waiting for one observer
IDLE = 5.0  # s after which a mailbox's idle thread ends, and its cache can be freed


class Mailbox:
    """Delivers happenings to one observer, in its own thread."""

    closes_last = True

    def __init__(self, observer: Callable[[Any], None], size: int = MAILBOX) -> None:
        self.observer = observer
        self.size = size
        self.overflowed = 0
        self.lock = threading.Lock()
        self._renew()
        _lifecycle.survives_fork(self)
        _lifecycle.drained_at_exit(self)

    def _renew(self) -> None:
        self.lock = threading.Lock()
        self._arrived = threading.Condition(self.lock)
        self._waiting: deque[Any] = deque()
        self._delivering = False
        self._started = False

    def after_fork(self, consistent: bool) -> None:
        self._renew()

    def put(self, happening: Any) -> None:
        """Leave a happening. Never raises, never waits for the observer."""
        if in_collector():  # the lock may be this thread's
            return
        with self.lock:
            if len(self._waiting) >= self.size:
                self._waiting.popleft()
                self.overflowed += 1
            self._waiting.append(happening)
            self._arrived.notify_all()
            if self._started:
                return
            self._started = True
        try:
            threading.Thread(target=self._deliver, name="oob-heal-observer", daemon=True).start()
        except RuntimeError:  # no thread is to be had: the next happening tries again
            self._started = False

    def _deliver(self) -> None:
        while True:
            with self.lock:
                self._delivering = False
                self._arrived.notify_all()
                if not self._arrived.wait_for(lambda: bool(self._waiting), IDLE):
                    self._started = False
                    return
                happening = self._waiting.popleft()
                self._delivering = True
            try:
                self.observer(happening)
            except BaseException:  # its trouble is its own: it hears on
                pass

    def close(self, grace: float = LAST_WORDS) -> None:
        """At exit: let what waits be heard, if that is soon done."""
        self.flush(min(grace, LAST_WORDS))

    def flush(self, grace: float) -> bool:
        """Wait until all is delivered, at most ``grace`` seconds."""
        with self.lock:
            return self._arrived.wait_for(
                lambda: not self._waiting and not self._delivering, timeout=grace
            )
