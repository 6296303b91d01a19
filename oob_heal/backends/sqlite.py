"""A file of SQLite: many processes on one machine, and no server.

Law: a read is one SELECT, for which no writer is waited for; every other verb is one transaction,
whole or not at all, whoever is killed in it. Bounded in entries and bytes by a bounded part of each
write. How the parts lie upon each other: file < start; entries, leases < this.
"""

from __future__ import annotations

import functools
import os
import time
import warnings
from pathlib import Path
from typing import Any, Self

from oob_heal import _lifecycle
from oob_heal._durations import LONGEST_HELD, seconds
from oob_heal._model import Lease, Refused
from oob_heal.backends._sqlite_entries import Entries, scope_of
from oob_heal.backends._sqlite_file import File, Link
from oob_heal.backends._sqlite_leases import NOTHING, Leases, Past
from oob_heal.backends._sqlite_start import check, opened
from oob_heal.ports import Clock

LONGEST_KEEP = 30 * 86_400.0  # s, unless given
MOST_LEASES = 100_000  # keys whose leases and attempts are remembered


class SqliteBackend:
    """Entries and leases in a file that the processes of one machine share.

    ``path``: a file on a disk of this machine (not a network's), made if it is not there; it
    stays, so a fresh start serves what was there before. One that is damaged, another
    application's or not to be written to is an error here, at the start; with ``start_fresh`` it
    is renamed and a fresh one begun. ``maxsize`` entries and ``max_bytes`` of entries are kept at
    most, those written longest ago go first. ``deadline``: seconds for which a verb waits for
    other writers; a read waits for none. ``longest_keep``: seconds for which an entry is kept.

    Dated by ``clock``, the machine's wall clock: an entry of the future is stale, and a lease of
    the future void, once that clock was set back. What was written last may be lost with the
    machine's power, never with a process. No deadline helps against a disk that hangs.

    >>> import tempfile
    >>> from oob_heal import HealingCache
    >>> folder = tempfile.TemporaryDirectory()
    >>> with SqliteBackend(f"{folder.name}/cache.db") as backend:
    ...     cache = HealingCache(backend=backend, namespace="shop")
    >>> folder.cleanup()
    """

    stores_bytes = True
    shared_leases = True
    store_clock = True
    closes_last = True  # at exit: heals that are drained then still commit

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        maxsize: int = 100_000,
        max_bytes: int = 256 * 1024 * 1024,
        deadline: float = 0.25,
        longest_keep: float = LONGEST_KEEP,
        start_fresh: bool = False,
        clock: Clock = time.time,
    ) -> None:
        self.deadline = seconds("deadline", deadline)
        self.longest_keep = seconds("longest_keep", longest_keep)
        self.maxsize = _whole("maxsize", maxsize)
        self._entries = Entries(self.maxsize, _whole("max_bytes", max_bytes))
        self.now = clock
        name = str(Path(_named(path)).absolute())  # a process may change its folder
        check(name, self.deadline, start_fresh=start_fresh)
        self._file = File(name, functools.partial(opened, name, self.deadline))
        self._leases = Leases(MOST_LEASES)
        _lifecycle.survives_fork(self)
        _lifecycle.drained_at_exit(self)

    def __repr__(self) -> str:
        return "<SqliteBackend>"

    @property
    def lock(self) -> File:
        """What a fork takes."""
        return self._file

    def after_fork(self, consistent: bool) -> None:
        """In the child: connections of its own."""
        self._file.after_fork(consistent=consistent)

    def _until(self) -> float:
        return time.monotonic() + self.deadline

    def get(self, key: str) -> bytes | None:
        """The sealed entry, or None."""
        with self._file.reading(self._until()) as link:
            found: bytes | None = self._entries.get(link, key, self.now())
        return found

    def set(self, key: str, entry: bytes, keep_for: float) -> None:
        """Store a sealed entry. ValueError if it is larger than ``max_bytes``."""
        with self._file.writing(self._until()) as link:
            now = self.now()
            past = self._leases.load(link, key, now)
            self._entries.put(link, key, entry, now + self._kept(keep_for), now)
            self._save(link, key, Past(committed=past.committed), now)

    def delete(self, key: str) -> None:
        """Make the key absent."""
        with self._file.writing(self._until()) as link:
            self._void(link, key)
            self._entries.drop(link, key)

    def mark_stale(self, key: str) -> None:
        """Set the entry's stale mark."""
        with self._file.writing(self._until()) as link:
            self._void(link, key)
            self._entries.mark(link, key)

    def clear(self, scope: str) -> None:
        """Start the scope's next epoch: every process sees it at once."""
        with self._file.writing(self._until()) as link:
            self._entries.clear(link, scope)
            self._leases.void_all(link, scope, self.now())

    def acquire(
        self, key: str, lease_for: float, *, adopt: str | None = None, force: bool = False
    ) -> Lease | Refused:
        """Grant the lease of a free key; see ``ports.Backend``."""
        with self._file.writing(self._until()) as link:
            now = self.now()
            past = self._leases.load(link, key, now)
            granted = self._leases.acquire(past, key, lease_for, adopt, force, now)
            if isinstance(granted, Refused):
                return granted
            full = self._leases.room(link, now) if past == NOTHING else None
            if full is not None:
                return full
            past, lease = granted
            self._save(link, key, past, now)
            return lease

    def commit(self, lease: Lease, entry: bytes | None, keep_for: float) -> bool:
        """Store the entry and end the lease, if it still holds; see ``ports.Backend``."""
        key = lease.key
        with self._file.writing(self._until()) as link:
            now = self.now()
            past = self._leases.load(link, key, now)
            if not past.holds(now) or past.token != lease.token:
                return past.committed == lease.token
            if entry is None:
                self._entries.drop(link, key)
                retry_at = now + min(keep_for, LONGEST_HELD)
                past = Past(committed=lease.token, retry_at=retry_at)
            else:
                self._entries.put(link, key, entry, now + self._kept(keep_for), now)
                past = Past(committed=lease.token)
            self._save(link, key, past, now)
            return True

    def release(self, lease: Lease, retry_after: float = 0) -> None:
        """Give the lease back; see ``ports.Backend``."""
        with self._file.writing(self._until()) as link:
            now = self.now()
            past = self._leases.load(link, lease.key, now)
            given_back = self._leases.released(past, lease.token, retry_after, now)
            if given_back is not None:
                self._save(link, lease.key, given_back, now)

    def _kept(self, keep_for: float) -> float:
        return min(keep_for, self.longest_keep)

    def _save(self, link: Link, key: str, past: Past, now: float) -> None:
        self._leases.save(link, key, scope_of(key), past, now)

    def _void(self, link: Link, key: str) -> None:
        now = self.now()
        past = self._leases.load(link, key, now)
        if past.holds(now):
            self._save(link, key, past.voided(now), now)

    def close(self, grace: float | None = None) -> None:
        """Close every connection; it raises from now on."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        file: Any = getattr(self, "_file", None)
        if file is not None and file.opened:
            file.close()
            text = "a SqliteBackend was dropped open; close it"
            warnings.warn(text, ResourceWarning, source=self)


def _named(path: Any) -> str:
    name = os.fspath(path)
    if not isinstance(name, str):
        raise TypeError("path= must be text or a Path, not bytes")
    if not name or name == ":memory:":
        raise ValueError("path= must name a file: what processes share has a place on the disk")
    return name


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}= must be a whole number, not {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{name}= must be at least 1, not {value}")
    return value
