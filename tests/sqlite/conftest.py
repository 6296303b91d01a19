"""Files to be opened, and closed whatever a test does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from oob_heal.backends.sqlite import SqliteBackend
from oob_heal.testing import ManualClock
from tests.sqlite.files import a_file, close_all, new_path


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    close_all()


@pytest.fixture
def path() -> str:
    """Where no file is yet."""
    return new_path()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_000_000.0)


@pytest.fixture
def backend(clock: ManualClock, path: str) -> SqliteBackend:
    return a_file(clock, path)
