"""From where something happens to everyone who hears of it: observers, who traces, the log.

Law: telling is O(1) and never raises, whoever listens. Each observer has a mailbox of its own. A
tracer is asked in the caller, and what it raises is nothing. The log hears of troubles alone: the
same one once, and again at growing intervals for as long as it lasts.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from oob_heal import _lifecycle
from oob_heal._mailbox import Mailbox
from oob_heal._model import Outcome, Reason
from oob_heal.observe import (
    Answered,
    BreakerMoved,
    Happening,
    HealEnded,
    HealStarted,
    LogObserver,
    Missed,
)
from oob_heal.ports import Clock, Observer

LOG_AGAIN_AFTER = 60.0  # s until the same trouble is logged again,
LOG_LONGER = 4.0  # and so many times longer until the next time,
LOG_AT_LEAST_EVERY = 86_400.0  # s at most
TOLD_AT_MOST = 1_000  # troubles remembered as logged
QUIET = (Answered, Missed, HealStarted)


class Hub:
    """The mailboxes of one cache, and who traces. ``listening``: whether anybody hears answers;
    ``traces``, ``hears_misses``: whether there is anybody to ask for a trace, or to tell a miss."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._mailboxes = [Mailbox(observer) for observer in observers]
        self._log = Mailbox(LogObserver())
        self._told: dict[Happening, tuple[float, float]] = {}
        self.clock: Clock = time.monotonic
        self._hear_answers = [each for each in self._mailboxes if not _only_heals(each.observer)]
        self.listening = bool(self._hear_answers)
        asked = (getattr(each.observer, "traceparent", None) for each in self._mailboxes)
        self._tracer: Callable[[], Any] | None = next(filter(callable, asked), None)
        self.traces = self._tracer is not None
        spans = (getattr(each.observer, "heal_span", None) for each in self._mailboxes)
        self._span: Callable[..., Any] | None = next(filter(callable, spans), None)
        noted = (getattr(each.observer, "cache_missed", None) for each in self._mailboxes)
        self._note: Callable[..., Any] | None = next(filter(callable, noted), None)
        self.hears_misses = self.listening or self._note is not None
        self._span_ends = Mailbox(lambda end: end())

    def traceparent(self) -> str | None:
        """The caller's trace, where an observer knows one; whatever it raises, none."""
        if self._tracer is None:
            return None
        try:
            told = self._tracer()
        except Exception:
            return None
        return told if isinstance(told, str) else None

    def missed(self, function: str, reason: Reason) -> None:
        """In the caller: an event was published; who traces may note it in the caller's span."""
        if self.listening:
            self.tell(Missed(function, reason))
        if self._note is not None:
            try:
                self._note(function, reason)
            except Exception:  # who traces is nobody's trouble
                pass

    def heal_span(self, function: str, reason: Reason, traceparent: str | None) -> Any:
        """Where it runs: the span of a heal that begins, None if nobody traces."""
        if self._span is None:
            return None
        try:
            return self._span(function, reason, traceparent)
        except Exception:
            return None

    def span_ends(self, span: Any, outcome: Outcome, error: str, attempt: int) -> None:
        """End the span of a heal, in a thread of its own: what exports it may take its time."""
        at = time.time_ns()
        self._span_ends.put(lambda: span.end(outcome, error, attempt, at))  # if it has an end

    def tell(self, happening: Happening) -> None:
        heard = self._hear_answers if isinstance(happening, Answered) else self._mailboxes
        for mailbox in heard:
            mailbox.put(happening)
        if not isinstance(happening, QUIET) and not _is_no_trouble(happening):
            self._log_once(happening)

    def _log_once(self, happening: Happening) -> None:
        """The same trouble is logged once, and again after a minute of it, then after ever longer;
        one that was gone for as long as its last interval is news again."""
        if isinstance(happening, HealEnded):
            happening = replace(happening, attempt=0, took=None, since_missed=None)
        now = self.clock()
        due, interval = self._told.get(happening, (-math.inf, 0.0))
        if now < due:
            return
        if len(self._told) >= TOLD_AT_MOST:
            self._told.clear()
        longer = interval * LOG_LONGER if now < due + interval else LOG_AGAIN_AFTER
        interval = min(max(longer, LOG_AGAIN_AFTER), LOG_AT_LEAST_EVERY)
        self._told[happening] = (now + interval, interval)
        self._log.put(happening)

    def flush(self, grace: float) -> None:
        """Wait until every observer has heard all, at most ``grace`` seconds together."""
        until = time.monotonic() + grace
        for mailbox in [*self._mailboxes, self._span_ends, self._log]:
            mailbox.flush(max(0.0, until - time.monotonic()))


def _only_heals(observer: Observer) -> bool:
    return bool(getattr(observer, "only_heals", False))


def _is_no_trouble(happening: Happening) -> bool:
    """Not worth the log: the next read sees to what is lost, and an Advice to what always is."""
    if isinstance(happening, BreakerMoved):
        return happening.state != "open"
    return _lifecycle.is_ending() or (
        isinstance(happening, HealEnded)
        and happening.outcome in (Outcome.HEALED, Outcome.SKIPPED, Outcome.REFUSED, Outcome.LOST)
    )
