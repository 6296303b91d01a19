"""Heals in other processes: the event rides on an engine that the user already runs.

Law: nothing here knows an engine. Submit only appends to a bounded outbox. One publisher, a
daemon thread with an event loop of its own, takes each key's lease and calls ``send`` with the
encoded event, out of band; so ``send`` may be slow, fail or hang, and no caller sees it. The
worker calls ``heal_message`` with what was sent.
"""

from __future__ import annotations

import asyncio
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable
from typing import Any, Self

from oob_heal import _lifecycle
from oob_heal._durations import patience
from oob_heal._lifecycle import GRACE
from oob_heal.errors import HealRejectedError
from oob_heal.ports import Clock

LOOKS_AT_ONCE = 100  # keys that it looks at in one go


class Outbox:
    """What waits to be sent, and what was sent and has not healed yet. Driven by a publisher."""

    def __init__(
        self, send: Callable[[bytes], Any], places: int, look_after: float, clock: Clock
    ) -> None:
        self.send = send
        self.look_after = look_after
        self.places = places
        self.clock = clock
        self.closed = False
        self.renew()

    def renew(self) -> None:
        self.lock = threading.Lock()
        self.changed = threading.Condition(self.lock)
        self.waiting: deque[Any] = deque()
        self.sent: deque[tuple[float, float, Any]] = deque()
        self.sending = False
        self.started = False

    def put(self, heal: Any) -> None:
        with self.lock:
            if self.closed:
                raise HealRejectedError("the queue executor is closed")
            if len(self.waiting) >= self.places:
                raise HealRejectedError(f"the outbox is full: {self.places} events wait")
            if not self.started:
                self._start()
            self.waiting.append(heal)
            self.changed.notify_all()

    def _start(self) -> None:
        thread = threading.Thread(target=self.run, name="oob-heal-publisher", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            raise HealRejectedError("no thread is to be had for the publisher") from error
        self.started = True

    def run(self) -> None:
        """The publisher's life: send what waits, look after what was sent."""
        try:
            with asyncio.Runner() as runner:
                while self.wait():
                    runner.run(self.publish_next())
                    runner.run(self.look())
        except Exception:  # no loop is to be had: the next heal starts another publisher
            with self.lock:
                self.started = False
            self._cut_off_what_waits()

    def wait(self) -> bool:
        """Wait for something to do; False once closed and empty."""
        with self.lock:
            while not self.waiting:
                if self.closed:
                    return False
                due = self.sent[0][0] - self.clock() if self.sent else None
                if due is not None and due <= 0:
                    return True
                self.changed.wait(due)
            return True

    async def publish_next(self) -> bool:
        """Send one event; False if none waits."""
        with self.lock:
            if not self.waiting:
                return False
            heal = self.waiting.popleft()
            self.sending = True
        try:
            await heal.hand_on(self.send)
        except BaseException:  # whatever send raises, the publisher lives
            heal.cut_off()
        finally:
            with self.lock:
                self.sending = False
                if not heal.ended:
                    self.sent.append((self.clock() + self.look_after, self.look_after, heal))
                while len(self.sent) > 10 * self.places:  # they end by their own deadline
                    self.sent.popleft()
                self.changed.notify_all()
        return True

    async def look(self) -> None:
        """See which of the keys sent have healed; those that have not, later again."""
        now = self.clock()
        for _ in range(LOOKS_AT_ONCE):
            with self.lock:
                if not self.sent or self.sent[0][0] > now:
                    return
                _, step, heal = self.sent.popleft()
            if not await heal.settle():
                with self.lock:
                    self.sent.append((now + 2 * step, 2 * step, heal))

    def close(self, grace: float) -> None:
        with self.lock:
            self.closed = True
            self.changed.notify_all()
            self.changed.wait_for(lambda: not self.waiting and not self.sending, timeout=grace)
        self._cut_off_what_waits()

    def _cut_off_what_waits(self) -> None:
        with self.lock:
            left = list(self.waiting)
            self.waiting.clear()
            self.changed.notify_all()
        for heal in left:
            heal.cut_off()


class QueueExecutor:
    """Sends each heal's event by ``send(payload: bytes)``, sync or async, out of band.

    ``outbox`` events may wait; beyond it heals are dropped. ``look_after`` seconds after sending,
    and twice as long each time, the publisher looks whether the key has healed, for the books.
    It needs a backend with shared leases. An async ``send`` runs in the publisher's own event
    loop. At exit what waits is sent, for ``grace`` seconds at most.

    >>> import queue
    >>> engine = queue.Queue()
    >>> executor = QueueExecutor(engine.put_nowait)
    >>> executor.close()
    """

    leaves_process = True

    def __init__(
        self,
        send: Callable[[bytes], Any],
        *,
        outbox: int = 10_000,
        look_after: float = 1.0,
        grace: float = GRACE,
        clock: Clock = time.monotonic,
    ) -> None:
        if not callable(send):
            raise TypeError(f"send must be callable with bytes, not {type(send).__name__}")
        if isinstance(outbox, bool) or not isinstance(outbox, int):
            raise TypeError(f"outbox= must be a whole number, not {type(outbox).__name__}")
        if outbox < 1:
            raise ValueError(f"outbox= must be at least 1, not {outbox}")
        self.grace = patience("grace", grace)
        self.outbox = Outbox(send, outbox, look_after, clock)
        _lifecycle.survives_fork(self)
        _lifecycle.drained_at_exit(self)

    def submit(self, heal: Any, /) -> None:
        """Put a heal in the outbox. Raises HealRejectedError when closed or full."""
        self.outbox.put(heal)

    @property
    def lock(self) -> Any:
        """The lock that a fork takes first."""
        return self.outbox.lock

    def after_fork(self, consistent: bool) -> None:
        """In the child: the publisher is the parent's, and so is what waits."""
        self.outbox.renew()

    def close(self, grace: float | None = None) -> None:
        """Take no more heals, and send what waits, for ``grace`` seconds at most."""
        self.outbox.close(self.grace if grace is None else patience("grace", grace))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        outbox = getattr(self, "outbox", None)
        if outbox is not None and outbox.started and not outbox.closed:
            warnings.warn(
                "a QueueExecutor was dropped open; close it", ResourceWarning, source=self
            )
            outbox.close(0.0)
