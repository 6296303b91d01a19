"""The figures for Prometheus: a collector for ``prometheus_client``.

Law: reads when it is scraped, and costs nothing between. Names and units are those of
https://prometheus.io/docs/practices/naming: seconds, ``_total`` for what only grows. Labels are
names from the code, and there are never more than ``_series`` lets pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from oob_heal.export._series import HasFigures, gathered
from oob_heal.figures import BREAKER_STATES, Buckets, CacheFigures, FunctionFigures

try:
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
        Metric,
    )
    from prometheus_client.registry import Collector as _Collector
except ImportError as missing:
    raise ImportError("pip install 'oob_heal[prometheus]' for this exporter") from missing

Samples = Iterable[tuple[list[str], Any]]

FUNCTION = "function"


class Collector(_Collector):
    """Shows the figures of caches: ``REGISTRY.register(Collector(cache))``.

    The ages of the answers are a histogram without a sum: a fresh answer is not timed. It counts
    under the smallest bound that is not below the function's ttl.

    >>> from oob_heal import HealingCache
    >>> from prometheus_client import CollectorRegistry
    >>> registry = CollectorRegistry()
    >>> cache = HealingCache(ttl=60)
    >>> registry.register(Collector(cache))
    >>> @cache(name="price", default=0)
    ... def price(article: str) -> int:
    ...     return 7
    >>> price.set(7, "tea")
    >>> price("tea")
    7
    >>> labels = {"function": "price", "answer": "fresh"}
    >>> registry.get_sample_value("oob_heal_answers_total", labels)
    1
    """

    def __init__(self, *caches: HasFigures) -> None:
        self._caches = caches

    def describe(self) -> Iterator[Metric]:
        """The names, without figures."""
        return _families(CacheFigures(()))

    def collect(self) -> Iterator[Metric]:
        """The figures of this moment."""
        return _families(gathered(self._caches))


def _families(figures: CacheFigures) -> Iterator[Metric]:
    functions = figures.functions
    yield from _answers(functions)
    yield from _heals(functions)
    yield from _troubles(functions)
    yield from _promises(functions)
    yield _gauge(
        "oob_heal_executor_heals",
        "Heals in the executors of a class, by what they do there.",
        ["executor", "state"],
        (([e.executor, state], n) for e in figures.executors for state, n in e.heals.items()),
    )
    yield from _dependencies(figures)


def _answers(functions: tuple[FunctionFigures, ...]) -> Iterator[Metric]:
    yield _counter(
        "oob_heal_answers",
        "Calls answered, by what with.",
        [FUNCTION, "answer"],
        (([f.function, kind], n) for f in functions for kind, n in f.answers.items()),
    )
    yield _histogram(
        "oob_heal_answer_age_seconds",
        "Age of the values served; a fresh one counts as old as its ttl.",
        ((f.function, f.ages) for f in functions),
    )


def _heals(functions: tuple[FunctionFigures, ...]) -> Iterator[Metric]:
    yield _counter(
        "oob_heal_heals",
        "Heals that ended, by outcome.",
        [FUNCTION, "outcome"],
        (([f.function, outcome], n) for f in functions for outcome, n in f.heals.items()),
    )
    yield _gauge(
        "oob_heal_heals_under_way",
        "Heals published that have not ended.",
        [FUNCTION],
        (([f.function], f.healing) for f in functions),
    )
    yield _histogram(
        "oob_heal_time_to_heal_seconds",
        "From a miss to the commit that healed it, of heals that ran in this process.",
        ((f.function, f.time_to_heal) for f in functions),
    )
    yield _histogram(
        "oob_heal_heal_duration_seconds",
        "From the lease to the end of heals that ran in this process.",
        ((f.function, f.heal_duration) for f in functions),
    )


def _troubles(functions: tuple[FunctionFigures, ...]) -> Iterator[Metric]:
    yield _gauge(
        "oob_heal_failing_keys",
        "Keys that do not heal.",
        [FUNCTION],
        (([f.function], f.failing) for f in functions),
    )
    yield _counter(
        "oob_heal_backend_failures",
        "Verbs of the backend that failed or were too slow.",
        [FUNCTION],
        (([f.function], f.backend_failures) for f in functions),
    )
    yield _gauge(
        "oob_heal_backend_failing",
        "1 if the backend failed within the last 10 s.",
        [FUNCTION],
        (([f.function], int(f.backend_failing)) for f in functions),
    )


def _promises(functions: tuple[FunctionFigures, ...]) -> Iterator[Metric]:
    promised = [(f.function, f.promise) for f in functions if f.promise is not None]
    yield _gauge(
        "oob_heal_promise_kept",
        "1 if the promise on staleness is kept.",
        [FUNCTION],
        (([name], int(kept.is_kept)) for name, kept in promised),
    )
    yield _gauge(
        "oob_heal_promise_young_ratio",
        "Share of the answers in the promise's window that were young enough.",
        [FUNCTION],
        (([name], kept.share) for name, kept in promised if kept.share is not None),
    )
    yield _gauge(
        "oob_heal_promise_target_ratio",
        "Share of the answers that is promised to be young enough.",
        [FUNCTION],
        (([name], kept.promise.share) for name, kept in promised),
    )


def _dependencies(figures: CacheFigures) -> Iterator[Metric]:
    dependencies = figures.dependencies
    yield _gauge(
        "oob_heal_breaker_state",
        "1 for the state that the breaker of a dependency is in.",
        ["dependency", "state"],
        (
            ([each.dependency, state], int(each.breaker == state))
            for each in dependencies
            for state in BREAKER_STATES
        ),
    )
    yield _gauge(
        "oob_heal_dependency_calls",
        "Heals that call a dependency now.",
        ["dependency"],
        (([each.dependency], each.calling) for each in dependencies),
    )
    yield _gauge(
        "oob_heal_dependency_calls_limit",
        "Heals that may call a dependency at once.",
        ["dependency"],
        (([each.dependency], each.at_most) for each in dependencies),
    )


def _counter(name: str, text: str, labels: list[str], samples: Samples) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def _gauge(name: str, text: str, labels: list[str], samples: Samples) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def _le(bound: float) -> str:
    return "+Inf" if math.isinf(bound) else str(bound)


def _histogram(name: str, text: str, samples: Iterable[tuple[str, Buckets]]) -> Metric:
    family = HistogramMetricFamily(name, text, labels=[FUNCTION])
    for function, buckets in samples:
        le = [(_le(bound), float(count)) for bound, count in buckets.up_to]
        family.add_metric([function], le, buckets.total)
    return family
