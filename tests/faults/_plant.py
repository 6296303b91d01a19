"""A planted fault: one replacement of the code under test, and the tests that must notice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 120  # s for one run of pytest over a fault
CONTROL_LIMIT = 1_200  # s for the control run, which is most of the suite


@dataclass(frozen=True)
class Fault:
    """``before`` stands exactly once in ``file`` (below oob_heal/) and becomes ``after``.

    ``tests`` are pytest node ids, of which at least one turns red; ``hazard`` says what breaks.
    """

    hazard: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]


class UnplantableError(Exception):
    """The text to replace is not there exactly once: the fault must follow the code."""


def plant(fault: Fault | None, where: Path) -> None:
    """Copy the package and its tests to ``where``, with the fault in it."""
    for folder in ("oob_heal", "tests"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, where / folder, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", where)
    if fault is None:
        return
    path = where / "oob_heal" / fault.file
    text = path.read_text()
    if text.count(fault.before) != 1:
        raise UnplantableError(
            f"{fault.file} has {text.count(fault.before)} times: {fault.before!r}"
        )
    path.write_text(text.replace(fault.before, fault.after))


def run(fault: Fault | None, tests: tuple[str, ...]) -> tuple[int, str]:
    """Pytest's exit status and output, over the planted package (conftest checks that it is)."""
    with tempfile.TemporaryDirectory(prefix="oob-heal-fault-") as folder:
        plant(fault, Path(folder))
        environment = {**os.environ, "OOB_HEAL_PLANTED": folder, "PYTHONPATH": folder}
        # Faults are planted two at a time already, and what one breaks is not tried again.
        how = ["-n", "2"] if fault is None else ["-n", "0", "-p", "no:rerunfailures"]
        command = [sys.executable, "-m", "pytest", "-q", "-x", "--timeout=20", "--tb=line"]
        done = subprocess.run(
            [*command, *how, "-p", "no:cacheprovider", *tests],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=CONTROL_LIMIT if fault is None else LIMIT,
            check=False,
        )
    return done.returncode, done.stdout + done.stderr
