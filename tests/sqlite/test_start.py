"""How a SqliteBackend starts: on nothing, on yesterday's file, on what is none of its own."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oob_heal import Freshness, HealingCache
from oob_heal.backends import _sqlite_start
from oob_heal.backends.sqlite import SqliteBackend
from oob_heal.testing import ManualClock, ManualExecutor
from tests.children import ROOT, run_python
from tests.sqlite.files import a_file
from tests.sqlite.texts import entry, key


def another_applications(path: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE treasure (worth INTEGER)")
    connection.close()


def no_sqlite(path: str) -> None:
    Path(path).write_bytes(b"dear diary, " * 1_000)


def cut_off(path: str) -> None:
    SqliteBackend(path).close()
    whole = Path(path).read_bytes()
    Path(path).write_bytes(whole[: len(whole) // 3])


def overwritten(path: str) -> None:
    SqliteBackend(path).close()
    with Path(path).open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 20_000)


def of_another_version(path: str) -> None:
    SqliteBackend(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 77")
    connection.close()


NOT_OURS = [another_applications, no_sqlite, cut_off, overwritten, of_another_version]


@pytest.mark.parametrize("spoil", NOT_OURS, ids=lambda spoil: spoil.__name__)
def test_what_is_no_file_of_ours_is_told_at_the_start_and_left_as_it_is(
    path: str, spoil: Callable[[str], None]
) -> None:
    spoil(path)
    before = Path(path).read_bytes()
    with pytest.raises(ValueError, match=r"give another path=, or start_fresh=True") as told:
        SqliteBackend(path)
    assert path not in str(told.value)
    assert Path(path).read_bytes() == before


@pytest.mark.parametrize("spoil", NOT_OURS, ids=lambda spoil: spoil.__name__)
def test_by_choice_it_is_set_aside_and_a_fresh_one_begun(
    path: str, clock: ManualClock, spoil: Callable[[str], None]
) -> None:
    spoil(path)
    before = Path(path).read_bytes()
    backend = a_file(clock, path, start_fresh=True)
    backend.set(key(1), entry(1), 60)
    assert backend.get(key(1)) == entry(1)
    (aside,) = Path(path).parent.glob(f"{Path(path).name}.set-aside-*")
    assert aside.read_bytes() == before


def test_start_fresh_keeps_a_file_that_is_sound(path: str, clock: ManualClock) -> None:
    a_file(clock, path).set(key(1), entry(1), 60)
    assert a_file(clock, path, start_fresh=True).get(key(1)) == entry(1)


READ_ONLY = """
import os, sys
from oob_heal.backends.sqlite import SqliteBackend
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
for start_fresh in (False, True):
    try:
        SqliteBackend(sys.argv[1], start_fresh=start_fresh)
    except PermissionError as error:
        print(error)
"""


@pytest.mark.parametrize(
    ("name", "file", "folder"),
    [("cache.db", 0o444, 0o555), ("cache.db", 0o444, 0o777), ("none.db", 0o444, 0o555)],
    ids=["both closed", "the file closed", "the folder closed"],
)
def test_what_may_not_be_written_to_is_told_at_the_start(name: str, file: int, folder: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        SqliteBackend(Path(place) / "cache.db").close()
        (Path(place) / "cache.db").chmod(file)
        Path(place).chmod(folder)
        said = run_python(READ_ONLY.replace("sys.argv[1]", repr(f"{place}/{name}"))).splitlines()
        Path(place).chmod(0o755)
    assert len(said) == 2
    assert all("may write to" in line and place not in line for line in said)


def test_a_fresh_start_serves_yesterdays_values_at_once(path: str, clock: ManualClock) -> None:
    def start() -> HealingCache:
        return HealingCache(backend=a_file(clock, path), executor=ManualExecutor(), clock=clock)

    def decorated(cache: HealingCache) -> object:
        @cache(ttl=60, name="price")
        def price(n: int) -> str:
            return f"price of {n}"

        return price

    yesterday: object = decorated(start())
    yesterday.set("yesterday's", 1)  # type: ignore[attr-defined]
    clock.advance(86_400)
    today = decorated(start())
    served = today.lookup(1)  # type: ignore[attr-defined]
    assert (served.value, served.freshness) == ("yesterday's", Freshness.STALE)
    assert served.age == 86_400


START = """
import sys
from oob_heal.backends.sqlite import SqliteBackend
from tests.sqlite.texts import entry, key
n = int(sys.argv[2])
backend = SqliteBackend(sys.argv[1], start_fresh=True, deadline=20)
backend.set(key(n), entry(n), 60)
assert backend.get(key(n)) == entry(n)
backend.close()
"""


@pytest.mark.parametrize("questions", [1, 2])
def test_a_file_that_another_start_makes_while_it_is_looked_at_is_ours(
    path: str, monkeypatch: pytest.MonkeyPatch, questions: int
) -> None:
    asked, others = _sqlite_start._number, []

    def asks(link: Any, question: str) -> int:
        answer = asked(link, question)
        others.append(question)
        if len(others) == questions:  # between two of them
            with contextlib.suppress(sqlite3.OperationalError):  # it may have to wait
                _sqlite_start.opened(path, 0.0).close()
        return answer

    monkeypatch.setattr(_sqlite_start, "_number", asks)
    with SqliteBackend(path) as backend:
        backend.set(key(1), entry(1), 60)
        assert backend.get(key(1)) == entry(1)
    assert len(others) > 2


def test_processes_that_start_at_once_make_one_file(path: str, clock: ManualClock) -> None:

    fleet = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", START, path, str(n)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
        )
        for n in range(4)
    ]
    assert [each.communicate(timeout=50)[1] for each in fleet] == [b""] * 4
    with SqliteBackend(path) as backend:
        assert [backend.get(key(n)) for n in range(4)] == [entry(n) for n in range(4)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"path": ""}, r"path= must name a file"),
        ({"path": ":memory:"}, r"path= must name a file"),
        ({"path": b"cache.db"}, r"path= must be text"),
        ({"maxsize": 0}, r"maxsize= must be at least 1"),
        ({"maxsize": 1.5}, r"maxsize= must be a whole number"),
        ({"max_bytes": True}, r"max_bytes= must be a whole number"),
        ({"deadline": 0}, r"deadline= must be above 0"),
        ({"longest_keep": float("inf")}, r"longest_keep= must be finite"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_by_its_name(
    path: str, options: dict[str, object], said: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=said):
        SqliteBackend(**{"path": path, **options})  # type: ignore[arg-type]
    assert not Path(path).exists()
