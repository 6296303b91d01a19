"""Leases in one table: granted, adopted, voided, counted, bounded.

Law: facts only. Every backend that keeps its leases in a process stands on this table, and one
that keeps them elsewhere behaves as this table does. The caller holds a lock around each verb.
Two tables with deadlines, both capped: the leases that hold, and the past of each key (attempts,
retry time, the last token that committed). What is full of leases that hold refuses; the past of
the key that was least in trouble goes first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from cachetools import TLRUCache

from oob_heal._model import Lease, Refused, Why
from oob_heal._tokens import counts_as, new_token, waited
from oob_heal.ports import Clock

PAST_KEPT = 3_600.0  # s for which attempts are remembered after the last of them
FULL_FOR = 1.0  # s after which a full table is worth asking again


class _Past(NamedTuple):
    attempts: int = 0
    retry_at: float = -math.inf
    granted_at: float = -math.inf
    returned: bool = True
    granted: str | None = None  # the lease granted last, until it is given back or the key is set
    committed: str | None = None


class _Held(NamedTuple):
    lease: Lease
    adopted: bool


class LeaseTable:
    """The lease verbs of a backend, but for the storing; see ``ports.Backend``."""

    def __init__(self, clock: Clock, maxsize: int = 10_000) -> None:
        self.clock = clock
        self.maxsize = maxsize
        self.reset()

    def reset(self) -> None:
        """Forget everything, as after a fork."""
        self._held: TLRUCache[Any, _Held] = TLRUCache(
            self.maxsize, lambda _key, held, _now: held.lease.until, timer=self.clock
        )
        self._past: TLRUCache[Any, _Past] = TLRUCache(
            self.maxsize,
            lambda _key, past, now: max(now, past.retry_at) + PAST_KEPT,
            timer=self.clock,
        )

    def __len__(self) -> int:
        return sum(1 for _ in self._held)

    def acquire(
        self, key: Any, lease_for: float, adopt: str | None, force: bool
    ) -> Lease | Refused:
        now = self.clock()
        held = self._held.get(key)
        past = self._past.get(key, _Past())
        if held is not None:
            adopt = counts_as(adopt, held.lease.token)
            if adopt != held.lease.token or held.adopted:
                return Refused(Why.HELD, held.lease.until)
            return self._grant(key, now, lease_for, held.lease.attempt, None, adopted=True)
        if now < past.retry_at and not force:
            return Refused(Why.BACKING_OFF, past.retry_at)
        if not past.returned and waited(past.granted):
            past = past._replace(attempts=max(0, past.attempts - 1), returned=True)
        self._held.expire(now)
        if len(self._held) >= self.maxsize:
            return Refused(Why.FULL, now + FULL_FOR)
        previous_at = None if past.returned else past.granted_at
        attempt, token = past.attempts + 1, new_token(adopt)
        return self._grant(key, now, lease_for, attempt, previous_at, adopted=False, token=token)

    def _grant(
        self,
        key: Any,
        now: float,
        lease_for: float,
        attempt: int,
        previous_at: float | None,
        *,
        adopted: bool,
        token: str | None = None,
    ) -> Lease:
        lease = Lease(key, token or new_token(), now, now + lease_for, attempt, previous_at)
        self._held[key] = _Held(lease, adopted)
        past = self._past.get(key, _Past())
        self._past[key] = past._replace(
            attempts=attempt, granted_at=now, returned=False, granted=lease.token
        )
        return lease

    def holds(self, lease: Lease) -> bool:
        """Whether this lease still holds: not lapsed, not voided, not given back."""
        held = self._held.get(lease.key)
        return held is not None and held.lease.token == lease.token

    def committed(self, lease: Lease) -> bool:
        """Whether this very lease was the last to commit: its commit came again."""
        past = self._past.get(lease.key)
        return past is not None and past.committed == lease.token

    def commit(self, lease: Lease, retry_at: float = -math.inf) -> None:
        """End a lease that holds: its key healed, or (with a retry time) there is nothing."""
        self._held.pop(lease.key, None)
        self._past[lease.key] = _Past(retry_at=retry_at, committed=lease.token)

    def release(self, lease: Lease, retry_after: float) -> None:
        past = self._past.get(lease.key, _Past(lease.attempt))
        if self.holds(lease):
            self._held.pop(lease.key, None)
        elif past.granted != lease.token:
            return
        if retry_after > 0:
            past = past._replace(retry_at=self.clock() + retry_after)
        else:
            past = past._replace(attempts=max(0, past.attempts - 1))
        self._past[lease.key] = past._replace(returned=True, granted=None)

    def void(self, key: Any, *, reset: bool = False) -> None:
        """End the key's lease, whoever holds it; ``reset`` forgets its past as well.

        What lapsed before stays a crash: an application that invalidates on every write does not
        hide it.
        """
        held = self._held.pop(key, None)
        past = self._past.get(key)
        if past is not None and reset:
            self._past[key] = _Past(committed=past.committed)
        elif past is not None and held is not None:
            self._past[key] = past._replace(returned=True)

    def void_all(self, concerned: Callable[[Any], bool]) -> None:
        """Void the lease of every key for which ``concerned(key)`` is true."""
        for key in [key for key in self._held if concerned(key)]:
            self.void(key)
