"""Processes on one file of SQLite, as the state machine wants them."""

from __future__ import annotations

import math

from oob_heal.backends.sqlite import SqliteBackend
from oob_heal.testing import ManualClock
from tests.sqlite.files import a_file, close_all, new_path


class Place:
    """Two processes on one file, by a clock that is moved by hand."""

    processes = 2
    forgets = True
    epochs = False
    maxsize = math.inf

    def __init__(self) -> None:
        close_all()
        self.clock = ManualClock(1_000_000.0)
        self.began = 900_000.0
        self.path = new_path()
        self._looks = a_file(self.clock, self.path)

    def backend(self) -> SqliteBackend:
        return a_file(self.clock, self.path)

    def live_leases(self) -> int:
        live = "SELECT count(*) FROM leases WHERE token IS NOT NULL AND until > ?"
        with self._looks._file.reading(math.inf) as link:
            ((count,),) = link.execute(live, (self.clock(),)).fetchall()
        return int(count)

    def close(self) -> None:
        close_all()
