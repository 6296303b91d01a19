"""The verbs of a backend that keeps its leases in this process: written once.

Law: each verb is one step under one lock, which a subclass's five small acts are called in. The
acts store and remove; leases are ``_leases``'s. Nothing is decided here. What an act lets go of
it returns, to die when the lock is free: the end of a value may be the user's code.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from typing import Any

from oob_heal import _lifecycle
from oob_heal._model import Lease, Refused
from oob_heal.backends._leases import LeaseTable
from oob_heal.ports import Clock


class LeasedBackend:
    """Derive, and write ``get``, ``_put``, ``_drop``, ``_mark``, ``_drop_scope``, ``_in_scope``."""

    def __init__(self, clock: Clock, leases: int = 10_000) -> None:
        self.now = clock
        self._leases = LeaseTable(clock, leases)
        self.lock: Any = self._new_lock()
        _lifecycle.survives_fork(self)

    def _new_lock(self) -> Any:
        return threading.Lock()

    def _locked(self) -> AbstractContextManager[Any]:
        lock: AbstractContextManager[Any] = self.lock
        return lock

    def _put(self, key: Any, entry: Any, keep_for: float) -> Any:
        raise NotImplementedError

    def _drop(self, key: Any) -> Any:
        raise NotImplementedError

    def _mark(self, key: Any) -> None:
        raise NotImplementedError

    def _drop_scope(self, scope: Any) -> Any:
        raise NotImplementedError

    def _in_scope(self, key: Any, scope: Any) -> bool:
        raise NotImplementedError

    def set(self, key: Any, entry: Any, keep_for: float) -> None:
        with self._locked():
            self._leases.void(key, reset=True)
            _let_go = self._put(key, entry, keep_for)

    def delete(self, key: Any) -> None:
        with self._locked():
            self._leases.void(key)
            _let_go = self._drop(key)

    def mark_stale(self, key: Any) -> None:
        with self._locked():
            self._leases.void(key)
            self._mark(key)

    def clear(self, scope: Any) -> None:
        with self._locked():
            self._leases.void_all(lambda key: self._in_scope(key, scope))
            _let_go = self._drop_scope(scope)

    def acquire(
        self, key: Any, lease_for: float, *, adopt: str | None = None, force: bool = False
    ) -> Lease | Refused:
        with self._locked():
            return self._leases.acquire(key, lease_for, adopt, force)

    def commit(self, lease: Lease, entry: Any, keep_for: float) -> bool:
        with self._locked():
            if not self._leases.holds(lease):
                return self._leases.committed(lease)
            if entry is None:
                _let_go = self._drop(lease.key)
                self._leases.commit(lease, self.now() + keep_for)
            else:
                _let_go = self._put(lease.key, entry, keep_for)
                self._leases.commit(lease)
            return True

    def release(self, lease: Lease, retry_after: float = 0) -> None:
        with self._locked():
            self._leases.release(lease, retry_after)

    def after_fork(self, consistent: bool) -> None:
        """In the child: entries stay, leases of the parent's threads do not."""
        self.lock = self._new_lock()
        self._leases.reset()
