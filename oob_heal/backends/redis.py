"""Redis and Valkey: where processes meet. One object for both colours.

Law: a read is one GET and nothing else on the wire; every other verb is one script of
``_redis_lua``. The deadline bounds a whole call, whatever it waits for. Whoever calls only takes
connections that are ready; ``_redis_keeper`` makes them, out of band, and keeps clock and epochs.
How the parts lie upon each other: wire < waiting, script, link < lua, pool, source < known < talk
< rounds < keeper < verbs < aio < this.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any, Self

from oob_heal import _lifecycle
from oob_heal._durations import seconds
from oob_heal._model import Lease, Refused
from oob_heal._tokens import new_token
from oob_heal.backends._redis_aio import AsyncRedisBackend
from oob_heal.backends._redis_keeper import Keeper
from oob_heal.backends._redis_news import News
from oob_heal.backends._redis_source import Source
from oob_heal.backends._redis_talk import Talk
from oob_heal.backends._redis_verbs import Verbs, get_command, read, scope_of

LONGEST_KEEP = 30 * 86_400.0  # s, unless given
KEEP_EPOCHS = 86_400.0  # s at least: far more than the hour after which their expiry is put off
MOST_KEEP = 100 * 366 * 86_400.0  # s: a hundred years, which the server can count in ms
LONGEST_DEADLINE = 86_400.0  # s: more than a month is more than a socket can count


class RedisBackend:
    """Entries and leases in a Redis (6.2 or newer) or Valkey that processes share.

    Give a URL, or ``client=`` (a ``redis.Redis``, whose address and sign-in are used, never its
    connections), or ``make_client=``, called once, out of band, for what Sentinel's
    ``master_for`` or ``RedisCluster`` returns. ``deadline``: seconds within which every verb
    answers or raises; ``longest_keep``: seconds for which an entry is kept at most;
    ``max_connections``: to each server.

    Nothing connects before the first use, which waits for that within the deadline. While the
    server is away every verb raises ``ConnectionError`` at once (a commit, whose heal is done,
    waits out its deadline for it), and it is found again within 2 s.

    >>> with RedisBackend("redis://127.0.0.1:6379/0", deadline=0.1) as backend:
    ...     backend.deadline
    0.1
    """

    stores_bytes = True
    shared_leases = True
    store_clock = True
    closes_last = True  # at exit: heals that are drained then still commit

    def __init__(
        self,
        url: str | None = None,
        *,
        client: Any = None,
        make_client: Callable[[], Any] | None = None,
        deadline: float = 0.05,
        longest_keep: float = LONGEST_KEEP,
        max_connections: int = 32,
    ) -> None:
        self.deadline = min(seconds("deadline", deadline), LONGEST_DEADLINE)
        self.longest_keep = seconds("longest_keep", longest_keep)
        if self.longest_keep > MOST_KEEP:
            raise ValueError("longest_keep= must be at most a hundred years, in seconds")
        if isinstance(max_connections, bool) or not isinstance(max_connections, int):
            raise TypeError("max_connections= must be a whole number")
        if max_connections < 1:
            raise ValueError(f"max_connections= must be at least 1, not {max_connections}")
        source = Source(url, client, make_client)
        keep_epochs = max(2 * self.longest_keep, KEEP_EPOCHS)
        self._keeper = Keeper(source, self.deadline, max_connections, keep_epochs)
        self._verbs = Verbs(self._keeper, self.longest_keep)
        self.aio = AsyncRedisBackend(self._verbs, self.deadline)
        _lifecycle.drained_at_exit(self)

    def __repr__(self) -> str:
        return "<RedisBackend>"

    def now(self) -> float:
        """Seconds by the server's clock, without asking it. Before the first contact it waits
        for that, within the deadline."""
        offset = self._keeper.offset
        if offset is not None:
            return time.monotonic() + offset
        return self._keeper.first_time(self._until())

    def known_now(self) -> float | None:
        """As ``now``; None before the first contact."""
        return self._keeper.clock()

    def _until(self) -> float:
        return time.monotonic() + self.deadline

    def get(self, key: str) -> bytes | None:
        """The sealed entry, or None."""
        until = time.monotonic() + self.deadline
        keeper = self._keeper
        scope = scope_of(key)
        epoch = keeper.known(scope) or keeper.learned(scope, until)
        tag = key.encode("ascii")
        pool = keeper.place(tag)
        return read(pool, pool.exchange(get_command(tag, epoch), until))

    def set(self, key: str, entry: bytes, keep_for: float) -> None:
        """Store a sealed entry."""
        self._do(self._verbs.set(key, entry, keep_for))

    def delete(self, key: str) -> None:
        """Make the key absent."""
        self._do(self._verbs.delete(key))

    def mark_stale(self, key: str) -> None:
        """Set the entry's stale mark, in place."""
        self._do(self._verbs.mark_stale(key))

    def clear(self, scope: str) -> None:
        """Start the scope's next epoch: this process sees it at once, another's reads within a
        second, another's writes at once (in a cluster: within a second)."""
        self._do(self._verbs.clear(scope))

    def acquire(
        self, key: str, lease_for: float, *, adopt: str | None = None, force: bool = False
    ) -> Lease | Refused:
        """Grant the lease of a free key; see ``ports.Backend``."""
        token, lapses = new_token(adopt), time.monotonic() + lease_for
        with self._verbs.giving_back(key, token, lapses, granting=True):
            talk = self._verbs.acquire(key, token, lease_for, adopt, force)
            granted: Lease | Refused = self._do(talk)
        return granted

    def commit(self, lease: Lease, entry: bytes | None, keep_for: float) -> bool:
        """Store the entry and end the lease, if it still holds; see ``ports.Backend``."""
        return bool(self._do(self._verbs.commit(lease, entry, keep_for), patient=True))

    def release(self, lease: Lease, retry_after: float = 0) -> None:
        """Give the lease back; see ``ports.Backend``."""
        lapses = time.monotonic() + max(lease.until - self.now(), retry_after)
        with self._verbs.giving_back(lease.key, lease.token, lapses, retry_after):
            self._do(self._verbs.release(lease.key, lease.token, retry_after))

    def _do(self, talk: Talk, *, patient: bool = False) -> Any:
        until = self._until()
        told: Any = None
        while True:
            try:
                step = talk.send(told)
            except StopIteration as stop:
                return stop.value
            if isinstance(step, str):
                told = self._keeper.learned(step, until, patient=patient)
            else:
                pool, command = step
                told = pool.exchange(command, until)

    def meet(self, scope: str) -> None:
        """Wait for a first contact with the server, for a second at most; raises nothing."""
        self._keeper.meet(scope)

    def news(self, hear: Callable[..., None]) -> News:
        """What has ``hear`` called for every write of any process, out of band; see ``ports``."""
        return News(self._keeper, hear)

    def close(self, grace: float | None = None) -> None:
        """Close every connection, and end the thread that kept them; it raises from now on."""
        self._keeper.close(grace)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        keeper = getattr(self, "_keeper", None)
        if keeper is not None and keeper.started and not keeper.closed:
            keeper.close(0)
            warnings.warn("a RedisBackend was dropped open; close it", ResourceWarning, source=self)


__all__ = ["AsyncRedisBackend", "RedisBackend"]
