"""Backends under a test's control: one that fails on demand, one that "processes" share."""

from __future__ import annotations

from collections import Counter
from typing import Any

import anyio.lowlevel

from oob_heal._model import Lease, Refused
from oob_heal.backends._leased import LeasedBackend
from oob_heal.backends.bytestore import LONGEST_KEEP
from oob_heal.ports import STALE_MARK_AT
from oob_heal.testing._clock import ManualClock

VERBS = frozenset({"get", "set", "delete", "mark_stale", "clear", "acquire", "commit", "release"})


class FlakyBackend:
    """Any sync backend, which fails on demand and counts what it is asked.

    >>> from oob_heal.backends.memory import MemoryBackend
    >>> backend = FlakyBackend(MemoryBackend())
    >>> backend.fail("get")
    >>> backend.get("key")
    Traceback (most recent call last):
    ConnectionError: the backend is away
    """

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self.asked: Counter[str] = Counter()
        self._failing: dict[str, BaseException] = {}

    def fail(self, *verbs: str, error: BaseException | None = None) -> None:
        """From now on these verbs (all, if none is named) raise."""
        for verb in verbs or VERBS:
            self._failing[verb] = error or ConnectionError("the backend is away")

    def recover(self) -> None:
        """From now on nothing fails."""
        self._failing.clear()

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.backend, name)
        if name not in VERBS:
            return attribute

        def verb(*args: Any, **kwargs: Any) -> Any:
            self._ask(name)
            return attribute(*args, **kwargs)

        return verb

    def _ask(self, verb: str) -> None:
        self.asked[verb] += 1
        if verb in self._failing:
            raise self._failing[verb]

    @property
    def aio(self) -> Any:
        """The async half, which fails with it; None if the backend has none."""
        half = getattr(self.backend, "aio", None)
        return None if half is None else _FlakyHalf(half, self)


class _FlakyHalf:
    """The async half of a ``FlakyBackend``."""

    def __init__(self, half: Any, flaky: FlakyBackend) -> None:
        self._half = half
        self._flaky = flaky

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._half, name)
        if name not in VERBS:
            return attribute

        async def verb(*args: Any, **kwargs: Any) -> Any:
            self._flaky._ask(name)
            return await attribute(*args, **kwargs)

        return verb


class SharedStore(LeasedBackend):
    """A store of bytes with a clock of its own; ``backend()`` is one process's way to it.

    ``down = True`` takes it away: every verb raises ConnectionError until it is False again.

    >>> store = SharedStore()
    >>> here, there = store.backend(), store.backend()
    """

    def __init__(self, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock(1_000_000.0)
        super().__init__(self.clock)
        self.down = False
        self.data: dict[str, tuple[bytes, float]] = {}

    def backend(self) -> SharedBackend:
        """A backend of this store, as one process has it."""
        return SharedBackend(self)

    def get(self, key: str) -> bytes | None:
        """The bytes under a key, unless they are past what they were kept for."""
        data, until = self.data.get(key, (None, 0.0))
        return data if self.clock() < until else None

    def live_leases(self) -> int:
        """How many leases hold."""
        with self.lock:
            return len(self._leases)

    def _put(self, key: str, entry: bytes, keep_for: float) -> None:
        self.data[key] = (entry, self.clock() + keep_for)

    def _drop(self, key: str) -> None:
        self.data.pop(key, None)

    def _mark(self, key: str) -> None:
        data, until = self.data.get(key, (None, 0.0))
        if data is not None:
            marked = data[:STALE_MARK_AT] + b"\1" + data[STALE_MARK_AT + 1 :]
            self.data[key] = (marked, until)

    def _drop_scope(self, scope: str) -> None:
        for key in [key for key in self.data if self._in_scope(key, scope)]:
            del self.data[key]

    def _in_scope(self, key: str, scope: str) -> bool:
        return key.split(".")[1] == scope


class SharedBackend:
    """One process's way to a ``SharedStore``, in both colours: ``aio`` is the async half.

    >>> store = SharedStore()
    >>> here, there = store.backend(), store.backend()
    >>> lease = here.acquire("oob1.scope.key", lease_for=31)
    >>> there.acquire("oob1.scope.key", lease_for=31).why.value
    'held'
    """

    stores_bytes = True
    shared_leases = True
    store_clock = True
    deadline = 1.0  # s: the machine that runs the tests may be busy
    longest_keep = LONGEST_KEEP

    def __init__(self, store: SharedStore) -> None:
        self.store = store
        self.now = store.clock
        self.aio = AsyncSharedBackend(self)

    def _reach(self) -> SharedStore:
        if self.store.down:
            raise ConnectionError("the store is down")
        return self.store

    def get(self, key: str) -> bytes | None:
        return self._reach().get(key)

    def set(self, key: str, entry: bytes, keep_for: float) -> None:
        self._reach().set(key, entry, keep_for)

    def delete(self, key: str) -> None:
        self._reach().delete(key)

    def mark_stale(self, key: str) -> None:
        self._reach().mark_stale(key)

    def clear(self, scope: str) -> None:
        self._reach().clear(scope)

    def acquire(
        self, key: str, lease_for: float, *, adopt: str | None = None, force: bool = False
    ) -> Lease | Refused:
        return self._reach().acquire(key, lease_for, adopt=adopt, force=force)

    def commit(self, lease: Lease, entry: bytes | None, keep_for: float) -> bool:
        return self._reach().commit(lease, entry, keep_for)

    def release(self, lease: Lease, retry_after: float = 0) -> None:
        self._reach().release(lease, retry_after)


class AsyncSharedBackend:
    """The async half: the same verbs as coroutines, each with a pause at which it may be cut."""

    def __init__(self, backend: SharedBackend) -> None:
        self._backend = backend
        self.now = backend.now

    def __getattr__(self, name: str) -> Any:
        if name not in VERBS:
            return getattr(type(self._backend), name)

        async def verb(*args: Any, **kwargs: Any) -> Any:
            await anyio.lowlevel.checkpoint()
            return getattr(self._backend, name)(*args, **kwargs)

        return verb
