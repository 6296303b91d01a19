"""The figures and the heals for OpenTelemetry: metrics and traces, by its API alone.

Law: metrics are read when they are collected, and cost nothing between; only heals are recorded as
they end, off the hot path. Traces do in callers and heals what is in memory, and no more; spans
end in a thread of their own. Attributes are names from the code: never a key, an argument, a value
or an error's message.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from oob_heal._model import Outcome, Reason
from oob_heal.export._otel_once import OneReading
from oob_heal.export._otel_read import FUNCTION, INSTRUMENTS, OUTCOME, Instrument
from oob_heal.export._series import HasFigures, gathered

try:
    from opentelemetry import context, metrics, trace
    from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation
    from opentelemetry.trace import SpanKind, TracerProvider

    from oob_heal.export._otel_spans import HealSpan, link_to
except ImportError as missing:
    raise ImportError("pip install 'oob_heal[otel]' for this exporter") from missing

SCOPE = "oob_heal"
REASON = "oob_heal.reason"
_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Telemetry:
    """Metrics and traces of the caches that it observes and watches.

    As an observer it records heals and traces them: the request's span gets an event
    ``cache_missed``, and the heal a trace of its own, linked to that span, through a queue too.
    ``watch(cache)`` has the figures of a cache collected with the other metrics. Providers are the
    global ones unless given.

    >>> from oob_heal import HealingCache
    >>> telemetry = Telemetry()
    >>> cache = HealingCache(observers=[telemetry])
    >>> telemetry.watch(cache)
    """

    only_heals = True

    def __init__(
        self,
        *,
        meter_provider: MeterProvider | None = None,
        tracer_provider: TracerProvider | None = None,
    ) -> None:
        self._caches: list[HasFigures] = []
        self._reading = OneReading(lambda: gathered(self._caches), len(INSTRUMENTS), time.monotonic)
        self._tracer = trace.get_tracer(SCOPE, tracer_provider=tracer_provider)
        meter = metrics.get_meter(SCOPE, meter_provider=meter_provider)
        for each in INSTRUMENTS:
            create = getattr(meter, f"create_observable_{each.kind}")
            create(each.name, [self._callback(each)], unit=each.unit, description=each.text)
        self._duration = meter.create_histogram(
            "oob_heal.heal.duration",
            unit="s",
            description="From the lease to the end of a heal.",
            explicit_bucket_boundaries_advisory=_BOUNDS,
        )
        self._time_to_heal = meter.create_histogram(
            "oob_heal.heal.time_to_heal",
            unit="s",
            description="From a miss to the commit that healed it.",
            explicit_bucket_boundaries_advisory=_BOUNDS,
        )

    def watch(self, *caches: HasFigures) -> None:
        """Have the figures of these caches collected, until this process ends."""
        self._caches += caches

    def _callback(self, instrument: Instrument) -> Callable[[CallbackOptions], list[Observation]]:
        def observations(_options: CallbackOptions) -> list[Observation]:
            rows = instrument.read(self._reading.of(instrument.name))
            return [Observation(number, about) for number, about in rows]

        return observations

    def __call__(self, happening: Any, /) -> None:
        """Record a heal that ended."""
        took, since_missed = (getattr(happening, each, None) for each in ("took", "since_missed"))
        if took is None:
            return
        outcome: Outcome = happening.outcome
        about = {FUNCTION: happening.function, OUTCOME: outcome.value}
        self._duration.record(took, about)
        if outcome is Outcome.HEALED and since_missed is not None:
            self._time_to_heal.record(since_missed, {FUNCTION: happening.function})

    def traceparent(self) -> str | None:
        """The caller's span, as W3C Trace Context writes it; None if there is none."""
        here = trace.get_current_span().get_span_context()
        if not here.is_valid:
            return None
        return f"00-{here.trace_id:032x}-{here.span_id:016x}-{here.trace_flags:02x}"

    def cache_missed(self, function: str, reason: Reason) -> None:
        """Note it in the caller's span."""
        span = trace.get_current_span()
        if span.is_recording():
            span.add_event("cache_missed", {FUNCTION: function, REASON: reason.value})

    def heal_span(self, function: str, reason: Reason, traceparent: str | None) -> HealSpan:
        """The root span of a heal's own trace, linked to the request's span."""
        link = link_to(traceparent)
        return HealSpan(
            self._tracer.start_span(
                f"heal {function}",
                context.Context(),
                kind=SpanKind.INTERNAL,
                attributes={FUNCTION: function, REASON: reason.value},
                links=[link] if link is not None else [],
            )
        )
