"""Python in a process of its own, over the same package as this one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import oob_heal

ROOT = Path(oob_heal.__file__).resolve().parents[1]
LIMIT = 30  # s


def run_python(code: str, *, silent: bool = True, limit: float = LIMIT, **environment: str) -> str:
    """What it printed. It must end well and without a warning, and say nothing on standard error
    unless it may (``silent=False``: the log of a heal that failed comes there)."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not (done.stderr if silent else re.search("Traceback|Warning", done.stderr)), done.stderr
    return done.stdout
