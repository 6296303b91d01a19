"""The judge of a soak says no to a history that breaks a promise; and on demand, a minute's soak.

``python -m tests.soak --minutes 30`` is the real thing. OOB_HEAL_FULL=1 runs a minute of it here.
Over a planted fault a quarter of a minute must do: a soak that finds nothing in a broken library
says nothing of a sound one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.amounts import FULL
from tests.children import ROOT
from tests.soak.judge import EVERY_KEY, History, Line, promises
from tests.soak.plan import CLEARED_WITHIN, MAX_STALE, SLACK, TTL
from tests.soak.record import Recorder, read

VALUE = [7.0, 100.0, 1.0, 0.5]  # of key 7: called at 100 s by process 1
SIZES = [("threads-1", ["size", float(n), 40_000, 9]) for n in range(40)]
ENDS = {"healed": 1, "failed": 1}
CALLED = ("queue-1", ["call", 7, VALUE])
BOOKS = ("queue-1", ["books", 2, 0, ENDS])
LONGEST = TTL + MAX_STALE["queue"]
SHORTER = TTL + MAX_STALE["tasks"]


def asked(
    at: float, told: str = "stale", value: Any = VALUE, n: int = 7, who: str = "queue-2"
) -> Line:
    return (who, ["asked", at, at + 0.001, n, told, value])


def wrote(verb: str, began: float, done: float | None, n: int = 7) -> Line:
    return ("queue-1", ["wrote", verb, n, began, done, None])


SOUND = [CALLED, BOOKS, *SIZES]
GOOD: dict[str, list[Line]] = {
    "fresh": [asked(100.5, "fresh")],
    "stale to the limit": [asked(100 + LONGEST - 0.01)],
    "stale to the limit of who has less patience": [asked(100 + SHORTER - 0.01, who="tasks-2")],
    "older than a write that came later": [asked(102), wrote("invalidate", 102.1, 102.2)],
    "during a write": [wrote("invalidate", 101.0, 103.0), asked(102)],
    "younger than a write": [wrote("invalidate", 99.0, 99.1), asked(102)],
    "a write that nobody acknowledged": [wrote("invalidate", 101.0, None), asked(102)],
    "a clear that not all have heard of": [
        wrote("cache_clear", 101.0, 101.1, EVERY_KEY), asked(102),
    ],
    "nothing there": [asked(102, "miss", "CacheMissError")],
}  # fmt: skip
BAD: dict[str, tuple[str, list[Line]]] = {
    "never true": ("once true", [asked(102, value=[7.0, 100.0, 1.0, 0.6])]),
    "true of another key": ("once true", [asked(102, n=8)]),
    "fresh beyond the ttl": ("its limit", [asked(100 + TTL + SLACK + 0.01, "fresh")]),
    "served beyond the limit": ("its limit", [asked(100 + LONGEST + SLACK + 0.01)]),
    "served beyond the limit of who has less patience": ("its limit", [
        asked(100 + SHORTER + SLACK + 0.01, who="tasks-2"),
    ]),
    "served for ever": ("its limit", [asked(1_000_000)]),
    "outlived an invalidate": ("acknowledged write", [
        wrote("invalidate", 101.0, 101.1), asked(102),
    ]),
    "outlived a set": ("acknowledged write", [wrote("set", 101.0, 101.1), asked(102)]),
    "outlived a clear": ("acknowledged write", [
        wrote("cache_clear", 101.0, 101.1, EVERY_KEY), asked(101.1 + CLEARED_WITHIN + 1),
    ]),
    "a foreign error": ("foreign", [asked(102, "error", "TimeoutError")]),
    "a write's foreign error": ("foreign", [("queue-1", ["foreign", "set", "TimeoutError"])]),
    "a heal that vanished": ("ledger", [("worker-3", ["books", 3, 0, ENDS])]),
    "a heal that never ends": ("ledger", [("worker-3", ["books", 3, 1, ENDS])]),
    "memory that grows": ("flat", [
        ("threads-9", ["size", float(n), 40_000 + 500 * n, 9]) for n in range(40)
    ]),
    "descriptors that leak": ("flat", [
        ("threads-9", ["size", float(n), 40_000, 9 + n]) for n in range(40)
    ]),
}  # fmt: skip


def broken(lines: list[Line]) -> list[str]:
    return [each.text for each in promises(History([*SOUND, *lines])) if each.broken]


@pytest.mark.parametrize("history", GOOD)
def test_the_judge_finds_nothing_in_a_history_that_keeps_its_promises(history: str) -> None:
    assert broken(GOOD[history]) == []


@pytest.mark.parametrize("history", BAD)
def test_the_judge_names_the_promise_that_a_history_breaks(history: str) -> None:
    word, lines = BAD[history]
    found = [text for text in broken(lines) if word in text]
    assert len(found) == 1


def test_a_line_that_a_kill_tore_is_nothing_and_those_before_it_stay(tmp_path: Path) -> None:
    record = Recorder(tmp_path, "queue")
    record("call", 7, VALUE)
    os.write(record.file, b'["call", 8, [8.0')
    os.close(record.file)
    assert [line for _, line in read(tmp_path)] == [["call", 7, VALUE]]


def soaked(folder: Path, *words: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """A soak of a minute at most, and what it wrote of each promise: looked at, broken."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak", "--seed", "1", "--output", str(folder), *words],
        cwd=ROOT, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert (folder / "soak.json").exists(), done.stdout + done.stderr
    return done, json.loads((folder / "soak.json").read_text())["promises"]


@pytest.mark.timeout(240)
@pytest.mark.skipif(not FULL, reason="on demand: OOB_HEAL_FULL=1")
def test_a_minute_of_all_faults_at_once_breaks_no_promise(tmp_path: Path) -> None:  # H14
    done, _ = soaked(tmp_path, "--minutes", "1", "--every", "8")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "soak.png").stat().st_size > 10_000


@pytest.mark.timeout(240)
@pytest.mark.skipif("OOB_HEAL_PLANTED" not in os.environ, reason="for planted faults")
@pytest.mark.parametrize("harm", ["the dependency is away", "kill the server", "pause a worker"])
def test_a_quarter_of_a_minute_of_one_harm_breaks_no_promise(harm: str, tmp_path: Path) -> None:
    """Too short to tell whether memory stays flat; all else is looked at."""
    done, promises_ = soaked(tmp_path, "--minutes", "0.25", "--every", "5", "--only", harm)
    broken = {text: (looked, bad) for text, (looked, bad) in promises_.items() if bad}
    assert not broken, done.stdout
    assert all(looked for text, (looked, _) in promises_.items() if "flat" not in text)
