"""The page on reliability says of each hazard what the tests and the planted faults say."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

from tests import last_runs
from tests.faults.run import all_faults, listing

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reliability.md"
HAZARDS = tuple(f"H{number:02}" for number in range(1, 45))


class Row(NamedTuple):
    """What the page says of a hazard."""

    promise: str
    quantity: str
    files: set[str]
    faults: int
    last_run: str


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def rows() -> dict[str, Row]:
    found = {}
    for line in PAGE.read_text().splitlines():
        if re.fullmatch(r"H\d\d", cells(line)[0]):
            hazard, promise, quantity, files, faults, last_run = cells(line)
            named = set(re.findall("`(.*?)`", files))
            found[hazard] = Row(promise, quantity, named, int(faults), last_run)
    return found


def planted() -> tuple[Counter[str], defaultdict[str, set[str]]]:
    """By hazard: how many faults there are, and the files whose tests catch them."""
    counts: Counter[str] = Counter()
    files: defaultdict[str, set[str]] = defaultdict(set)
    for fault in all_faults():
        for hazard in set(re.findall(r"H\d\d", fault.hazard)):
            counts[hazard] += 1
            files[hazard] |= {
                test.partition("::")[0].removeprefix("tests/") for test in fault.tests
            }
    return counts, files


def test_each_hazard_has_one_row_with_a_promise_and_a_quantity() -> None:
    assert tuple(rows()) == HAZARDS
    assert all(row.promise and row.quantity for row in rows().values())


def test_each_row_names_tests_that_catch_its_faults_and_no_more_faults_than_there_are() -> None:
    counts, files = planted()
    for hazard, row in rows().items():
        assert row.files, f"{hazard} names no test"
        assert row.files <= files[hazard], f"{hazard} names tests that catch none of its faults"
        assert 1 <= row.faults <= counts[hazard], f"{hazard}: {counts[hazard]} faults are planted"


def test_each_row_says_what_the_last_run_of_all_planted_faults_found() -> None:
    last = last_runs.read()["planted faults"]
    counts, _ = planted()
    for hazard, row in rows().items():
        noticed, all_ = last["by hazard"][hazard]
        assert row.last_run == f"{noticed} of {all_}"
        assert noticed == all_ <= counts[hazard], f"{hazard}: run them again, and --record"
    noticed, all_ = last["noticed"]
    assert f"over release {last['release']}, {noticed} of {all_}" in PAGE.read_text()


def test_what_was_run_last_on_demand_is_shown_as_it_was_recorded_and_broke_no_promise() -> None:
    page = [cells(line) for line in PAGE.read_text().splitlines()]
    for what, last in last_runs.read().items():
        if what.startswith("kills"):
            (healed, killed) = last["healed"]
            assert healed == killed == 600
            assert [what, last["release"], f"{healed} of {killed} healed"] in page
        elif what == "soak":
            judged = last["promises"].values()
            assert not any(broken for _, broken in judged)
            told = f"{last['minutes']:g} minutes, {last['harms']} harms, 0 promises broken in"
            told += f" {last['promises']['no foreign error reached a caller'][0]:,} requests"
            assert [what, last["release"], told] in page


def test_what_was_run_last_is_there_for_each_tool_and_for_a_release_that_there_is() -> None:
    last = last_runs.read()
    assert set(last) == {"kills, queue", "kills, threads", "planted faults", "soak"}
    changelog = (ROOT / "docs" / "changelog.md").read_text()
    assert all(f"\n## {each['release']} " in changelog for each in last.values())


def test_the_list_of_planted_faults_shows_each_with_what_catches_it() -> None:
    faults = all_faults()
    shown = listing(faults)
    assert len(faults) >= 40
    assert all(fault.tests and fault.hazard in shown for fault in faults)
    assert all(test in shown for fault in faults for test in fault.tests)
