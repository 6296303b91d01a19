"""Time that a test moves by hand."""

from __future__ import annotations


class ManualClock:
    """A clock that stands still until it is advanced; seconds.

    >>> clock = ManualClock()
    >>> clock.advance(1.5)
    >>> clock()
    1001.5
    """

    def __init__(self, now: float = 1_000.0) -> None:
        self._now = now

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass. It never runs backwards: a negative step is a ValueError."""
        if seconds < 0:
            raise ValueError("a clock does not run backwards")
        self._now += seconds

    sleep = advance

    async def asleep(self, seconds: float) -> None:
        """As ``advance``, awaited: what code that sleeps asynchronously does on this clock."""
        self.advance(seconds)
