"""Lease rules in a file of SQLite: what ``_leases`` does, over one row for each key.

Law: called inside one writing transaction; time is an argument. What was written more than a
second from now was written before the clock was set back: of it, only what is no time holds on.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from oob_heal._model import Lease, Refused, Why
from oob_heal._tokens import counts_as, new_token, waited
from oob_heal.ports import AHEAD_AT_MOST

PAST_KEPT = 3_600.0  # s for which attempts are remembered after the last of them
FULL_FOR = 1.0  # s after which a full table is worth asking again
SWEPT = 8  # rows that one grant throws out when their time is over


class Past(NamedTuple):
    """What is known of a key's leases; the columns of its row."""

    token: str | None = None  # of the lease that is out: it holds before ``until``
    until: float = 0.0
    adopted: int = 0
    attempts: int = 0
    retry_at: float = 0.0
    granted_at: float = 0.0
    out: int = 0  # the lease granted last was neither given back nor voided while it held
    granted: str | None = None  # the lease granted last, until it is given back or the key is set
    committed: str | None = None

    def holds(self, now: float) -> bool:
        return self.token is not None and now < self.until

    def voided(self, now: float) -> Past:
        """What lapsed before stays a crash."""
        return self._replace(token=None, out=0) if self.holds(now) else self


NOTHING = Past()
COLUMNS = ", ".join(Past._fields)
LOAD = f"SELECT written_at, {COLUMNS} FROM leases WHERE key = ? AND forget_at > ?"
KEYED = f"key, scope, written_at, forget_at, {COLUMNS}"
SAVE = (
    f"INSERT INTO leases ({KEYED}) VALUES ({', '.join('?' * (len(Past._fields) + 4))}) "
    f"ON CONFLICT (key) DO UPDATE SET "
    + ", ".join(f"{each} = excluded.{each}" for each in ("written_at", "forget_at", *Past._fields))
)


class Leases:
    """The lease verbs, but for the storing; ``most``: rows kept."""

    def __init__(self, most: int) -> None:
        self.most = most

    def load(self, link: sqlite3.Connection, key: str, now: float) -> Past:
        found = link.execute(LOAD, (key, now)).fetchall()
        if not found:
            return NOTHING
        written_at, *columns = found[0]
        past = Past(*columns)
        if written_at > now + AHEAD_AT_MOST:
            return Past(attempts=past.attempts, committed=past.committed)
        return past

    def save(self, link: sqlite3.Connection, key: str, scope: str, past: Past, now: float) -> None:
        if past == NOTHING:
            link.execute("DELETE FROM leases WHERE key = ?", (key,))
            return
        forget_at = max(now, past.retry_at, past.until) + PAST_KEPT
        link.execute(SAVE, (key, scope, now, forget_at, *past))

    def acquire(
        self, past: Past, key: str, lease_for: float, adopt: str | None, force: bool, now: float
    ) -> tuple[Past, Lease] | Refused:
        """What the key's row becomes, and the lease."""
        adopts = past.holds(now)
        adopt = counts_as(adopt, past.token) if adopts else adopt
        if adopts and (adopt != past.token or past.adopted):
            return Refused(Why.HELD, past.until)
        if not adopts and now < past.retry_at and not force:
            return Refused(Why.BACKING_OFF, past.retry_at)
        if past.out and not adopts and waited(past.granted):
            past = past._replace(attempts=max(0, past.attempts - 1), out=0)
        previous_at = past.granted_at if past.out and not adopts else None
        attempts = past.attempts if adopts else past.attempts + 1
        token = new_token(None if adopts else adopt)
        lease = Lease(key, token, now, now + lease_for, attempts, previous_at)
        granted = past._replace(
            token=token,
            until=lease.until,
            adopted=int(adopts),
            attempts=attempts,
            granted_at=now,
            out=1,
            granted=token,
        )
        return granted, lease

    @staticmethod
    def released(past: Past, token: str, retry_after: float, now: float) -> Past | None:
        """What the row becomes; None if the lease gives nothing back."""
        if past.granted != token:
            return None
        past = past._replace(token=None, until=0.0, granted=None, out=0)
        if retry_after > 0:
            return past._replace(retry_at=now + retry_after)
        return past._replace(attempts=max(0, past.attempts - 1))

    def room(self, link: sqlite3.Connection, now: float) -> Refused | None:
        """Make room for one more row: what is forgotten goes, then the past that is forgotten
        soonest; what holds stays."""
        link.execute(
            "DELETE FROM leases WHERE key IN (SELECT key FROM leases WHERE forget_at <= ? LIMIT ?)",
            (now, SWEPT),
        )
        ((count,),) = link.execute("SELECT leases FROM totals").fetchall()
        if count < self.most:
            return None
        gone = link.execute(
            "DELETE FROM leases WHERE key IN (SELECT key FROM leases "
            "WHERE token IS NULL OR until <= ? ORDER BY forget_at LIMIT 1)",
            (now,),
        )
        return None if gone.rowcount else Refused(Why.FULL, now + FULL_FOR)

    @staticmethod
    def void_all(link: sqlite3.Connection, scope: str, now: float) -> None:
        """Void every lease of a scope that holds."""
        link.execute(
            "UPDATE leases SET token = NULL, out = 0 "
            "WHERE scope = ? AND token IS NOT NULL AND until > ?",
            (scope, now),
        )
