"""The span of a heal, and its link to the request's.

Law: by OpenTelemetry's API alone, in memory alone. What a message says of a trace may come from
anyone: it is read by a pattern, and only ever linked to.
"""

from __future__ import annotations

import re

from opentelemetry import context, trace
from opentelemetry.trace import Link, Span, SpanContext, StatusCode, TraceFlags

from oob_heal._model import Outcome
from oob_heal.export._otel_read import OUTCOME

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


class HealSpan:
    """One heal's span: see ``ports.HealSpan``."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def enter(self) -> None:
        """What the function calls is traced below this heal; its context is thrown away after."""
        context.attach(trace.set_span_in_context(self._span))

    def end(self, outcome: Outcome, error: str, attempt: int, at: int) -> None:
        """End it, with its outcome and the type of its error."""
        span = self._span
        span.set_attributes({OUTCOME: outcome.value, "oob_heal.attempt": attempt})
        if error:
            span.set_attribute("error.type", error)
        if outcome is Outcome.FAILED:
            span.set_status(StatusCode.ERROR)
        span.end(at)


def link_to(traceparent: str | None) -> Link | None:
    """To the span that a message names, if it names one."""
    match = _TRACEPARENT.fullmatch(traceparent or "")
    if match is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in match.groups()[:3])
    found = SpanContext(trace_id, span_id, True, TraceFlags(flags))
    return Link(found) if found.is_valid else None
