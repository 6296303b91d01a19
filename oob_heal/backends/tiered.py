"""Memory in front of a backend that processes share.

Law: it stores nothing of its own and grants nothing: every verb is the shared backend's. What this
process writes its front knows when the verb returns, done or failed; what others write it hears as
news, where the shared backend tells any, and finds by itself within ``front_life``.
"""

from __future__ import annotations

import inspect
import time
import warnings
from typing import Any, Self

from oob_heal import _lifecycle
from oob_heal._durations import seconds
from oob_heal._model import Lease
from oob_heal.backends._near import Near
from oob_heal.ports import Clock

VERBS = ("get", "set", "delete", "mark_stale", "clear", "acquire", "commit", "release", "now")
FACTS = ("shared_leases", "store_clock", "deadline", "longest_keep", "prompt")
FIRST_CONTACT = ("meet", "known_now", "anow")


class TieredBackend:
    """``shared``, with up to ``maxsize`` of its entries in this process's memory.

    ``shared`` is a backend of bytes that answers sync, such as a RedisBackend; it stays the
    user's to close. A hit costs what it costs in memory. A write is known here at once, and
    elsewhere as soon as its news arrives; whatever is lost, no front serves what it has not held
    against ``shared`` for ``front_life`` seconds (by ``clock``, monotonic). While ``shared`` is
    away the front serves what it has, by its age; nothing heals. The values are shared objects,
    as in memory: see ``copy=``.

    >>> from oob_heal.testing import SharedStore
    >>> tier = TieredBackend(SharedStore().backend(), front_life=5, maxsize=50_000)
    """

    stores_bytes = True

    def __init__(
        self,
        shared: Any,
        *,
        front_life: float = 5.0,
        maxsize: int = 10_000,
        clock: Clock = time.monotonic,
    ) -> None:
        _check(shared)
        self.shared = shared
        self.maxsize = _whole("maxsize", maxsize)
        self.near = Near(seconds("front_life", front_life), self.maxsize, clock)
        self.now = shared.now
        self.get, self.acquire, self.release = shared.get, shared.acquire, shared.release
        for declared in (*FACTS, *FIRST_CONTACT):
            if hasattr(shared, declared):
                setattr(self, declared, getattr(shared, declared))
        news = getattr(shared, "news", None)
        self._news: Any = None if news is None else news(self.near.hear)
        half = getattr(shared, "aio", None)
        self.aio = None if half is None else AsyncTieredBackend(self, half)
        _lifecycle.drained_at_exit(self)

    def __repr__(self) -> str:
        return f"<TieredBackend {len(self.near)}/{self.maxsize} of {self.shared!r}>"

    def follow(self, scope: str) -> None:
        """Hear what is done to a scope, from about now on; no I/O."""
        if self._news is not None:
            self._news.follow(scope)

    def set(self, key: str, entry: bytes, keep_for: float) -> None:
        """Store a sealed entry."""
        try:
            self.shared.set(key, entry, keep_for)
        finally:
            self.near.hear("set", key)

    def delete(self, key: str) -> None:
        """Make the key absent."""
        try:
            self.shared.delete(key)
        finally:
            self.near.hear("delete", key)

    def mark_stale(self, key: str) -> None:
        """Set the entry's stale mark."""
        try:
            self.shared.mark_stale(key)
        finally:
            self.near.hear("mark_stale", key)

    def clear(self, scope: str) -> None:
        """Make every key of the scope absent."""
        try:
            self.shared.clear(scope)
        finally:
            self.near.hear("clear", scope)

    def commit(self, lease: Lease, entry: bytes | None, keep_for: float) -> bool:
        """Store the entry and end the lease, if it still holds; see ``ports.Backend``."""
        try:
            return bool(self.shared.commit(lease, entry, keep_for))
        finally:
            self.near.hear("delete" if entry is None else "commit", lease.key)

    def close(self, grace: float | None = None) -> None:
        """Listen no more, ``grace`` seconds for the thread that does. The shared backend is the
        user's."""
        if self._news is not None:
            self._news.close(grace)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        news = getattr(self, "_news", None)
        if news is not None and news.started and not news.closed:
            news.close()
            text = "a TieredBackend was dropped open; close it"
            warnings.warn(text, ResourceWarning, source=self)


class AsyncTieredBackend:
    """The async half: the same verbs as coroutines.

    >>> from oob_heal.testing import SharedStore
    >>> type(TieredBackend(SharedStore().backend()).aio).__name__
    'AsyncTieredBackend'
    """

    stores_bytes = True

    def __init__(self, tier: TieredBackend, half: Any) -> None:
        self._near = tier.near
        self._half = half
        self.now = tier.now
        self.get, self.acquire, self.release = half.get, half.acquire, half.release
        for declared in FIRST_CONTACT:
            if hasattr(half, declared):
                setattr(self, declared, getattr(half, declared))

    def __repr__(self) -> str:
        return "<AsyncTieredBackend>"

    async def set(self, key: str, entry: bytes, keep_for: float) -> None:
        """Store a sealed entry."""
        try:
            await self._half.set(key, entry, keep_for)
        finally:
            self._near.hear("set", key)

    async def delete(self, key: str) -> None:
        """Make the key absent."""
        try:
            await self._half.delete(key)
        finally:
            self._near.hear("delete", key)

    async def mark_stale(self, key: str) -> None:
        """Set the entry's stale mark."""
        try:
            await self._half.mark_stale(key)
        finally:
            self._near.hear("mark_stale", key)

    async def clear(self, scope: str) -> None:
        """Make every key of the scope absent."""
        try:
            await self._half.clear(scope)
        finally:
            self._near.hear("clear", scope)

    async def commit(self, lease: Lease, entry: bytes | None, keep_for: float) -> bool:
        """Store the entry and end the lease, if it still holds; see ``ports.Backend``."""
        try:
            return bool(await self._half.commit(lease, entry, keep_for))
        finally:
            self._near.hear("delete" if entry is None else "commit", lease.key)


def _check(shared: Any) -> None:
    if isinstance(shared, type):
        raise TypeError(f"shared is the class {shared.__name__}; give one that is made")
    kind = type(shared).__name__
    if not all(hasattr(shared, verb) for verb in VERBS):
        raise TypeError(f"shared must be a backend (with {', '.join(VERBS)}), not {kind}")
    if inspect.iscoroutinefunction(shared.get):
        raise TypeError(f"shared must answer sync, which {kind} does not")
    if not getattr(shared, "stores_bytes", False) or hasattr(shared, "near"):
        raise TypeError(
            f"shared must be a backend of bytes, such as a RedisBackend, not {kind}: what is in "
            f"this process already gains nothing from a front"
        )


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}= must be a whole number, not {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{name}= must be at least 1, not {value}")
    return value
