"""Entries in this process: the default.

Law: a read is a few dictionary look-ups without a lock; everything else is a few dictionary steps
under one lock, in which no code of the user's runs. How entries lie, and which goes when there is
no room, is ``_table``'s and ``_leaf``'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from oob_heal._model import Entry, Key, Scope
from oob_heal.backends._leaf import Room
from oob_heal.backends._leased import LeasedBackend
from oob_heal.backends._table import Front, Table
from oob_heal.ports import Clock


class MemoryBackend(LeasedBackend):
    """A bounded table of ``maxsize`` entries, dated by ``clock`` (seconds, monotonic).

    When full, what was not read for longest goes first, by SIEVE. Leases hold in this process only.
    One backend may serve several functions, which then share its size; the one with the most
    entries makes room.

    >>> from oob_heal import HealingCache
    >>> cache = HealingCache(backend=MemoryBackend(maxsize=100_000))
    """

    prompt = True
    lock_free_reads = True
    deadline = 0.0

    def __init__(self, maxsize: int = 10_000, *, clock: Clock = time.monotonic) -> None:
        if isinstance(maxsize, bool) or not isinstance(maxsize, int):
            raise TypeError(f"maxsize= must be a whole number, not {type(maxsize).__name__}")
        if maxsize < 1:
            raise ValueError(f"maxsize= must be at least 1, not {maxsize}")
        super().__init__(clock, leases=max(64, min(maxsize, 100_000)))
        self.maxsize = maxsize
        self._room = Room(maxsize)
        self._tables: dict[Scope, Table] = {}

    def __repr__(self) -> str:
        return f"<MemoryBackend {self._room.size}/{self.maxsize}>"

    def get(self, key: Key) -> Entry | None:
        """The entry, or None; takes no lock."""
        table = self._tables.get(key.scope)
        return None if table is None else table.get(key.token)

    def front(self, scope: Scope, judged_by: Any, fresh_until: Callable[[Entry], float]) -> Any:
        """The way in for code that reads the table as it is; None if functions of this scope
        disagree on how long an entry is fresh."""
        with self.lock:
            table = self._table(scope)
            return Front(self, table) if table.judged_by(judged_by, fresh_until) else None

    def currsize(self, scope: Scope) -> int:
        """How many entries of a scope there are, expired ones included."""
        table = self._tables.get(scope)
        return 0 if table is None else len(table)

    def _table(self, scope: Scope) -> Table:
        table = self._tables.get(scope)
        if table is None:
            table = self._tables[scope] = Table(self._room)
        return table

    def _put(self, key: Key, entry: Entry, keep_for: float) -> Any:
        return self._table(key.scope).put(key.token, entry)

    def _drop(self, key: Key) -> Any:
        return self._table(key.scope).drop(key.token)

    def _mark(self, key: Key) -> None:
        self._table(key.scope).mark(key.token)

    def _drop_scope(self, scope: Scope) -> Any:
        return self._table(scope).clear()

    def _in_scope(self, key: Key, scope: Scope) -> bool:
        return key.scope == scope

    def after_fork(self, consistent: bool) -> None:
        """As of every leased table; one that was copied half-written starts empty."""
        super().after_fork(consistent)
        for table in self._tables.values():
            table.unhush_all() if consistent else table.clear()
