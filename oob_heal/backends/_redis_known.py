"""What a process knows of its servers without asking: their time, and the epochs of its scopes.

Law: facts, and how they are put right by what an exchange tells. Both only become better: the
clock moves as far as it was contradicted, an epoch only grows.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterable
from typing import Any, NamedTuple

from oob_heal.backends._redis_lua import DIGITS, ENDED, LAST_EPOCH, MOST_ENDED


class Epoch(NamedTuple):
    """A scope's epoch: where its entries stand. ``ended``: those before it, the latest first, in
    which a process that has not heard of this one may still read."""

    number: int
    renewed_at: float
    ended: tuple[int, ...] = ()

    def ended_lately(self, now: float) -> list[int]:
        """Of those before it, the ones that had not ended ``ENDED`` s ago. ``now``: the server's
        time; an epoch ends when the next begins."""
        begun = (self.number, *self.ended)
        pairs = zip(begun, self.ended, strict=False)
        return [old for after, old in pairs if after >= (now - ENDED) * 1000]


class Known:
    """The server's time and the epochs; ``lock`` is the one lock of whoever derives."""

    lock: threading.Lock
    listeners: weakref.WeakSet[Any]  # each told ``cleared(scope)`` when an epoch has grown

    def forget(self) -> None:
        """Know nothing, as in a new process."""
        self.epochs: dict[str, Epoch | None] = {}  # None: to be learned
        self.offset: float | None = None  # from this process's monotonic clock to the server's time

    def heard_time(self, sent: float, told: float, received: float) -> None:
        """An exchange says that the server's time was ``told`` between two moments here.

        The offset moves only as far as it contradicts that, so a clock that runs true stands
        still, and the best exchange seen is what counts. Source: Cristian, "Probabilistic clock
        synchronization", Distributed Computing 3, 1989.
        """
        least, most = told - received, told - sent
        offset = self.offset
        self.offset = (least + most) / 2 if offset is None else max(least, min(most, offset))

    def heard_epoch(
        self, scope: str, number: int, ended: Iterable[int] = (), *, renewed: bool = True
    ) -> None:
        """A scope is in this epoch, at least, after those that ended."""
        with self.lock:
            known = self.epochs.get(scope)
            if known is None or renewed or known.number < number:
                before = (known.number, *known.ended) if known is not None else ()
                latest = max(number, *before, 0)
                older = sorted({each for each in (*ended, *before) if each < latest}, reverse=True)
                self.epochs[scope] = Epoch(latest, time.monotonic(), tuple(older[:MOST_ENDED]))
        if known is not None and known.number < number:
            for listener in list(self.listeners):
                listener.cleared(scope)


def epochs_in(line: bytes) -> list[int]:
    """What stands at ``epoch_key``: the epoch, and those that ended a moment ago; [] of anything
    else that stands there. As ``number_at`` of ``_redis_lua`` has it."""
    first, *others = map(_epoch, line.split(b" "))
    return [] if first is None else [first, *(each for each in others if each is not None)]


def _epoch(word: bytes) -> int | None:
    number = int(word) if len(word) <= DIGITS and word.isdigit() else LAST_EPOCH + 1
    return number if number <= LAST_EPOCH else None


def epoch_key(scope: str) -> bytes:
    """Where a scope's epoch stands."""
    return b"oob1.%s.epoch" % scope.encode("ascii")
