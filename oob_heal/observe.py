"""What happens, told to observers: off the hot path, bounded, never able to hurt.

Law: happenings are frozen and hold no argument, value or default. Each observer has a mailbox
and a daemon thread of its own, started with the first happening; a caller or a heal only puts
the happening in, O(1). What an observer raises is swallowed; while it blocks, the oldest
happenings fall out of its mailbox and are counted.
"""

from __future__ import annotations

import functools
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from oob_heal import _lifecycle
from oob_heal._breaker import without_secrets
from oob_heal._collector import in_collector
from oob_heal._model import Freshness, Outcome, Reason
from oob_heal.ports import Clock, Observer

LAST_WORDS = 0.2  # s for what waits in a mailbox at exit
MAILBOX = 10_000  # happenings waiting for one observer
LOG_AGAIN_AFTER = 60.0  # s until the same trouble is logged again,
LOG_LONGER = 4.0  # and so many times longer until the next time,
LOG_AT_LEAST_EVERY = 86_400.0  # s at most
TOLD_AT_MOST = 1_000  # troubles remembered as logged
traceparent: ContextVar[str | None] = ContextVar("oob_heal_traceparent", default=None)
"""Inside a heal: the trace that its event was published in, as W3C Trace Context writes it.

An observer with a method ``traceparent()`` is asked for it in the caller, when an event is
published, and gives text or None, at once and without I/O; the first that has one is asked. The
event carries it to wherever the heal runs. Source: https://www.w3.org/TR/trace-context.
"""

IDLE = 5.0  # s after which a mailbox's idle thread ends, and its cache can be freed


@dataclass(frozen=True, slots=True)
class Happening:
    """Something happened to a decorated function; ``function`` is its label."""

    function: str


@dataclass(frozen=True, slots=True)
class Answered(Happening):
    """A call was answered. ``age`` in seconds, None with no entry behind it. An ``error`` answer
    is a CacheMissError."""

    freshness: Freshness
    age: float | None
    is_default: bool
    error: bool


