"""Entries in this process: the default.

Law: a read is one dictionary look-up without a lock; everything else is a few dictionary steps
under one lock, in which no code of the user's runs. When full, the entry that was written
longest ago goes first.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any

from oob_heal._model import Entry, Key, Scope
from oob_heal.backends._leased import LeasedBackend
from oob_heal.ports import Clock


class MemoryBackend(LeasedBackend):
    """A bounded table of ``maxsize`` entries, dated by ``clock`` (seconds, monotonic).

    Leases hold in this process only. One table may serve several functions, which then share
    its size: a flood of one evicts the others' entries.

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
        self._entries: OrderedDict[Key, Entry] = OrderedDict()
        self.get = self._entries.get

    def __repr__(self) -> str:
        return f"<MemoryBackend {len(self._entries)}/{self.maxsize}>"

    def currsize(self, scope: Scope) -> int:
        """How many entries of a scope there are, expired ones included."""
        with self.lock:
            return sum(1 for key in self._entries if key.scope == scope)

    def _put(self, key: Key, entry: Entry, keep_for: float) -> Any:
        let_go: list[Any] = [self._entries.get(key)]
        self._entries[key] = entry
        self._entries.move_to_end(key)
        while len(self._entries) > self.maxsize:
            let_go.append(self._entries.popitem(last=False))
        return let_go

    def _drop(self, key: Key) -> Any:
        return self._entries.pop(key, None)

    def _mark(self, key: Key) -> None:
        entry = self._entries.get(key)
        if entry is not None:
            self._entries[key] = Entry(entry.value, entry.dated, True, entry.spread)

    def _drop_scope(self, scope: Scope) -> Any:
        keys = [key for key in self._entries if key.scope == scope]
        return [self._entries.pop(key) for key in keys]

    def _in_scope(self, key: Key, scope: Scope) -> bool:
        return key.scope == scope

    def after_fork(self, consistent: bool) -> None:
        """As of every leased table; one that was copied half-written starts empty."""
        super().after_fork(consistent)
        if not consistent:
            self._entries.clear()
