"""Entries in a file of SQLite: stored, read, and thrown out by a bounded part of each write.

Law: called with a connection, inside a transaction where it writes; time is an argument. A scope is
cleared by counting up its epoch; what is left of older ones leaves as others are written.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from oob_heal.ports import STALE_MARK_AT

OVERHEAD = 200  # bytes that an entry takes beside its data, about
SWEPT = 8  # entries past their time that one write throws out, and as many cleared ones
EVICTED = 256  # entries that one write throws out at most to make room

READ = """
SELECT data, marked FROM entries WHERE key = ? AND until > ?
AND epoch = ifnull((SELECT epoch FROM scopes WHERE scope = ?), 0)
"""
EPOCH = "SELECT ifnull((SELECT epoch FROM scopes WHERE scope = ?), 0)"
STORE = "INSERT INTO entries (key, scope, epoch, until, marked, size, data) VALUES (?,?,?,?,0,?,?)"
CLEAR = """
INSERT INTO scopes VALUES (?, 1) ON CONFLICT (scope) DO UPDATE SET epoch = epoch + 1
"""
SWEEP = "DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries WHERE {} LIMIT ?)"
SWEEP_EXPIRED = SWEEP.format("until <= ?")
SWEEP_CLEARED = SWEEP.format("scope = ? AND epoch < ?")


class Entries:
    """At most ``maxsize`` of them, in ``max_bytes`` bytes."""

    def __init__(self, maxsize: int, max_bytes: int) -> None:
        self.maxsize = maxsize
        self.max_bytes = max_bytes

    @staticmethod
    def get(link: sqlite3.Connection, key: str, now: float) -> Any:
        """The sealed bytes; of a file that somebody else wrote to, anything."""
        found = link.execute(READ, (key, now, scope_of(key))).fetchall()
        if not found:
            return None
        data, marked = found[0]
        if marked and isinstance(data, bytes):
            return data[:STALE_MARK_AT] + b"\1" + data[STALE_MARK_AT + 1 :]
        return data

    def put(
        self, link: sqlite3.Connection, key: str, entry: bytes, until: float, now: float
    ) -> None:
        size, scope = len(entry) + OVERHEAD, scope_of(key)
        if size > self.max_bytes:
            raise ValueError("the entry is larger than max_bytes= of its SqliteBackend")
        ((epoch,),) = link.execute(EPOCH, (scope,)).fetchall()
        self.drop(link, key)
        link.execute(STORE, (key, scope, epoch, until, size, entry))
        link.execute(SWEEP_EXPIRED, (now, SWEPT))
        link.execute(SWEEP_CLEARED, (scope, epoch, SWEPT))
        self._evict(link)

    @staticmethod
    def drop(link: sqlite3.Connection, key: str) -> None:
        link.execute("DELETE FROM entries WHERE key = ?", (key,))

    @staticmethod
    def mark(link: sqlite3.Connection, key: str) -> None:
        link.execute("UPDATE entries SET marked = 1 WHERE key = ?", (key,))

    @staticmethod
    def clear(link: sqlite3.Connection, scope: str) -> None:
        link.execute(CLEAR, (scope,))

    def _evict(self, link: sqlite3.Connection) -> None:
        """Throw out those written longest ago, never the one just written."""
        ((count, size),) = link.execute("SELECT entries, bytes FROM totals").fetchall()
        if count <= self.maxsize and size <= self.max_bytes:
            return
        oldest = "SELECT rowid, size FROM entries ORDER BY rowid LIMIT ?"
        for row, its_size in link.execute(oldest, (min(EVICTED, count - 1),)).fetchall():
            if count <= self.maxsize and size <= self.max_bytes:
                return
            link.execute("DELETE FROM entries WHERE rowid = ?", (row,))
            count, size = count - 1, size - its_size


def scope_of(key: str) -> str:
    """The scope in a key's text: ``oob1.SCOPE.DIGEST``."""
    return key.split(".", 2)[1]
