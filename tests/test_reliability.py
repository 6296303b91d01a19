"""The page on reliability says of each hazard what the tests and the planted faults say."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path

from tests.faults.run import all_faults, listing

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reliability.md"
HAZARDS = tuple(f"H{number:02}" for number in range(1, 45))


def rows() -> dict[str, tuple[str, str, set[str], int]]:
    """By hazard: promise, quantity, test files and how many faults are said to be planted."""
    found = {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if re.fullmatch(r"H\d\d", cells[0]):
            hazard, promise, quantity, files, faults = cells
            found[hazard] = promise, quantity, set(re.findall("`(.*?)`", files)), int(faults)
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
    assert all(promise and quantity for promise, quantity, _, _ in rows().values())


def test_each_row_names_tests_that_catch_its_faults_and_no_more_faults_than_there_are() -> None:
    counts, files = planted()
    for hazard, (_, _, named, said) in rows().items():
        assert named, f"{hazard} names no test"
        assert named <= files[hazard], f"{hazard} names tests that catch none of its faults"
        assert 1 <= said <= counts[hazard], f"{hazard}: {counts[hazard]} faults are planted"


def test_the_list_of_planted_faults_shows_each_with_what_catches_it() -> None:
    faults = all_faults()
    shown = listing(faults)
    assert len(faults) >= 40
    assert all(fault.tests and fault.hazard in shown for fault in faults)
    assert all(test in shown for fault in faults for test in fault.tests)
