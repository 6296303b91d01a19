"""The conversations behind the verbs, written once for both colours.

Law: sans I/O: each verb is a generator that yields what it needs (see ``Talk``) and is told what
came. Here the words of ports become those of scripts, and replies become words of ports.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from oob_heal._durations import LONGEST_HELD
from oob_heal._model import Lease, Refused, Why
from oob_heal.backends import _redis_lua as lua
from oob_heal.backends._redis_keeper import Keeper
from oob_heal.backends._redis_known import Epoch, epoch_key, epochs_in
from oob_heal.backends._redis_pool import Pool
from oob_heal.backends._redis_script import Script
from oob_heal.backends._redis_talk import Owed, Talk
from oob_heal.backends._redis_wire import AwayError, ErrorReply, NoAnswerError
from oob_heal.ports import STALE_MARK_AT

SHORTEST_KEEP = 0.001  # s: the store counts in ms
TRIES = 4  # of a verb whose process lives in an older epoch


class Verbs:
    """The verbs of one backend."""

    def __init__(self, keeper: Keeper, longest_keep: float) -> None:
        self.keeper = keeper
        self.longest_keep = longest_keep

    def _kept(self, seconds: float) -> float:
        return _within(seconds, self.longest_keep)

    def set(self, key: str, entry: bytes, keep_for: float) -> Talk:
        return self._talk(lua.SET, key, self._kept(keep_for), entry)

    def delete(self, key: str) -> Talk:
        return self._talk(lua.DELETE, key)

    def mark_stale(self, key: str) -> Talk:
        return self._talk(lua.MARK_STALE, key, STALE_MARK_AT)

    def clear(self, scope: str) -> Talk:
        known = yield scope
        keys = (epoch_key(scope),)
        pool = self.keeper.place(keys[0])
        reply = yield from self._call(
            pool, lua.CLEAR, keys, (known.number, self.keeper.keep_epochs)
        )
        number, *ended = epochs_in(reply[2])
        self.keeper.heard_epoch(scope, number, ended)

    def acquire(
        self, key: str, token: str, lease_for: float, adopt: str | None, force: bool
    ) -> Talk:
        words = (token, _within(lease_for, LONGEST_HELD), adopt or "", int(force))
        reply = yield from self._talk(lua.ACQUIRE, key, *words)
        if reply[0] != b"granted":
            return Refused(Why(reply[0].decode("ascii")), float(reply[2]))
        previous_at = float(reply[6]) if reply[6] else None
        return Lease(key, token, float(reply[3]), float(reply[4]), int(reply[5]), previous_at)

    def commit(self, lease: Lease, entry: bytes | None, keep_for: float) -> Talk:
        words: tuple[Any, ...] = (lease.token, self._kept(keep_for), entry)
        if entry is None:  # for 0 s: the next lease is granted at once
            words = (lease.token, _held_back(keep_for))
        reply = yield from self._talk(lua.COMMIT, lease.key, *words)
        return reply[0] == b"done"

    def release(self, key: str, token: str, retry_after: float) -> Talk:
        return self._talk(lua.RELEASE, key, token, _held_back(retry_after))

    @contextmanager
    def giving_back(
        self,
        key: str,
        token: str,
        until: float,
        retry_after: float = 0.0,
        *,
        granting: bool = False,
    ) -> Iterator[None]:
        """Whatever fails inside, the lease is given back when the server is there again.

        ``granting``: it is just being asked for, and may have been granted without our knowing.
        """
        try:
            yield
        except BaseException as error:
            unasked = isinstance(error, AwayError) and not isinstance(error, NoAnswerError)
            if not (granting and unasked):
                retry_at = time.monotonic() + retry_after

                def talk() -> Talk:
                    left = max(SHORTEST_KEEP, retry_at - time.monotonic())
                    return self.release(key, token, left if retry_after > 0 else 0.0)

                self.keeper.owing.add(Owed(key.encode("ascii"), until, talk))
            raise

    def _talk(self, script: Script, key: str, *words: Any) -> Talk:
        """One verb on one key, in the epoch that its scope is in."""
        scope, tag = scope_of(key), key.encode("ascii")
        for _ in range(TRIES):
            epoch = yield scope
            keys = self._keys(scope, tag, epoch)
            pool = self.keeper.place(tag)
            reply = yield from self._call(pool, script, keys, (epoch.number, *words))
            if reply[0] != b"epoch":
                return reply
            number, *ended = epochs_in(reply[2])
            self.keeper.heard_epoch(scope, number, ended)
        raise AwayError("redis: the scope is being cleared over and over")

    def _keys(self, scope: str, tag: bytes, epoch: Epoch) -> tuple[bytes, ...]:
        """The keys that a script is given, of one slot in a cluster."""
        lease = b"{%s}:l" % tag
        keys: tuple[bytes, ...] = (_entry_key(tag, epoch.number), lease)
        offset = self.keeper.offset
        old = epoch.ended_lately(time.monotonic() + offset) if offset is not None else epoch.ended
        if self.keeper.slots is None:
            keys += (epoch_key(scope),)
        elif old:
            keys += (lease,)  # no epoch stands there
        return keys + tuple(_entry_key(tag, number) for number in old)

    def _call(
        self, pool: Pool, script: Script, keys: tuple[bytes, ...], words: tuple[Any, ...]
    ) -> Talk:
        sent = time.monotonic()
        reply = yield pool, script.called(keys, words)
        if isinstance(reply, ErrorReply) and reply.code == "NOSCRIPT":
            reply = yield pool, script.in_full(keys, words)
        if isinstance(reply, ErrorReply):
            raise _refused(pool, reply)
        self.keeper.heard_time(sent, float(reply[1]), time.monotonic())
        return reply


def _within(seconds: float, most: float) -> float:
    return float(max(SHORTEST_KEEP, min(seconds, most)))


def _held_back(seconds: float) -> float:
    return float(max(0.0, min(seconds, LONGEST_HELD)))


def scope_of(key: str) -> str:
    """The scope in a key's text: ``oob1.SCOPE.DIGEST``."""
    return key.split(".", 2)[1]


def _entry_key(tag: bytes, epoch: int) -> bytes:
    return b"{%s}.%d" % (tag, epoch)


def get_command(tag: bytes, epoch: Epoch) -> bytes:
    key = _entry_key(tag, epoch.number)
    return b"*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n" % (len(key), key)


def read(pool: Pool, reply: Any) -> bytes | None:
    if not isinstance(reply, ErrorReply):
        found: bytes | None = reply
        return found
    if reply.code == "WRONGTYPE":
        return None  # somebody else's: no entry of ours, and the next heal writes over it
    raise _refused(pool, reply)


def _refused(pool: Pool, reply: ErrorReply) -> AwayError:
    if reply.code in ("MOVED", "ASK", "READONLY"):
        pool.has_moved()
    return AwayError(f"redis refused: {reply.code}")
