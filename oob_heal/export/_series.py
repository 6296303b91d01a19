"""From the figures of caches to series that an exporter may show: one a name, and not too many.

Law: pure. Two functions of one name are one series, since two of the same labels would be none;
beyond ``AT_MOST`` functions the rest are one, named ``(others)``. A label is a name from the code:
never a key, an argument or a value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol, TypeVar

from oob_heal._promise import Kept
from oob_heal.figures import (
    BREAKER_STATES,
    CacheFigures,
    DependencyFigures,
    ExecutorFigures,
    FunctionFigures,
)

AT_MOST = 500  # functions, executors or dependencies with series of their own
OTHERS = "(others)"

F = TypeVar("F")


class HasFigures(Protocol):
    """A ``HealingCache``, as exporters know it."""

    def figures(self) -> CacheFigures: ...


def gathered(caches: Iterable[HasFigures]) -> CacheFigures:
    """The figures of all of them, merged and capped."""
    shown = [cache.figures() for cache in caches]
    return CacheFigures(
        _merged((each for one in shown for each in one.functions), _function),
        _merged((each for one in shown for each in one.executors), _executor),
        _merged((each for one in shown for each in one.dependencies), _dependency),
    )


def _merged(figures: Iterable[F], both: Callable[[F, F], F]) -> tuple[F, ...]:
    """One of each name, which is the first field of all figures."""
    series: dict[str, F] = {}
    for each in figures:
        field = next(iter(type(each).__slots__))  # type: ignore[attr-defined]
        name = getattr(each, field)
        if name not in series and len(series) >= AT_MOST:
            name = OTHERS
            each = replace(each, **{field: name})  # type: ignore[type-var]
        series[name] = both(series[name], each) if name in series else each
    return tuple(series.values())


def _function(one: FunctionFigures, two: FunctionFigures) -> FunctionFigures:
    return FunctionFigures(
        function=one.function,
        answers=_sum(one.answers, two.answers),
        ages=one.ages + two.ages,
        heals=_sum(one.heals, two.heals),
        healing=one.healing + two.healing,
        time_to_heal=one.time_to_heal + two.time_to_heal,
        heal_duration=one.heal_duration + two.heal_duration,
        failing=one.failing + two.failing,
        backend_failures=one.backend_failures + two.backend_failures,
        backend_failing=one.backend_failing or two.backend_failing,
        promise=_worse(one.promise, two.promise),
    )


def _executor(one: ExecutorFigures, two: ExecutorFigures) -> ExecutorFigures:
    return ExecutorFigures(one.executor, _sum(one.heals, two.heals))


def _dependency(one: DependencyFigures, two: DependencyFigures) -> DependencyFigures:
    breaker = max(one.breaker, two.breaker, key=BREAKER_STATES.index)
    calling, at_most = one.calling + two.calling, one.at_most + two.at_most
    return DependencyFigures(one.dependency, breaker, calling, at_most)


def _sum(one: Mapping[str, int], two: Mapping[str, int]) -> Mapping[str, int]:
    counts = Counter(one)
    counts.update(two)
    return dict(counts)


def _worse(one: Kept | None, two: Kept | None) -> Kept | None:
    """Of two promises under one name, the one that is further from being kept."""
    if one is None or two is None:
        return one or two
    return min(one, two, key=_margin)


def _margin(kept: Kept) -> float:
    return 1.0 if kept.share is None else kept.share - kept.promise.share
