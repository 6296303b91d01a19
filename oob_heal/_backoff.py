"""How long a key that failed to heal waits: the terms, checked as they are written.

Law: pure. Here stand the longest delays alone; where between 0 and there a wait ends is drawn in
``_decide``, by a number that it is given.
"""

from __future__ import annotations

import datetime as dt
import math
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """When a key that failed to heal is tried again: capped, exponential, with full jitter.

    After n failures in a row the delay is drawn evenly from 0 to
    ``min(maximum, initial * factor ** (n - 1))`` seconds; ``initial`` and ``maximum`` may be
    timedeltas. Source: Marc Brooker, "Exponential
    Backoff and Jitter", AWS Architecture Blog, 2015.

    >>> Backoff(initial=1, factor=2, maximum=60).ceiling(3)
    4.0
    """

    initial: float | dt.timedelta = 1.0
    factor: float = 2.0
    maximum: float | dt.timedelta = 60.0

    def __post_init__(self) -> None:
        for name in ("initial", "maximum"):
            duration = getattr(self, name)
            if isinstance(duration, dt.timedelta):
                object.__setattr__(self, name, duration.total_seconds())
        self._check()

    def _check(self) -> None:
        for name, least in (
            ("initial", "above 0"),
            ("factor", "at least 1"),
            ("maximum", "above 0"),
        ):
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                raise TypeError(f"Backoff({name}=) must be a number, not {type(number).__name__}")
            enough = number >= 1 if name == "factor" else number > 0
            if not enough or number > sys.float_info.max:
                raise ValueError(f"Backoff({name}=) must be finite and {least}")
        if self.longest < self._seconds("initial"):
            raise ValueError("Backoff(maximum=) must not be below initial=")

    def ceiling(self, attempt: int) -> float:
        """The longest delay in seconds after this many attempts."""
        initial, maximum = self._seconds("initial"), self.longest
        steps = max(0, attempt - 1)
        if self.factor > 1 and steps > math.log(maximum / initial, self.factor):
            return maximum
        return min(maximum, initial * self.factor**steps)

    @property
    def longest(self) -> float:
        """``maximum`` in seconds."""
        return self._seconds("maximum")

    def _seconds(self, name: str) -> float:
        """A duration, which is a number since the checks."""
        return float(getattr(self, name))
