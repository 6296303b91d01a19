"""One reading of the figures for a whole collection.

Law: knows nothing of OpenTelemetry but that it asks each instrument by itself, and never says when
a collection begins. So one that asks again begins the next, and so does one that asks late. No
lock: two collections at once may take a reading more, and never an older one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from oob_heal.figures import CacheFigures
from oob_heal.ports import Clock

TOGETHER = 1.0  # s from a reading in which what instruments ask for is one collection


class Reading(NamedTuple):
    """Figures, until when they stand for a collection, and the instruments that had them."""

    figures: CacheFigures
    until: float
    had: set[str]


class OneReading:
    """Takes a reading when a collection begins, and keeps it until so many instruments had it."""

    def __init__(self, take: Callable[[], CacheFigures], instruments: int, clock: Clock) -> None:
        self._take = take
        self._instruments = instruments
        self._clock = clock
        self._last: Reading | None = None

    def of(self, instrument: str) -> CacheFigures:
        """The figures that an instrument shows in this collection."""
        last = self._last
        if last is None or instrument in last.had or self._clock() >= last.until:
            last = Reading(self._take(), self._clock() + TOGETHER, set())
        last.had.add(instrument)
        self._last = last if len(last.had) < self._instruments else None
        return last.figures
