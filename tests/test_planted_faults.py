"""The planted faults follow the code: each can be planted, and each names tests that are there.

Whether the tests notice them is for ``tests/faults/run.py``, which takes minutes; that a fault was
left behind by a change is told here, at once.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.faults._plant import ROOT, Fault
from tests.faults.run import all_faults


@cache
def text_of(path: Path) -> str:
    return path.read_text()


@cache
def functions_in(path: Path) -> set[str]:
    tree = ast.parse(text_of(path))
    return {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}


@pytest.mark.parametrize("fault", all_faults(), ids=lambda fault: fault.hazard)
def test_a_fault_can_be_planted_and_its_tests_are_there(fault: Fault) -> None:
    assert text_of(ROOT / "oob_heal" / fault.file).count(fault.before) == 1
    assert fault.before != fault.after
    for test in fault.tests:
        file, _, name = test.partition("::")
        name = name.rpartition("::")[2].partition("[")[0]
        assert (ROOT / file).is_file()
        assert not name or name in functions_in(ROOT / file)
