"""The base of backends over a store of bytes that only loads, stores and removes.

Law: the store has values under short ASCII keys and nothing more; leases are kept in this
process, so nothing here is safe between processes but single reads and writes. What is sealed
in the bytes is the core's business.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from typing import Any

from oob_heal.backends._leased import LeasedBackend
from oob_heal.ports import STALE_MARK_AT, Clock

LONGEST_KEEP = 30 * 86_400.0  # s: what a shared store keeps, unless given
EPOCH = re.compile(rb"[0-9a-f]{8}")


class ByteStoreBackend(LeasedBackend):
    """Derive, and write three methods; the rest is here.

    ``load(key)`` returns bytes or None, ``store(key, data, keep_for)`` keeps bytes for at most
    ``keep_for`` seconds, ``remove(key)`` forgets them. Keys are ASCII of at most 200 characters.
    Give a ``clock`` that other processes agree with if they share the store (``time.time`` on
    one machine). Clearing a scope starts a new epoch, kept in the store itself: this process
    sees it at once, another one when it next starts. A store that evicts may forget the epoch:
    what was cleared and is still there then comes back, to whoever starts after that.

    >>> class InADict(ByteStoreBackend):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.data = {}
    ...
    ...     def load(self, key):
    ...         return self.data.get(key)
    ...
    ...     def store(self, key, data, keep_for):
    ...         self.data[key] = data
    ...
    ...     def remove(self, key):
    ...         self.data.pop(key, None)
    """

    stores_bytes = True
    longest_keep = LONGEST_KEEP

    def __init__(self, *, clock: Clock = time.time) -> None:
        super().__init__(clock)
        self._epochs: dict[str, str] = {}

    def load(self, key: str) -> bytes | None:
        """The bytes under a key, or None."""
        raise NotImplementedError

    def store(self, key: str, data: bytes, keep_for: float) -> None:
        """Keep bytes under a key for at most ``keep_for`` seconds."""
        raise NotImplementedError

    def remove(self, key: str) -> None:
        """Forget what is under a key, if anything is."""
        raise NotImplementedError

    def _place(self, key: str) -> str:
        """Where a key stands: under its scope's epoch, once the scope was ever cleared."""
        scope = _scope_of(key)
        epoch = self._epochs.get(scope)
        if epoch is None:
            epoch = self._epochs[scope] = _epoch_in(self.load(f"oob1.{scope}.epoch"))
        return f"{key}.{epoch}" if epoch else key

    def get(self, key: str) -> bytes | None:
        """The bytes of a key, in its scope's epoch."""
        return self.load(self._place(key))

    def _put(self, key: str, entry: bytes, keep_for: float) -> None:
        self.store(self._place(key), entry, keep_for)

    def _drop(self, key: str) -> None:
        self.remove(self._place(key))

    def _mark(self, key: str) -> None:
        data = self.load(self._place(key))
        if data is not None:
            marked = data[:STALE_MARK_AT] + b"\1" + data[STALE_MARK_AT + 1 :]
            self.store(self._place(key), marked, self.longest_keep)

    def _drop_scope(self, scope: str) -> None:
        epoch = os.urandom(4).hex()
        self.store(f"oob1.{scope}.epoch", epoch.encode("ascii"), self.longest_keep)
        self._epochs[scope] = epoch

    def _in_scope(self, key: str, scope: str) -> bool:
        return _scope_of(key) == scope

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def _epoch_in(told: Any) -> str:
    """The epoch that a store tells. One that is damaged begins another, the same for everybody."""
    if told is None:
        return ""
    if isinstance(told, bytes) and EPOCH.fullmatch(told):
        return told.decode("ascii")
    data = told if isinstance(told, bytes) else type(told).__name__.encode()
    return hashlib.blake2b(data, digest_size=4).hexdigest()


def _scope_of(key: str) -> str:
    """The scope in a key's text: ``oob1.SCOPE.DIGEST``."""
    return key.split(".")[1]
