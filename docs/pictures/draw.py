"""Draws the pictures of the docs: `python docs/pictures/draw.py`; with `--check` it writes nothing.

Law: the pictures are what the code says. With `--check` it ends with 1 if one is out of date, which
`tests/test_pictures.py` asks in every run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import others
import states

HERE = Path(__file__).parent

PICTURES: dict[str, Callable[[], str]] = {
    "states": states.draw,
    "naive": others.naive,
    "in-band": others.in_band,
    "out-of-band": others.out_of_band,
    "hit": others.hit,
    "stale": others.stale,
    "absent": others.absent,
    "ages": others.ages,
    "outage": others.outage,
}


def out_of_date() -> Iterator[Path]:
    """The pictures that are not what would be drawn now."""
    for name, draw in PICTURES.items():
        path = HERE / f"{name}.svg"
        if not path.is_file() or path.read_text(encoding="utf-8") != draw():
            yield path


def main() -> int:
    """Draw, or check."""
    for path in list(out_of_date()):
        if "--check" in sys.argv[1:]:
            print(f"out of date: {path.name}; draw it with python docs/pictures/draw.py")
            return 1
        path.write_text(PICTURES[path.stem](), encoding="utf-8")
        print(f"drawn: {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
