"""The figures of a cache at one moment, for exporters and pages to read.

Law: frozen values of plain numbers and names; nothing that acts. No key, argument or value is in
them, so they can be shown to anyone. Durations are seconds. All counters only grow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

from oob_heal._promise import Kept

__all__ = [
    "BREAKER_STATES",
    "Buckets",
    "CacheFigures",
    "DependencyFigures",
    "ExecutorFigures",
    "FunctionFigures",
    "Kept",
]


@dataclass(frozen=True, slots=True)
class Buckets:
    """A histogram: ``counts[i]`` observations of at most ``bounds[i]`` and above the bound before;
    the last count is of those above all bounds. ``total`` is their sum, None where nobody adds.

    >>> Buckets((1.0, 5.0), (2, 1, 0), 4.5).up_to
    ((1.0, 2), (5.0, 3), (inf, 3))
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float | None = None

    @property
    def up_to(self) -> tuple[tuple[float, int], ...]:
        """Each bound and how many are at most that, infinity last."""
        return tuple(zip((*self.bounds, math.inf), accumulate(self.counts), strict=True))

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.counts)

    def __add__(self, other: Buckets) -> Buckets:
        """Both together; their bounds must be the same."""
        if self.bounds != other.bounds:
            raise ValueError("histograms of different bounds do not add up")
        counts = tuple(a + b for a, b in zip(self.counts, other.counts, strict=True))
        known = self.total is not None and other.total is not None
        total = (self.total or 0.0) + (other.total or 0.0) if known else None
        return Buckets(self.bounds, counts, total)


@dataclass(frozen=True, slots=True)
class FunctionFigures:
    """One decorated function, in this process, since it was decorated.

    ``answers`` by kind: fresh, stale, default, error. ``ages``: of the values among them. A fresh
    answer is not timed: it counts under the smallest bound that is not below the ttl, so no answer
    shows younger than it was. ``heals`` by outcome; ``healing`` are under way. ``time_to_heal``:
    from the miss to the commit; ``heal_duration``: from the lease to the end, of heals that ran in
    this process and healed, failed or were refused. ``failing``: keys that do not heal.
    ``backend_failing``: whether the backend failed it within the last 10 s.

    >>> from oob_heal import HealingCache
    >>> cache = HealingCache()
    >>> @cache(ttl=60)
    ... def double(n: int) -> int:
    ...     return 2 * n
    >>> double.set(8, 4)
    >>> double(4), cache.figures().functions[0].answers["fresh"]
    (8, 1)
    """

    function: str
    answers: Mapping[str, int]
    ages: Buckets
    heals: Mapping[str, int]
    healing: int
    time_to_heal: Buckets
    heal_duration: Buckets
    failing: int
    backend_failures: int
    backend_failing: bool
    promise: Kept | None = None


@dataclass(frozen=True, slots=True)
class ExecutorFigures:
    """All executors of one class: how many heals are ``waiting``, ``running``, ``sent``, or hang,
    as far as they say.

    >>> ExecutorFigures("ThreadExecutor", {"waiting": 3, "running": 1}).heals["waiting"]
    3
    """

    executor: str
    heals: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DependencyFigures:
    """What functions call when they heal: whether its ``breaker`` is ``closed``, ``open`` or
    ``half-open``, and how many heals are ``calling`` it now, of at most ``at_most``.

    >>> DependencyFigures("prices-api", "closed", calling=2, at_most=4).breaker
    'closed'
    """

    dependency: str
    breaker: str
    calling: int
    at_most: int


@dataclass(frozen=True, slots=True)
class CacheFigures:
    """Everything of one cache: see ``HealingCache.figures``.

    >>> from oob_heal import HealingCache
    >>> HealingCache().figures().functions
    ()
    """

    functions: tuple[FunctionFigures, ...]
    executors: tuple[ExecutorFigures, ...] = ()
    dependencies: tuple[DependencyFigures, ...] = ()


BREAKER_STATES = ("closed", "half-open", "open")
