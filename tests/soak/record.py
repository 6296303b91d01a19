"""The history: a file of lines a process, each line whole or torn by a kill at its very end.

Law: written without a buffer, so that what a process did before it was killed is there. A line
is a kind and its fields, in JSON.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Recorder:
    """Writes the lines of one process."""

    def __init__(self, folder: Path, name: str) -> None:
        path = folder / f"{name}-{os.getpid()}.jsonl"
        self.file = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY)

    def __call__(self, kind: str, *fields: Any) -> None:
        os.write(self.file, json.dumps([kind, *fields]).encode() + b"\n")

    def size(self) -> None:
        """What this process takes: kilobytes of memory, and descriptors."""
        status = Path("/proc/self/status").read_text()
        (memory,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
        descriptors = sum(1 for _ in Path("/proc/self/fd").iterdir())
        self("size", time.monotonic(), int(memory), descriptors)


def read(folder: Path) -> Iterator[tuple[str, list[Any]]]:
    """Every line of every process, with the process's name; a torn last line is nothing."""
    for path in sorted(folder.glob("*.jsonl")):
        lines = path.read_bytes().split(b"\n")
        for line in lines[:-1]:  # the last is empty, or torn
            yield path.stem, json.loads(line)
