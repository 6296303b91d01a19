"""What callers ask of the keeper, and its one daemon thread.

Law: callers read what stands here, or wait for news of it until their deadline; they never
connect. The thread makes the rounds; it starts at the first need, ends when its backend is dropped
or closed, and starts afresh in a forked child.
"""

from __future__ import annotations

import functools
import threading
import time
import weakref

from oob_heal import _lifecycle
from oob_heal.backends._redis_known import Epoch, epoch_key
from oob_heal.backends._redis_rounds import Rounds
from oob_heal.backends._redis_source import Source
from oob_heal.backends._redis_waiting import in_time
from oob_heal.backends._redis_wire import AwayError

CLOSING = 2.0  # s for which close waits for the thread
FIRST_CONTACT = 1.0  # s that it may take, where no caller waits


class Keeper(Rounds):
    """What a backend knows of its servers. ``deadline``: s that any exchange may take."""

    def __init__(self, source: Source, deadline: float, most: int, keep_epochs: float) -> None:
        self.source = source
        self.deadline = deadline
        self.keep_epochs = keep_epochs
        self.most = most
        self.closed = False
        self.lock = threading.Lock()
        self.listeners = weakref.WeakSet()
        self._thread: threading.Thread | None = None
        self._rung_at = 0.0
        self.start_afresh()
        _lifecycle.survives_fork(self)

    def after_fork(self, consistent: bool) -> None:
        """Start afresh: links and thread are the parent's. The server's time is anybody's."""
        self.lock = threading.Lock()
        self._thread = None
        self.hang_up()
        offset = self.offset
        self.start_afresh()
        self.offset = offset

    def ring(self) -> None:
        """Have a round begin now."""
        super().ring()
        if self._thread is None:
            self._start()

    def _start(self) -> None:
        with self.lock:
            if self._thread is not None or self.closed:
                return
            work = threading.Thread(
                target=_keep, args=(weakref.ref(self),), name="oob-heal-redis", daemon=True
            )
            try:
                work.start()
            except RuntimeError as error:
                raise AwayError("no thread is to be had for redis") from error
            self._thread = work
            self._rung_at = time.monotonic()

    def known(self, scope: str) -> Epoch | None:
        """A scope's epoch, to be believed now; None if it is still to be learned. Raises
        AwayError while the server that has it is away."""
        if self.closed:
            raise AwayError("the RedisBackend is closed")
        now = time.monotonic()
        epoch = self.epochs.get(scope)
        pool = self.place(epoch_key(scope))
        if epoch is not None and now < pool.good_until:
            return epoch
        pool.check(now)
        if epoch is None:
            self.epochs[scope] = None
        self.ring()
        return None

    def learned(self, scope: str, until: float, *, patient: bool = False) -> Epoch:
        """As ``known``, waiting until then for what is still to be learned; ``patient``: and for
        a server that is away."""
        look = functools.partial(self.back if patient else self.known, scope)
        return in_time(look() or self.news.wait(look, until))

    async def alearned(self, scope: str, until: float, *, patient: bool = False) -> Epoch:
        """As ``learned``, awaited."""
        look = functools.partial(self.back if patient else self.known, scope)
        return in_time(look() or await self.news.await_(look, until))

    def back(self, scope: str) -> Epoch | None:
        """As ``known``, and None while the server is away, too: for what can wait a moment."""
        try:
            return self.known(scope)
        except AwayError:
            if self.closed:
                raise
            return None

    def meet(self, scope: str) -> None:
        """Wait until the server was met, and a scope's epoch is known: for who keeps no caller
        waiting. A first contact has so long once in a process; after it an outage is told at
        once."""
        look = functools.partial(self._met, scope)
        _met = look() or self.news.wait(look, self._patient_until())

    async def ameet(self, scope: str) -> None:
        """As ``meet``, awaited."""
        look = functools.partial(self._met, scope)
        _met = look() or await self.news.await_(look, self._patient_until())

    def _met(self, scope: str) -> bool | None:
        """True once there is nothing to wait for."""
        try:
            return self.known(scope) is not None or None
        except AwayError:
            return self.met or self.closed or self._thread is None or None

    def _patient_until(self) -> float:
        return (time.monotonic() if self.met else self._rung_at) + FIRST_CONTACT

    def first_time(self, until: float) -> float:
        """The server's time, waiting until then for the first contact."""
        return in_time(self.clock() or self.news.wait(self.clock, until))

    async def afirst_time(self, until: float) -> float:
        """As ``first_time``, awaited."""
        return in_time(self.clock() or await self.news.await_(self.clock, until))

    def clock(self) -> float | None:
        """The server's time, if it was ever told. Raises AwayError if it is away."""
        if self.offset is not None:
            return time.monotonic() + self.offset
        for pool in list(self.pools.values()):
            pool.check(time.monotonic())
        self.ring()
        return None

    @property
    def started(self) -> bool:
        """Whether there is a thread to end."""
        return self._thread is not None

    def close(self, grace: float | None = None) -> None:
        """End the thread, close the links; every verb fails from now on."""
        with self.lock:
            self.closed = True
            thread = self._thread
        self.bell.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(CLOSING if grace is None else grace)
        for pool in list(self.pools.values()):
            pool.away("the RedisBackend is closed")
        self.hang_up()
        self.news.wake()
        self.source.close()


def _keep(keeper_ref: weakref.ref[Keeper]) -> None:
    while True:
        keeper = keeper_ref()
        if keeper is None:
            return
        if keeper.closed:
            keeper.hang_up()  # what this thread made while the backend was being closed
            return
        bell = keeper.bell
        pause = keeper.round()
        del keeper
        bell.wait(pause)
