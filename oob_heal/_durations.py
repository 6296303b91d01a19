"""Durations as users write them, in seconds.

Law: pure. A bad one is refused by its parameter's name; what a lock cannot wait for is cut to
what it can.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

LONGEST_WAIT = 1e9  # s, some thirty years: every lock takes it for a timeout
LONGEST_HELD = 30 * 86_400.0  # s for which a store holds a key back at most: by lease or retry time


def seconds(name: str, value: Any, *, zero: bool = False, infinite: bool = False) -> float:
    """A duration in seconds."""
    if isinstance(value, dt.timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(
            f"{name}= must be a number of seconds or a timedelta, not {type(value).__name__}"
        )
    try:
        number = float(value)
    except OverflowError:
        raise ValueError(f"{name}= is too large; write float('inf') for no end") from None
    if math.isnan(number) or number < 0 or (number == 0 and not zero):
        least = "0 or more" if zero else "above 0"
        raise ValueError(f"{name}= must be {least} seconds, not {number:g}")
    if math.isinf(number) and not infinite:
        raise ValueError(f"{name}= must be finite")
    return number


def patience(name: str, value: Any) -> float:
    """A duration for which something waits: 0 or more seconds, as many as a lock can wait."""
    return min(seconds(name, value, zero=True), LONGEST_WAIT)
