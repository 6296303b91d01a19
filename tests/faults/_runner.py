"""Runs of pytest over planted copies, from a process that has pytest and all else imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.faults._plant import ROOT

ALWAYS = (
    "-q", "-x", "--tb=line", "-n", "0", "-p", "no:cacheprovider",
    # It says that what is warm was imported before pytest came to rewrite it.
    "-W", "ignore::pytest.PytestAssertRewriteWarning",
)  # fmt: skip


@dataclass(frozen=True)
class Ran:
    """``status`` is pytest's, None where the run did not end; ``processor`` counts s of its time,
    ``seconds`` those of the wall."""

    status: int | None
    seconds: float
    processor: float
    output: str


class Runner:
    """One warm process, and one run at a time."""

    def __init__(self) -> None:
        bare = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "faults" / "_warm.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT / "tests" / "faults",
            # One thread: a process with more of them is not to be forked.
            env={**bare, "OPENBLAS_NUM_THREADS": "1"},
        )

    def run(self, folder: Path, tests: tuple[str, ...], limit: float, *how: str) -> Ran:
        """Pytest over the package in ``folder`` (conftest checks that it is that one)."""
        output = folder / f"output-{self.process.pid}.txt"
        job = {
            "folder": str(folder),
            "output": str(output),
            "arguments": [*ALWAYS, *how, *tests],
            "limit": limit,
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        told = json.loads(self.process.stdout.readline())
        return Ran(**told, output=output.read_text(errors="replace"))

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()
