"""How a file becomes ours: opened, looked at, made, or set aside.

Law: what is no table of ours is never written to. Everything that may be wrong with a file is told
here, when a backend is made, in words that say what to do; the file's name stands in none.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Never

from oob_heal.backends._sqlite_file import Link, identity

APPLICATION = 0x6F6F6268  # "oobh", in the header of every file of ours
VERSION = 1
PATIENCE = 5.0  # s for which a start waits for others that start
RETRY = 0.01  # s
WAL_KEPT = 16 * 1024 * 1024  # bytes of the log that stay on the disk

SCHEMA = """
CREATE TABLE entries (
    key TEXT PRIMARY KEY, scope TEXT NOT NULL, epoch INTEGER NOT NULL, until REAL NOT NULL,
    marked INTEGER NOT NULL, size INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX entries_until ON entries (until);
CREATE INDEX entries_scope ON entries (scope, epoch);
CREATE TABLE scopes (scope TEXT PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE leases (
    key TEXT PRIMARY KEY, scope TEXT NOT NULL, token TEXT, until REAL NOT NULL,
    adopted INTEGER NOT NULL, attempts INTEGER NOT NULL, retry_at REAL NOT NULL,
    granted_at REAL NOT NULL, out INTEGER NOT NULL, granted TEXT, committed TEXT,
    written_at REAL NOT NULL, forget_at REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX leases_forget ON leases (forget_at);
CREATE INDEX leases_held ON leases (scope) WHERE token IS NOT NULL;
CREATE TABLE totals (entries INTEGER NOT NULL, bytes INTEGER NOT NULL, leases INTEGER NOT NULL);
INSERT INTO totals VALUES (0, 0, 0);
CREATE TRIGGER stored AFTER INSERT ON entries BEGIN
    UPDATE totals SET entries = entries + 1, bytes = bytes + new.size; END;
CREATE TRIGGER removed AFTER DELETE ON entries BEGIN
    UPDATE totals SET entries = entries - 1, bytes = bytes - old.size; END;
CREATE TRIGGER known AFTER INSERT ON leases BEGIN UPDATE totals SET leases = leases + 1; END;
CREATE TRIGGER forgotten AFTER DELETE ON leases BEGIN UPDATE totals SET leases = leases - 1; END;
"""
DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
ADVICE = "give another path=, or start_fresh=True to set it aside and begin anew"


class NotOursError(ValueError):
    """The file can be replaced by a fresh one."""


def opened(path: str, timeout: float) -> Link:
    """A connection to a file of ours, made if it is not there. sqlite3.Error or NotOursError."""
    link: Link = sqlite3.connect(
        path, timeout=timeout, isolation_level=None, check_same_thread=False, factory=Link
    )
    try:
        link.execute("PRAGMA trusted_schema = OFF")
        # All of one moment: another start may be making it.
        link.execute("BEGIN")
        ours = _is_ours(link)
        link.execute("COMMIT")
        if not ours:
            _make(link)
        link.execute("PRAGMA synchronous = NORMAL")
        link.execute(f"PRAGMA journal_size_limit = {WAL_KEPT}").fetchall()
    except BaseException:
        link.close()
        raise
    return link


def _number(link: Link, question: str) -> int:
    ((number,),) = link.execute(question).fetchall()
    return int(number)


def _is_ours(link: Link) -> bool:
    """False for an empty file. In a transaction. Raises NotOursError."""
    who = _number(link, "PRAGMA application_id"), _number(link, "PRAGMA user_version")
    if who == (APPLICATION, VERSION):
        return True
    if who[0] == APPLICATION:
        raise NotOursError(f"the file was made by another version of oob_heal; {ADVICE}")
    if who != (0, 0) or _number(link, "SELECT count(*) FROM sqlite_master"):
        raise NotOursError(f"the file is another application's; {ADVICE}")
    return False


def _make(link: Link) -> None:
    ((mode,),) = link.execute("PRAGMA journal_mode = WAL").fetchall()
    if mode != "wal":
        raise ValueError("path= must be a file on a disk of this machine: no WAL is to be had")
    link.execute("BEGIN IMMEDIATE")
    if not _is_ours(link):  # nobody else was faster
        for statement in _statements():
            link.execute(statement)
        link.execute(f"PRAGMA application_id = {APPLICATION}")
        link.execute(f"PRAGMA user_version = {VERSION}")
    link.execute("COMMIT")


def _statements() -> list[str]:
    found, rest = [], ""
    for line in SCHEMA.strip().splitlines():
        rest += line + "\n"
        if sqlite3.complete_statement(rest):
            found.append(rest)
            rest = ""
    return found


def check(path: str, timeout: float, *, start_fresh: bool) -> None:
    """See that a file can be used, once, at the start; make it, or begin anew, if need be."""
    until = time.monotonic() + PATIENCE
    while True:
        looked_at = identity(path)
        try:
            _try_out(path, timeout)
        except NotOursError:
            if not start_fresh:
                raise
            set_aside(path, looked_at)
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
            if name.startswith(DAMAGED) and start_fresh:
                set_aside(path, looked_at)
            elif not name.startswith("SQLITE_BUSY"):
                _refuse(name)
            time.sleep(RETRY)
        else:
            return
        if time.monotonic() >= until:
            raise TimeoutError("the file was locked by others for too long to start with it")


def _try_out(path: str, timeout: float) -> None:
    link = opened(path, timeout)
    try:
        link.execute("SELECT * FROM totals").fetchall()
        link.execute("BEGIN IMMEDIATE")
        link.execute("UPDATE totals SET entries = entries")
        link.execute("ROLLBACK")
    finally:
        link.close()


def _refuse(name: str) -> Never:
    if name.startswith(DAMAGED):
        raise ValueError(f"the file is damaged, or no SQLite file; {ADVICE}") from None
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_CANTOPEN", "SQLITE_AUTH")):
        raise PermissionError(
            f"path= must be a file in a folder, both of which this process may write to ({name})"
        ) from None
    raise OSError(f"the file cannot be used: SQLite says {name}") from None


def set_aside(path: str, looked_at: tuple[int, int] | None) -> None:
    """Rename a file and its logs, unless somebody else did so meanwhile. The logs go first: a new
    file must never find an old one's."""
    if identity(path) != looked_at:
        return
    aside = f"{path}.set-aside-{time.time_ns()}-{os.getpid()}"
    for end in ("-wal", "-shm", ""):
        try:
            Path(path + end).rename(aside + end)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise PermissionError("the file cannot be set aside: its folder is closed") from error
