"""One file of SQLite, and this process's connections to it.

Law: connections are lent, one to a caller at a time, and none is open across a fork: SQLite keeps
its locks by process, and a child that inherited a connection would believe in locks that it does
not hold. So a fork waits for those that are lent and closes all; both sides open anew. A file that
somebody replaced is noticed within a second, and opened anew as well.
Source: https://www.sqlite.org/howtocorrupt.html, section 2.6.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

MOST_IDLE = 32  # connections kept open between calls
LOOK_EVERY = 1.0  # s between two looks at whether the file is still the same
FORK_PATIENCE = 5.0  # s for which a fork waits for calls under way, which all end in time
SOUND_AFTER = frozenset({"SQLITE_BUSY", "SQLITE_FULL", "SQLITE_READONLY", "SQLITE_CONSTRAINT"})


class Link(sqlite3.Connection):
    """A connection. ``generation``: of the file, when it was opened; ``patience``: in ms."""

    generation = 0
    patience = -1

    def __del__(self) -> None:
        try:
            self.close()
        except sqlite3.ProgrammingError:  # it was never opened
            pass


class ClosedError(ConnectionError):
    """The backend is closed, or of no use in this process."""


class File:
    """Lends connections that ``open_link()`` makes; ``lock`` is what a fork takes."""

    def __init__(self, path: str, open_link: Callable[[], Link]) -> None:
        self.path = path
        self._open_link = open_link
        self._identity = identity(path)
        self.opened = False  # since it was made, or closed
        self._start()

    def _start(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._writing = threading.Lock()
        self._idle: list[Link] = []
        self._lent = 0
        self._forking = False
        self._generation = 0
        self._look_at = time.monotonic() + LOOK_EVERY
        self.refuses = ""  # why nothing is lent

    # --- what callers do

    @contextmanager
    def reading(self, until: float) -> Iterator[Link]:
        """A connection of the caller's own, waited for until then at most."""
        link = self._lend(until)
        sound = False
        try:
            yield link
            sound = True
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
            sound = any(name.startswith(each) for each in SOUND_AFTER)
            raise away(error) from None
        finally:
            self._take_back(link, sound)

    @contextmanager
    def writing(self, until: float) -> Iterator[Link]:
        """A transaction that may write: whole, or not at all. TimeoutError if others write until
        then."""
        if not self._writing.acquire(timeout=max(0.0, until - time.monotonic())):
            raise TimeoutError("other threads wrote for longer than the deadline")
        try:
            with self.reading(until) as link:
                self._wait_at_most(link, until)
                link.execute("BEGIN IMMEDIATE")
                try:
                    yield link
                    link.execute("COMMIT")
                except BaseException:
                    if link.in_transaction:
                        link.execute("ROLLBACK")
                    raise
        finally:
            self._writing.release()

    @staticmethod
    def _wait_at_most(link: Link, until: float) -> None:
        left = max(0, round((until - time.monotonic()) * 1000))
        if left != link.patience:
            link.execute(f"PRAGMA busy_timeout = {left}").fetchall()
            link.patience = left

    def _lend(self, until: float) -> Link:
        with self._changed:
            while self._forking:
                if not self._changed.wait(max(0.0, until - time.monotonic())):
                    raise TimeoutError("a fork took longer than the deadline")
            if self.refuses:
                raise ClosedError(self.refuses)
            replaced = self._replaced()
            self._lent += 1
            link = self._idle.pop() if self._idle else None
        for each in replaced:
            each.close()
        if link is not None:
            return link
        try:
            return self._opened()
        except BaseException:
            self._returned()
            raise

    def _opened(self) -> Link:
        generation = self._generation
        try:
            link = self._open_link()
        except sqlite3.Error as error:
            raise away(error) from None
        link.generation = generation
        self.opened = True
        return link

    def _replaced(self) -> list[Link]:
        """Now and then: the connections to a file that is no longer the one of this name."""
        if time.monotonic() < self._look_at:
            return []
        self._look_at = time.monotonic() + LOOK_EVERY
        found = identity(self.path)
        if found == self._identity and found is not None:
            return []
        self._identity = found
        self._generation += 1
        old, self._idle = self._idle, []
        return old

    def _take_back(self, link: Link, sound: bool) -> None:
        with self._changed:
            fits = len(self._idle) < MOST_IDLE and link.generation == self._generation
            if sound and fits and not self._forking and not self.refuses:
                self._idle.append(link)
                self._lent -= 1
                return
        link.close()
        self._returned()

    def _returned(self) -> None:
        with self._changed:
            self._lent -= 1
            self._changed.notify_all()

    # --- forks, and the end

    def acquire(self, timeout: float = -1) -> bool:
        """Before a fork: wait for what is lent, and close everything."""
        with self._changed:
            self._forking = True
            patience = max(timeout, FORK_PATIENCE)
            whole = self._changed.wait_for(lambda: self._lent == 0, patience)
            self._forking = whole
            idle, self._idle = self._idle, []
        for each in idle:
            each.close()
        return whole

    def release(self) -> None:
        """In the parent, after a fork."""
        with self._changed:
            self._forking = False
            self._changed.notify_all()

    def locked(self) -> bool:
        """Whether a call of SQLite is under way."""
        with self._changed:
            return self._lent > 0

    def after_fork(self, *, consistent: bool) -> None:
        """In the child. What was lent at the fork can neither be used nor closed here."""
        refused = self.refuses
        self._start()
        self.refuses = refused
        if not consistent:
            self.refuses = "this process was forked in the middle of a call of SQLite"

    def close(self) -> None:
        """Close what is idle now, and what is lent when it comes back; lend nothing more."""
        with self._changed:
            self.refuses = self.refuses or "the SqliteBackend is closed"
            idle, self._idle = self._idle, []
        self.opened = False
        for each in idle:
            each.close()


def identity(path: str) -> tuple[int, int] | None:
    """Which file has this name; None if none has."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def away(error: sqlite3.Error) -> Exception:
    """What SQLite said, by its code alone: the words may hold names of the user's."""
    name = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
    if name.startswith("SQLITE_BUSY"):
        return TimeoutError("other processes wrote for longer than the deadline")
    return ConnectionError(f"SQLite says {name}")
