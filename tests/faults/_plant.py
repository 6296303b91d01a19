"""A planted fault: one replacement of the code under test, and the tests that must notice."""

from __future__ import annotations

import compileall
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


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


class Bed:
    """An unchanged copy of the package and its tests, and copies of it with a fault in them.

    All share its files, compiled ones too, but for the one that a fault changes: what pytest
    compiles over the unchanged copy, nobody compiles again.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="oob-heal-faults-"))
        self.unchanged = self.folder / "unchanged"
        for each in ("oob_heal", "tests"):
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / each, self.unchanged / each, ignore=ignore)
        shutil.copy(ROOT / "pyproject.toml", self.unchanged)
        compileall.compile_dir(self.unchanged / "oob_heal", quiet=1)

    def plant(self, fault: Fault) -> Path:
        """A folder of its own, for ``clear`` to take away."""
        where = Path(tempfile.mkdtemp(dir=self.folder))
        for each in ("oob_heal", "tests"):
            shutil.copytree(self.unchanged / each, where / each, copy_function=os.link)
        shutil.copy(ROOT / "pyproject.toml", where)
        path = where / "oob_heal" / fault.file
        text = path.read_text()
        if text.count(fault.before) != 1:
            self.clear(where)
            raise UnplantableError(
                f"{fault.file} has {text.count(fault.before)} times: {fault.before!r}"
            )
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
            compiled.unlink()
        path.unlink()  # the text is every copy's
        path.write_text(text.replace(fault.before, fault.after))
        return where

    def clear(self, where: Path) -> None:
        """Away with a copy; a process that is ending may still write there."""
        shutil.rmtree(where, ignore_errors=True)

    def close(self) -> None:
        self.clear(self.folder)
