"""Instructions that a hit takes, counted by valgrind's callgrind: a figure that no load disturbs.

``python -m tests.benchmarks.instructions [--output FOLDER]`` prints them beside ``lru_cache``'s and
writes ``instructions.json``; without valgrind it says so, and ends well. The same interpreter gives
the same figure to within a few, so a regression shows from run to run.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

CALLS = 20_000
CHILD = "--count"


def functions() -> dict[str, Any]:
    """What is called, by name."""
    from oob_heal import HealingCache
    from oob_heal.testing import ManualExecutor

    def one(a: int) -> int:
        return a

    ours = HealingCache(ttl=3_600, executor=ManualExecutor())(default=0)(one)
    ours.set(5, 5)
    ours(5)
    return {"nothing": None, "oob_heal": ours, "lru_cache": functools.lru_cache(100)(one)}


def child(name: str) -> None:
    f = functions()[name]
    if f is not None:
        for _ in range(CALLS):
            f(5)


def counted(name: str) -> int:
    """Instructions of a whole run of the child."""
    command = [
        *("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"),
        *(sys.executable, "-m", "tests.benchmarks.instructions", CHILD, name),
    ]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONMALLOC": "pymalloc"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
    if found is None:
        raise RuntimeError(f"valgrind said no count: {done.stderr[-300:]}")
    return int(found[1])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.instructions")
    parser.add_argument(CHILD, default="", help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, default=Path("build/benchmarks"), metavar="FOLDER")
    asked = parser.parse_args()
    if asked.count:
        child(asked.count)
        return 0
    if shutil.which("valgrind") is None:
        print("valgrind is not here: the instructions of a hit are not counted")
        return 0
    nothing = counted("nothing")
    found: dict[str, Any] = {
        name: (counted(name) - nothing) / CALLS for name in ("oob_heal", "lru_cache")
    }
    print("  ".join(f"{name}: {each:,.0f} instructions a hit" for name, each in found.items()))
    found["interpreter"] = platform.python_version()
    asked.output.mkdir(parents=True, exist_ok=True)
    (asked.output / "instructions.json").write_text(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
