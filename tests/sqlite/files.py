"""Files of SQLite for tests: each in a folder of its own, all of it gone with the run."""

from __future__ import annotations

import atexit
import itertools
import shutil
import tempfile
from pathlib import Path
from typing import Any

from oob_heal.backends.sqlite import SqliteBackend
from oob_heal.testing import ManualClock

PATIENT = 20.0  # s of deadline: these tests are not about time

_folder = tempfile.mkdtemp(prefix="oob-heal-sqlite-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
_numbers = itertools.count()
_open: list[SqliteBackend] = []


def new_path() -> str:
    """Where no file is yet."""
    return str(Path(_folder) / f"{next(_numbers)}.db")


def a_file(clock: ManualClock, path: str | None = None, **options: Any) -> SqliteBackend:
    """A backend on a file, new unless given, to be closed by ``close_all``."""
    backend = SqliteBackend(path or new_path(), clock=clock, **{"deadline": PATIENT, **options})
    _open.append(backend)
    return backend


def next_to(backend: SqliteBackend) -> SqliteBackend:
    """Another process's way to the same file."""
    return a_file(backend.now, backend._file.path)  # type: ignore[arg-type]


def close_all() -> None:
    """Close every backend made here."""
    while _open:
        _open.pop().close()
