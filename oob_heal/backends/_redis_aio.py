"""The async half of a RedisBackend.

Law: the same conversations as in ``redis``, awaited; nothing is decided here. No method blocks the
loop that awaits it, and none belongs to one loop: what waits is woken in its own.
"""

from __future__ import annotations

import time
from typing import Any

from oob_heal._model import Lease, Refused
from oob_heal._tokens import new_token
from oob_heal.backends._redis_talk import Talk
from oob_heal.backends._redis_verbs import Verbs, get_command, read, scope_of

ASYNC_SHARE = 0.95  # of the deadline, so that our own end comes before that of whoever awaits us


class AsyncRedisBackend:
    """The async half of a RedisBackend: the same verbs as coroutines, in any event loop.

    >>> from oob_heal.backends.redis import RedisBackend
    >>> with RedisBackend("redis://127.0.0.1:6379/0") as backend:
    ...     type(backend.aio).__name__
    'AsyncRedisBackend'
    """

    stores_bytes = True
    shared_leases = True
    store_clock = True

    def __init__(self, verbs: Verbs, deadline: float) -> None:
        self._verbs = verbs
        self._keeper = verbs.keeper
        self.deadline = deadline
        self.longest_keep = verbs.longest_keep

    def __repr__(self) -> str:
        return "<AsyncRedisBackend>"

    def now(self) -> float:
        """As of the sync half."""
        offset = self._keeper.offset
        if offset is not None:
            return time.monotonic() + offset
        return self._keeper.first_time(time.monotonic() + self.deadline)

    async def anow(self) -> float:
        """As ``now``, awaited before the first contact."""
        offset = self._keeper.offset
        if offset is not None:
            return time.monotonic() + offset
        return await self._keeper.afirst_time(time.monotonic() + self.deadline * ASYNC_SHARE)

    async def get(self, key: str) -> bytes | None:
        """The sealed entry, or None."""
        until = time.monotonic() + self.deadline * ASYNC_SHARE
        keeper = self._keeper
        scope = scope_of(key)
        epoch = keeper.known(scope) or await keeper.alearned(scope, until)
        tag = key.encode("ascii")
        pool = keeper.place(tag)
        return read(pool, await pool.aexchange(get_command(tag, epoch), until))

    async def set(self, key: str, entry: bytes, keep_for: float) -> None:
        """Store a sealed entry."""
        await self._do(self._verbs.set(key, entry, keep_for))

    async def delete(self, key: str) -> None:
        """Make the key absent."""
        await self._do(self._verbs.delete(key))

    async def mark_stale(self, key: str) -> None:
        """Set the entry's stale mark, in place."""
        await self._do(self._verbs.mark_stale(key))

    async def clear(self, scope: str) -> None:
        """Start the scope's next epoch."""
        await self._do(self._verbs.clear(scope))

    async def acquire(
        self, key: str, lease_for: float, *, adopt: str | None = None, force: bool = False
    ) -> Lease | Refused:
        """Grant the lease of a free key; see ``ports.Backend``."""
        token, lapses = new_token(adopt), time.monotonic() + lease_for
        with self._verbs.giving_back(key, token, lapses, granting=True):
            talk = self._verbs.acquire(key, token, lease_for, adopt, force)
            granted: Lease | Refused = await self._do(talk)
        return granted

    async def commit(self, lease: Lease, entry: bytes | None, keep_for: float) -> bool:
        """Store the entry and end the lease, if it still holds; see ``ports.Backend``."""
        return bool(await self._do(self._verbs.commit(lease, entry, keep_for), patient=True))

    async def release(self, lease: Lease, retry_after: float = 0) -> None:
        """Give the lease back; see ``ports.Backend``."""
        lapses = time.monotonic() + max(lease.until - self.now(), retry_after)
        with self._verbs.giving_back(lease.key, lease.token, lapses, retry_after):
            await self._do(self._verbs.release(lease.key, lease.token, retry_after))

    async def meet(self, scope: str) -> None:
        """As of the sync half."""
        await self._keeper.ameet(scope)

    async def _do(self, talk: Talk, *, patient: bool = False) -> Any:
        until = time.monotonic() + self.deadline * ASYNC_SHARE
        told: Any = None
        while True:
            try:
                step = talk.send(told)
            except StopIteration as stop:
                return stop.value
            if isinstance(step, str):
                told = await self._keeper.alearned(step, until, patient=patient)
            else:
                pool, command = step
                told = await pool.aexchange(command, until)
