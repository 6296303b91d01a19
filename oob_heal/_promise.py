"""A promise on staleness, and whether it is kept.

Law: frozen values and one bounded window of samples; pure, time is an argument. The window knows
counters that only grow; who owns them samples them when something happens and when somebody looks.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from oob_heal._durations import seconds

SLOTS = 60  # samples a window


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What share of a function's answers must be younger than how many seconds.

    A default and an error have no age, so they do not keep it. It is judged over a sliding window
    of ``window`` seconds. ``younger_than`` must be at least the function's ``ttl``: a fresh answer
    is not timed, it is only known to be younger than that. Durations may be timedeltas. Source:
    Beyer et al., "Site Reliability Engineering", ch. 4, Service Level Objectives, 2016.

    >>> Promise(share=0.99, younger_than=300)
    Promise(younger_than=300.0, share=0.99, window=300.0)
    """

    younger_than: float | dt.timedelta
    share: float = 0.99
    window: float | dt.timedelta = 300.0

    def __post_init__(self) -> None:
        for name in ("younger_than", "window"):
            object.__setattr__(self, name, seconds(f"Promise {name}", getattr(self, name)))
        if isinstance(self.share, bool) or not isinstance(self.share, (int, float)):
            raise TypeError(f"Promise share= must be a number, not {type(self.share).__name__}")
        if not 0 < self.share <= 1:
            raise ValueError("Promise share= must be above 0 and at most 1; 0.99 is 99 %")

    @property
    def limit(self) -> float:
        """``younger_than`` in seconds, which it is since the checks."""
        return float(self.younger_than)  # type: ignore[arg-type]

    @property
    def length(self) -> float:
        """``window`` in seconds."""
        return float(self.window)  # type: ignore[arg-type]


class Counts(NamedTuple):
    """Answers so far: all, those young enough, and those with nothing behind them."""

    answers: int = 0
    young: int = 0
    defaults: int = 0
    errors: int = 0


class Kept(NamedTuple):
    """Whether a promise is kept: over the last ``over`` seconds, ``young`` of ``answers`` were
    young enough; of the others some were older, some defaults and some errors.

    >>> from oob_heal import Promise
    >>> Kept(Promise(younger_than=60), 1000, 985, 10, 5, 300.0).is_kept
    False
    """

    promise: Promise
    answers: int
    young: int
    defaults: int
    errors: int
    over: float

    @property
    def share(self) -> float | None:
        """The share of answers that were young enough; None if there were none."""
        return self.young / self.answers if self.answers else None

    @property
    def is_kept(self) -> bool:
        """Whether it is. No answer breaks no promise."""
        return self.share is None or self.share >= self.promise.share  # a product would round

    @property
    def older(self) -> int:
        """How many answers were too old."""
        return self.answers - self.young - self.defaults - self.errors


class Window:
    """Samples of what was counted, from one window ago until now. The caller holds a lock."""

    def __init__(self, promise: Promise) -> None:
        self.promise = promise
        self.due = 0.0  # when the next sample is worth taking
        self._samples: deque[tuple[float, Counts]] = deque(maxlen=SLOTS + 2)

    def note(self, now: float, counts: Counts) -> None:
        """Keep a sample, unless the last one is recent."""
        if not self._samples or now >= self.due:
            self.due = now + self.promise.length / SLOTS
            self._samples.append((now, counts))
        while len(self._samples) > 1 and self._samples[1][0] <= now - self.promise.length:
            self._samples.popleft()

    def judge(self, now: float, counts: Counts) -> Kept:
        """Whether it is kept now: since the newest sample that is a window old, else the oldest."""
        self.note(now, counts)
        at, then = self._samples[0]
        since = Counts(*(so_far - before for so_far, before in zip(counts, then, strict=True)))
        return Kept(self.promise, *since, now - at)
