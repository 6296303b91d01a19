"""What one function counts of its answers and heals: plain integers.

Law: no lock and no clock here. A request pays one bisection and one list increment, and only for a
stale answer: fresh ones are counted by the read path alone, and are known to be younger than the
ttl. Stale ones that a table serves while their heal is under way are only counted, too, and have
the age of the oldest of them: exact as to the function's promise, and never younger than they were.
What heals add, they add under the lock of ``InFlight``.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence

from oob_heal._counted import Counted
from oob_heal._model import Outcome
from oob_heal._promise import Promise
from oob_heal.figures import Buckets

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
AGE_BOUNDS = (
    *(0.1, 0.5, 1.0, 2.0, 5.0, 15.0, 30.0),
    *(MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, DAY, 7 * DAY),
)
HEAL_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

ran_to_an_end = frozenset({Outcome.HEALED, Outcome.FAILED, Outcome.REFUSED})


class Histogram:
    """Counts durations; ``le``, as Prometheus has it: a bound belongs to what is below it."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...] = HEAL_BOUNDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def count(self, seconds: float) -> None:
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    def read(self) -> Buckets:
        return Buckets(self.bounds, tuple(self.counts), self.total)


class Tally:
    """The counters of one function beside its hits and its absent answers."""

    def __init__(self, promise: Promise | None = None, counted: Counted | None = None) -> None:
        self._counted = counted or Counted()
        self._settled = 0
        self._hushed = 0  # the bucket of the oldest that a table serves by itself,
        self._hushed_until = -math.inf  # and until when it does
        own = () if promise is None else (promise.limit,)
        # The bounds of this function: those of all, and its promise's own, so that it is exact.
        self.age_bounds: tuple[float, ...] = tuple(sorted({*AGE_BOUNDS, *own}))
        # By bisect_right: an answer is in the first bucket whose bound it is younger than.
        self.stale_by_age = [0] * (len(self.age_bounds) + 1)
        self.errors = 0
        self.backend_failures = 0
        self.backend_failed_at = float("-inf")
        self.time_to_heal = Histogram()
        self.heal_duration = Histogram()
        self.promise = promise

    @property
    def stale(self) -> int:
        """How many answers were stale."""
        return sum(self.stale_by_age) + self._counted.stale - self._settled

    def hushed(self, age: float, now: float, until: float) -> float:
        """A table serves a stale answer of this age by itself from now on, and until when, at most
        until then: in that time it stays in its bucket. Older ones that a table still serves keep
        the bucket theirs. The caller holds the lock of ``InFlight``, as of ``settle``."""
        bucket = bisect_right(self.age_bounds, age)
        if bucket < len(self.age_bounds):
            until = min(until, now - age + self.age_bounds[bucket])
        if bucket > self._hushed or now >= self._hushed_until:
            self.settle()
            self._hushed, self._hushed_until = bucket, until
        elif bucket == self._hushed:
            self._hushed_until = max(self._hushed_until, until)
        return until

    def settle(self) -> None:
        """Give the stale answers that were only counted an age."""
        counted = self._counted.stale
        self.stale_by_age[self._hushed] += counted - self._settled
        self._settled = counted

    def young(self, stale_by_age: Sequence[int]) -> int:
        """How many stale answers were as young as is promised."""
        limit = 0.0 if self.promise is None else self.promise.limit
        return sum(stale_by_age[: bisect_right(self.age_bounds, limit)])

    def ages(self, fresh: int, ttl: float) -> Buckets:
        """The ages of all values served, in the bounds of all."""
        counts: Counter[int] = Counter()
        for bound, count in zip((*self.age_bounds, float("inf")), self.stale_by_age, strict=True):
            counts[bisect_left(AGE_BOUNDS, bound)] += count
        counts[bisect_left(AGE_BOUNDS, ttl)] += fresh
        return Buckets(AGE_BOUNDS, tuple(counts[i] for i in range(len(AGE_BOUNDS) + 1)))

    def heal_ended(self, outcome: Outcome, since_missed: float, since_lease: float) -> None:
        """A heal that ran here came to an end."""
        if outcome in ran_to_an_end:
            self.heal_duration.count(since_lease)
        if outcome is Outcome.HEALED:
            self.time_to_heal.count(since_missed)
