"""What OpenTelemetry collects of the figures: names, units, and how each is read.

Law: pure, and knows nothing of OpenTelemetry but its conventions,
https://opentelemetry.io/docs/specs/semconv/general/metrics: no ``_total``, units apart. What
Prometheus is shown is here too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from oob_heal._promise import Kept
from oob_heal.figures import BREAKER_STATES, CacheFigures

FUNCTION, OUTCOME = "oob_heal.function", "oob_heal.outcome"
DEPENDENCY = "oob_heal.dependency"

Rows = Iterator[tuple[float, dict[str, str]]]


class Instrument(NamedTuple):
    """What is read when metrics are collected."""

    kind: str
    name: str
    unit: str
    text: str
    read: Callable[[CacheFigures], Rows]


def _answers(figures: CacheFigures) -> Rows:
    for f in figures.functions:
        for kind, count in f.answers.items():
            yield count, {FUNCTION: f.function, "oob_heal.answer": kind}


def _aged(figures: CacheFigures) -> Rows:
    for f in figures.functions:
        bounds = [*(f"{bound:g}" for bound in f.ages.bounds), "+Inf"]
        for bound, count in zip(bounds, f.ages.counts, strict=True):
            yield count, {FUNCTION: f.function, "oob_heal.age.at_most": bound}


def _heals(figures: CacheFigures) -> Rows:
    for f in figures.functions:
        for outcome, count in f.heals.items():
            yield count, {FUNCTION: f.function, OUTCOME: outcome}


def _by_function(field: str) -> Callable[[CacheFigures], Rows]:
    def read(figures: CacheFigures) -> Rows:
        for f in figures.functions:
            yield int(getattr(f, field)), {FUNCTION: f.function}

    return read


def _executors(figures: CacheFigures) -> Rows:
    for e in figures.executors:
        for state, count in e.heals.items():
            yield count, {"oob_heal.executor": e.executor, "oob_heal.executor.state": state}


def _promises(read: Callable[[Kept], float | None]) -> Callable[[CacheFigures], Rows]:
    def rows(figures: CacheFigures) -> Rows:
        for f in figures.functions:
            number = None if f.promise is None else read(f.promise)
            if number is not None:
                yield number, {FUNCTION: f.function}

    return rows


def _breakers(figures: CacheFigures) -> Rows:
    for d in figures.dependencies:
        for state in BREAKER_STATES:
            about = {DEPENDENCY: d.dependency, "oob_heal.breaker.state": state}
            yield int(d.breaker == state), about


def _dependencies(field: str) -> Callable[[CacheFigures], Rows]:
    def read(figures: CacheFigures) -> Rows:
        for d in figures.dependencies:
            yield int(getattr(d, field)), {DEPENDENCY: d.dependency}

    return read


INSTRUMENTS = (
    Instrument(
        "counter", "oob_heal.answers", "{answer}", "Calls answered, by what with.", _answers
    ),
    Instrument(
        "counter",
        "oob_heal.answers.aged",
        "{answer}",
        "Values served, by age in seconds; a fresh one counts as old as its ttl.",
        _aged,
    ),
    Instrument("counter", "oob_heal.heals", "{heal}", "Heals that ended, by outcome.", _heals),
    Instrument(
        "up_down_counter",
        "oob_heal.heals.under_way",
        "{heal}",
        "Heals published that have not ended.",
        _by_function("healing"),
    ),
    Instrument(
        "up_down_counter",
        "oob_heal.keys.failing",
        "{key}",
        "Keys that do not heal.",
        _by_function("failing"),
    ),
    Instrument(
        "counter",
        "oob_heal.backend.failures",
        "{failure}",
        "Verbs of the backend that failed or were too slow.",
        _by_function("backend_failures"),
    ),
    Instrument(
        "gauge",
        "oob_heal.backend.failing",
        "1",
        "1 if the backend failed within the last 10 s.",
        _by_function("backend_failing"),
    ),
    Instrument(
        "up_down_counter",
        "oob_heal.executor.heals",
        "{heal}",
        "Heals in the executors of a class, by what they do there.",
        _executors,
    ),
    Instrument(
        "gauge",
        "oob_heal.promise.kept",
        "1",
        "1 if the promise on staleness is kept.",
        _promises(lambda kept: int(kept.is_kept)),
    ),
    Instrument(
        "gauge",
        "oob_heal.promise.young",
        "1",
        "Share of the answers in the promise's window that were young enough.",
        _promises(lambda kept: kept.share),
    ),
    Instrument(
        "gauge",
        "oob_heal.promise.target",
        "1",
        "Share of the answers that is promised to be young enough.",
        _promises(lambda kept: kept.promise.share),
    ),
    Instrument(
        "gauge",
        "oob_heal.breaker.state",
        "1",
        "1 for the state that the breaker of a dependency is in.",
        _breakers,
    ),
    Instrument(
        "up_down_counter",
        "oob_heal.dependency.calls",
        "{heal}",
        "Heals that call a dependency now.",
        _dependencies("calling"),
    ),
    Instrument(
        "up_down_counter",
        "oob_heal.dependency.calls.limit",
        "{heal}",
        "Heals that may call a dependency at once.",
        _dependencies("at_most"),
    ),
)