@dataclass(frozen=True, slots=True)
class Missed(Happening):
    """A cache-missed event was published."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class HealStarted(Happening):
    """A heal began to run in this process."""


@dataclass(frozen=True, slots=True)
class HealEnded(Happening):
    """A heal ended. ``error`` is the type's name, ``attempt`` the lease's, where there are any;
    ``advice`` is what this library has to say of it, '' if nothing. ``took`` seconds from its lease
    and ``since_missed`` from the miss, if it ran in this process."""

    outcome: Outcome
    error: str = ""
    attempt: int = 0
    advice: str = ""
    took: float | None = None
    since_missed: float | None = None


@dataclass(frozen=True, slots=True)
class BackendFailed(Happening):
    """A verb of the backend failed, or took longer than its deadline."""

    verb: str
    error: str


@dataclass(frozen=True, slots=True)
class BreakerMoved(Happening):
    """The breaker of a dependency, whose name stands for the function's, is now ``closed``,
    ``open`` or ``half-open``. ``error``: the type of what opened it, '' if another process did."""

    state: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Advice(Happening):
    """Something the library noticed, and what to do about it."""

    text: str


class Mailbox:
    """Delivers happenings to one observer, in its own thread."""

    closes_last = True

    def __init__(self, observer: Callable[[Any], None], size: int = MAILBOX) -> None:
        self.observer = observer
        self.size = size
        self.overflowed = 0
        self.lock = threading.Lock()
        self._renew()
        _lifecycle.survives_fork(self)
        _lifecycle.drained_at_exit(self)

    def _renew(self) -> None:
        self.lock = threading.Lock()
        self._arrived = threading.Condition(self.lock)
        self._waiting: deque[Any] = deque()
        self._delivering = False
        self._started = False

    def after_fork(self, consistent: bool) -> None:
        self._renew()

    def put(self, happening: Any) -> None:
        """Leave a happening. Never raises, never waits for the observer."""
        if in_collector():  # the lock may be this thread's
            return
        with self.lock:
            if len(self._waiting) >= self.size:
                self._waiting.popleft()
                self.overflowed += 1
            self._waiting.append(happening)
            self._arrived.notify_all()
            if self._started:
                return
            self._started = True
        try:
            threading.Thread(target=self._deliver, name="oob-heal-observer", daemon=True).start()
        except RuntimeError:  # no thread is to be had: the next happening tries again
            self._started = False

    def _deliver(self) -> None:
        while True:
            with self.lock:
                self._delivering = False
                self._arrived.notify_all()
                if not self._arrived.wait_for(lambda: bool(self._waiting), IDLE):
                    self._started = False
                    return
                happening = self._waiting.popleft()
                self._delivering = True
            try:
                self.observer(happening)
            except BaseException:
                pass

    def close(self, grace: float = LAST_WORDS) -> None:
        """At exit: let what waits be heard, if that is soon done."""
        self.flush(min(grace, LAST_WORDS))

    def flush(self, grace: float) -> bool:
        """Wait until all is delivered, at most ``grace`` seconds."""
        with self.lock:
            return self._arrived.wait_for(
                lambda: not self._waiting and not self._delivering, timeout=grace
            )


class Hub:
    """The mailboxes of one cache, and who traces. ``listening``: whether anybody hears answers."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._mailboxes = [Mailbox(observer) for observer in observers]
        self._log = Mailbox(LogObserver())
        self._told: dict[Happening, tuple[float, float]] = {}
        self.clock: Clock = time.monotonic
        self._hear_answers = [each for each in self._mailboxes if not _only_heals(each.observer)]
        self.listening = bool(self._hear_answers)
        asked = (getattr(each.observer, "traceparent", None) for each in self._mailboxes)
        self._tracer: Callable[[], Any] | None = next(filter(callable, asked), None)
        spans = (getattr(each.observer, "heal_span", None) for each in self._mailboxes)
        self._span: Callable[..., Any] | None = next(filter(callable, spans), None)
        noted = (getattr(each.observer, "cache_missed", None) for each in self._mailboxes)
        self._note: Callable[..., Any] | None = next(filter(callable, noted), None)
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

    def cache_missed(self, function: str, reason: Reason) -> None:
        """In the caller: an event was published; who traces may note it in the caller's span."""
        if self._note is not None:
            try:
                self._note(function, reason)
            except Exception:
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
        self._span_ends.put(functools.partial(span.end, outcome, error, attempt, time.time_ns()))

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


QUIET = (Answered, Missed, HealStarted)


def _is_no_trouble(happening: Happening) -> bool:
    """Not worth the log: the next read sees to what is lost, and an Advice to what always is."""
    if isinstance(happening, BreakerMoved):
        return happening.state != "open"
    return _lifecycle.is_ending() or (
        isinstance(happening, HealEnded)
        and happening.outcome in (Outcome.HEALED, Outcome.SKIPPED, Outcome.REFUSED, Outcome.LOST)
    )


class LogObserver:
    """Says what went wrong to the logger ``oob_heal``: types and advice, never arguments."""

    def __call__(self, happening: Happening) -> None:
        about = without_secrets(happening.function)
        logging.getLogger("oob_heal").warning("%s: %s", about, self._text(happening))

    @staticmethod
    def _text(happening: Happening) -> str:
        if isinstance(happening, Advice):
            return happening.text
        if isinstance(happening, BreakerMoved):
            why = (
                f"calls fail ({happening.error})" if happening.error else "told by another process"
            )
            return (
                f"the breaker is open, {why}: heals are refused but for one probe at a time, and "
                f"callers get what the cache has; see failing()"
            )
        if isinstance(happening, BackendFailed):
            return f"the backend failed to {happening.verb}: {happening.error}"
        if isinstance(happening, HealEnded):
            said = happening.advice or happening.error or "no reason given"
            return f"a heal {_TOLD[happening.outcome]}: {said}; see failing() and cache_info()"
        return type(happening).__name__


_TOLD = {
    Outcome.HEALED: "healed",
    Outcome.SKIPPED: "was skipped",
    Outcome.REFUSED: "was refused",
    Outcome.FAILED: "failed",
    Outcome.DROPPED: "was dropped",
    Outcome.LOST: "was lost",
}
