"""Any mutable mapping as a backend: a dict, each cachetools class, or one of the user's own.

Law: the mapping is touched under one lock only, with a bounded wait, since most mappings move
things about on a read. It must take hashable keys and hold whatever object it is given. What it
throws away is absent; what it keeps is judged by age as everywhere.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import cachetools

from oob_heal._durations import patience
from oob_heal._model import Entry, Key, Scope
from oob_heal.backends._leased import LeasedBackend
from oob_heal.ports import Clock


class MappingBackend(LeasedBackend):
    """Wraps a mapping and makes it safe for threads; ``healing_cache(backend=mapping)`` does it.

    A mapping's own expiry (``TTLCache``) throws away what could still be served stale: prefer
    one that is bounded by size alone. ``deadline``: seconds that a call waits for the lock at
    most; a read that does not get it is a miss.

    >>> from cachetools import LFUCache
    >>> MappingBackend(LFUCache(maxsize=128))
    <MappingBackend LFUCache>
    """

    def __init__(
        self,
        mapping: MutableMapping[Any, Any],
        *,
        clock: Clock = time.monotonic,
        deadline: float = 0.05,
    ) -> None:
        super().__init__(clock)
        self.mapping = mapping
        self.deadline = patience("deadline", deadline)
        self.prompt = isinstance(mapping, (dict, cachetools.Cache))

    def __repr__(self) -> str:
        return f"<MappingBackend {type(self.mapping).__name__}>"

    @property
    def maxsize(self) -> int | None:
        """The mapping's own ``maxsize``, if it has one that is a whole number."""
        size = getattr(self.mapping, "maxsize", None)
        return size if isinstance(size, int) else None

    def currsize(self, scope: Scope) -> int:
        """How many entries of a scope there are."""
        with self._locked():
            return len(self._keys(scope))

    def _new_lock(self) -> Any:
        return threading.RLock()  # a mapping may call back: getsizeof, __missing__

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self.lock
        if not lock.acquire(timeout=self.deadline):
            raise TimeoutError("the mapping was busy for longer than the deadline")
        try:
            yield
        finally:
            lock.release()

    def _keys(self, scope: Scope) -> list[Key]:
        keys = list(self.mapping)
        return [key for key in keys if isinstance(key, Key) and key.scope == scope]

    def get(self, key: Key) -> Entry | None:
        with self._locked():
            entry = self.mapping.get(key)
        return entry if isinstance(entry, Entry) else None

    def _put(self, key: Key, entry: Entry, keep_for: float) -> None:
        self.mapping[key] = entry

    def _drop(self, key: Key) -> Any:
        return self.mapping.pop(key, None)

    def _mark(self, key: Key) -> None:
        entry = self.mapping.get(key)
        if isinstance(entry, Entry):
            self.mapping[key] = Entry(entry.value, entry.dated, True, entry.spread)

    def _drop_scope(self, scope: Scope) -> Any:
        return [self.mapping.pop(key, None) for key in self._keys(scope)]

    def _in_scope(self, key: Key, scope: Scope) -> bool:
        return key.scope == scope

    def after_fork(self, consistent: bool) -> None:
        """As of every leased table; a mapping that was copied half-written starts empty."""
        super().after_fork(consistent)
        if not consistent:
            self.mapping.clear()
