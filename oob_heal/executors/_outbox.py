"""What waits to be sent to an engine, and the publisher that sends it.

Law: submit only appends, to a queue that functions share fairly, refreshes first. One publisher, a
daemon thread with an event loop of its own, hands each heal on: it takes the lease and calls
``send``, out of band. A watch looks after it: a send past its time is given up with its heal, and
a publisher that hangs in one is replaced, while fewer hang than the limit. The lease of an event
that no worker took is taken back just before it would lapse: what lapses is a crash, and backs
off, and a queue that loses messages is none.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
from collections.abc import Callable, Iterator
from typing import Any

from oob_heal._durations import LONGEST_WAIT
from oob_heal.errors import HealRejectedError
from oob_heal.executors._fair import FairQueue
from oob_heal.executors._sent import Sent
from oob_heal.ports import Clock

SOONER = 1.0  # s before its lease would lapse, an event is no longer waited for
HUNG_AT_MOST = 16  # publishers that hang in send


@contextlib.contextmanager
def _no_loop_in_sight() -> Iterator[None]:
    """A sync ``send`` meets no running loop: Django's ORM and ``asyncio.run`` refuse beside one.

    What an async one gives is awaited in the loop afterwards.
    """
    loop = asyncio.get_running_loop()
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)


class Outbox:
    """What waits to be sent, and what was sent and has not healed yet. Driven by a publisher."""

    def __init__(
        self,
        send: Callable[[bytes], Any],
        places: int,
        look_after: float,
        send_timeout: float,
        queue_timeout: float,
        clock: Clock,
    ) -> None:
        self.send = send
        self.send_timeout = send_timeout
        self.look_after = look_after
        self.waits_for = queue_timeout - min(SOONER, queue_timeout / 10)
        self.places = places
        self.clock = clock
        self.closed = False
        self.renew()

    def renew(self) -> None:
        self.lock = threading.Lock()
        self.changed = threading.Condition(self.lock)
        self.overdue = threading.Condition(self.lock)  # the watch waits for it
        self.waiting = FairQueue(self.places, 1)
        self.sent = Sent(self.lock, self.look_after, self.waits_for, 10 * self.places)
        self.sending: Any = None
        self.due: float | None = None  # when the watch gives up what is being sent
        self.publisher: threading.Thread | None = None
        self.hung: set[threading.Thread] = set()
        self.watch: threading.Thread | None = None

    def put(self, heal: Any) -> None:
        with self.lock:
            if self.closed:
                raise HealRejectedError("the queue executor is closed")
            if len(self.hung) >= HUNG_AT_MOST:
                raise HealRejectedError(f"send hangs: {len(self.hung)} publishers wait in it")
            if self.publisher is None:
                self._start()
            shed = self.waiting.put(heal.group, heal)
            self.changed.notify_all()
        if shed is not None:
            shed.shed()

    def _start(self) -> None:
        thread = threading.Thread(target=self.run, name="oob-heal-publisher", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            raise HealRejectedError("no thread is to be had for the publisher") from error
        self.publisher = thread

    def run(self) -> None:
        """A publisher's life: send what waits, look after what was sent, until it is replaced."""
        try:
            with asyncio.Runner() as runner:
                while self.wait():
                    runner.run(self.publish_next())
                    runner.run(self.sent.look(self.clock()))
        except BaseException:  # no loop is to be had, say: the next heal starts another publisher
            with self.lock:
                self.hung.discard(threading.current_thread())
                if self.publisher is not threading.current_thread():
                    return
                self.publisher = None
            self._cut_off_what_waits()

    def wait(self) -> bool:
        """Wait for something to do; False once closed and empty, or replaced."""
        with self.lock:
            while self.publisher is threading.current_thread():
                if len(self.waiting):
                    return True
                if self.closed:
                    return False
                due = self.sent.due()
                left = None if due is None else due - self.clock()
                if left is not None and left <= 0:
                    return True
                self.changed.wait(None if left is None else min(left, LONGEST_WAIT))
            return False

    async def publish_next(self) -> bool:
        """Send one event; False if none waits."""
        heal = self._next()
        if heal is None:
            return False
        forgotten: list[Any] = []  # dies when the lock is free
        try:
            await heal.hand_on(self.send_in_time)
        except BaseException:  # whatever send raises, the publisher lives
            heal.cut_off()
        finally:
            with self.lock:
                if self.sending is heal:  # else this publisher was given up, and its heal too
                    self.sending = self.due = None
                self.hung.discard(threading.current_thread())
                if self.closed:
                    self.overdue.notify()
                if not heal.ended:
                    forgotten = self.sent.put(heal, self.clock())
                self.changed.notify_all()
        del forgotten
        return True

    def _next(self) -> Any:
        with self.lock:
            taken = self.waiting.take()
            if taken is None:
                return None
            group, self.sending = taken
            self.waiting.done(group)  # what hangs in send holds nobody else up
            return self.sending

    def send_in_time(self, payload: bytes) -> Any:
        """Send, under the watch."""
        self._watch_for(self.send_timeout)
        with _no_loop_in_sight():
            sent = self.send(payload)
        return self._awaited(sent) if inspect.isawaitable(sent) else sent

    async def _awaited(self, sent: Any) -> None:
        self._watch_for(2 * self.send_timeout)  # for one that even swallows its cancellation
        limit = asyncio.timeout(self.send_timeout)
        try:
            async with limit:
                await sent
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise HealRejectedError(f"send took longer than {self.send_timeout} s") from error

    def _watch_for(self, seconds: float) -> None:
        with self.lock:
            if self.publisher is not threading.current_thread() or self.sending is None:
                return
            self.due = self.clock() + seconds
            if self.watch is None:
                watch = threading.Thread(target=self.watching, name="oob-heal-watch", daemon=True)
                try:
                    watch.start()
                except RuntimeError:  # the next send is watched, then
                    return
                self.watch = watch
            self.overdue.notify()

    def watching(self) -> None:
        """The watch's life: replace publishers that hang."""
        while True:
            with self.lock:
                if self.closed and not len(self.waiting) and self.sending is None:
                    self.watch = None
                    return
                left = None if self.due is None else max(0.0, self.due - self.clock())
                self.overdue.wait(None if left is None else min(left, LONGEST_WAIT))
            self.sweep()

    def sweep(self) -> int:
        """Give up the send that is overdue; how many there were."""
        with self.lock:
            if self.due is None or self.publisher is None or self.clock() < self.due:
                return 0
            heal, self.sending, self.due = self.sending, None, None
            self.hung.add(self.publisher)
            self.publisher = None
            full = len(self.hung) >= HUNG_AT_MOST
            if not full:
                try:
                    self._start()
                except HealRejectedError:
                    full = True
            self.changed.notify_all()
        heal.cut_off()
        if full:
            self._cut_off_what_waits()
        return 1

    def close(self, grace: float, *, dropped: bool = False) -> None:
        """``dropped``: in a finalizer, where no backend may be asked to take a lease back."""
        with self.lock:
            self.closed = True
            self.changed.notify_all()
            self.overdue.notify()
            self.changed.wait_for(
                lambda: not len(self.waiting) and self.sending is None, timeout=grace
            )
            hangs = None if dropped or self.due is None else self.sending
            if hangs is not None:
                self.sending = self.due = None
        self._cut_off_what_waits()
        if hangs is not None:
            hangs.cut_off()

    def _cut_off_what_waits(self) -> None:
        with self.lock:
            left = self.waiting.clear()
            self.changed.notify_all()
            self.overdue.notify()
        for heal in left:
            heal.cut_off()
