"""What the last whole runs found, kept with the code: ``tests/last_runs.json``, by release.

Law: written by the tools themselves, with ``--record``, and only by a run of everything; shown on
the page on reliability, which the tests hold to it. Facts are names and counts, never times.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "tests" / "last_runs.json"


def read() -> dict[str, dict[str, Any]]:
    """By what was run; each with the ``release`` that it was run over."""
    return json.loads(FILE.read_text()) if FILE.exists() else {}


def record(what: str, facts: dict[str, Any]) -> None:
    """Put these in the place of what was known of it."""
    release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    known = read() | {what: {"release": release, **facts}}
    FILE.write_text(json.dumps(dict(sorted(known.items())), indent=2) + "\n")
