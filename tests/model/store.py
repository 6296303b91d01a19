"""The reference model's store: entries, and the right to heal a key. It decides nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from tests.model.rules import REMEMBERED, Entry

Key = tuple[int, int]  # a function, and which of its keys


@dataclass(eq=False)
class Lease:
    key: Key
    granted_at: float
    until: float
    attempt: int
    previous_at: float | None
    adopted: bool = False
    waits: bool = False  # in an engine's queue: it is for whoever brings an event


class Refusal(NamedTuple):
    until: float


@dataclass(frozen=True)
class Past:
    """What is remembered of a key's heals."""

    attempts: int = 0
    retry_at: float = -math.inf
    granted_at: float = 0.0
    returned: bool = True
    granted: Lease | None = None  # the last one, until it is given back: lapsed or not, void or not
    forgotten_at: float = math.inf


class Store:
    """With ``epochs`` a clear is seen by a key when it is next touched, and only the last one: a
    lease that one clear voided and that is past its time at another counts as lapsed, unless
    somebody touched the key between (docs/decisions/0011)."""

    def __init__(self, clock: Callable[[], float], *, epochs: bool = False) -> None:
        self.clock = clock
        self.epochs = epochs
        self.cleared: dict[Key, Lease] = {}  # leases that a clear voided, until the key is touched
        self.chance = 0.5  # what every draw brings, until the world says otherwise
        self.entries: dict[Key, Entry] = {}
        self.leases: dict[Key, Lease] = {}
        self.pasts: dict[Key, Past] = {}

    def lease(self, key: Key) -> Lease | None:
        """The lease that holds, if one does."""
        lease = self.leases.get(key)
        return lease if lease is not None and self.clock() < lease.until else None

    def _past(self, key: Key) -> Past:
        past = self.pasts.get(key)
        return past if past is not None and self.clock() < past.forgotten_at else Past()

    def _remember(self, key: Key, past: Past) -> None:
        now = self.clock()
        self.pasts[key] = replace(past, forgotten_at=max(now, past.retry_at) + REMEMBERED)

    def _void(self, key: Key) -> None:
        if self.lease(key) is not None:  # a lease that lapsed before stays a crash
            del self.leases[key]
            self._remember(key, replace(self._past(key), returned=True))

    def _touch(self, key: Key) -> None:
        self.cleared.pop(key, None)

    def get(self, key: Key) -> Entry | None:
        entry = self.entries.get(key)
        return entry if entry is not None and self.clock() < entry.kept_until else None

    def set(self, key: Key, entry: Entry) -> None:
        self._touch(key)
        self.leases.pop(key, None)
        self.pasts.pop(key, None)
        self.entries[key] = entry

    def delete(self, key: Key) -> None:
        self._touch(key)
        self._void(key)
        self.entries.pop(key, None)

    def mark_stale(self, key: Key) -> None:
        self._touch(key)
        self._void(key)
        if key in self.entries:
            self.entries[key] = replace(self.entries[key], marked=True)

    def clear(self, function: int) -> None:
        for key in [key for key in {*self.leases, *self.entries} if key[0] == function]:
            lease = self.lease(key)
            self._void(key)
            self.entries.pop(key, None)
            if lease is not None and self.epochs:
                self.cleared[key] = lease
        for key in [key for key in self.cleared if key[0] == function]:
            if self.clock() >= self.cleared[key].until:
                self._touch(key)
                past = self.pasts.get(key)
                if past is not None and self.clock() < past.forgotten_at:
                    self._remember(key, replace(past, returned=False))

    def acquire(
        self, key: Key, lease_for: float, adopt: Lease | None, waits: bool = False
    ) -> Lease | Refusal:
        self._touch(key)
        now, held, past = self.clock(), self.lease(key), self._past(key)
        if held is not None:
            if adopt is None or not (held.waits or (adopt is held and not held.adopted)):
                return Refusal(held.until)
            lease = Lease(key, now, now + lease_for, held.attempt, None, adopted=True)
        elif now < past.retry_at:
            return Refusal(past.retry_at)
        else:
            if not past.returned and past.granted is not None and past.granted.waits:
                past = replace(past, attempts=max(0, past.attempts - 1), returned=True)
            crashed_at = None if past.returned else past.granted_at
            attempt = past.attempts + 1
            lease = Lease(key, now, now + lease_for, attempt, crashed_at, waits=waits)
        self.leases[key] = lease
        facts = {"attempts": lease.attempt, "granted_at": now, "returned": False}
        self._remember(key, replace(past, granted=lease, **facts))
        return lease

    def commit(self, lease: Lease, entry: Entry | None, nothing_for: float = 0.0) -> bool:
        self._touch(lease.key)
        if self.lease(lease.key) is not lease:
            return False
        del self.leases[lease.key]
        if entry is None:
            self.entries.pop(lease.key, None)
            self._remember(lease.key, Past(retry_at=self.clock() + nothing_for))
        else:
            self.entries[lease.key] = entry
            self.pasts.pop(lease.key, None)
        return True

    def release(self, lease: Lease, retry_after: float) -> None:
        self._touch(lease.key)
        past = self._past(lease.key)
        if past.granted is not lease:
            return
        if self.lease(lease.key) is lease:
            del self.leases[lease.key]
        past = replace(past, returned=True, granted=None)
        if retry_after > 0:
            past = replace(past, retry_at=self.clock() + retry_after)
        else:
            past = replace(past, attempts=max(0, past.attempts - 1))
        self._remember(lease.key, past)

    def edges(self) -> list[float]:
        """The instants at which something ends by itself."""
        ends: list[Any] = [lease.until for lease in self.leases.values()]
        ends += [past.retry_at for past in self.pasts.values()]
        return ends + [entry.kept_until for entry in self.entries.values()]
