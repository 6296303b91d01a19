"""What observers hear, and what the log makes of it.

Law: happenings are frozen and hold no argument, value or default. Nothing here delivers them:
``_hub`` tells each observer through a mailbox, off the hot path, bounded, and never able to hurt.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from dataclasses import dataclass

from oob_heal._breaker import without_secrets
from oob_heal._model import Freshness, Outcome, Reason

traceparent: ContextVar[str | None] = ContextVar("oob_heal_traceparent", default=None)
"""Inside a heal: the trace that its event was published in, as W3C Trace Context writes it.

An observer with a method ``traceparent()`` is asked for it in the caller, when an event is
published, and gives text or None, at once and without I/O; the first that has one is asked. The
event carries it to wherever the heal runs. Source: https://www.w3.org/TR/trace-context.
"""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something happened to a decorated function; ``function`` is its label.

    >>> Happening("shop:app.price").function
    'shop:app.price'
    """

    function: str


@dataclass(frozen=True, slots=True)
class Answered(Happening):
    """A call was answered. ``age`` in seconds, None with no entry behind it. An ``error`` answer
    is a CacheMissError.

    >>> answered = Answered("app.price", Freshness.STALE, 72.5, is_default=False, error=False)
    >>> answered.freshness.value, answered.age
    ('stale', 72.5)
    """

    freshness: Freshness
    age: float | None
    is_default: bool
    error: bool


@dataclass(frozen=True, slots=True)
class Missed(Happening):
    """A cache-missed event was published.

    >>> Missed("app.price", Reason.STALE).reason.value
    'stale'
    """

    reason: Reason


@dataclass(frozen=True, slots=True)
class HealStarted(Happening):
    """A heal began to run in this process.

    >>> HealStarted("app.price")
    HealStarted(function='app.price')
    """


@dataclass(frozen=True, slots=True)
class HealEnded(Happening):
    """A heal ended. ``error`` is the type's name, ``attempt`` the lease's, where there are any;
    ``advice`` is what this library has to say of it, '' if nothing. ``took`` seconds from its lease
    and ``since_missed`` from the miss, if it ran in this process.

    >>> ended = HealEnded("app.price", Outcome.FAILED, error="TimeoutError", attempt=2, took=5.0)
    >>> ended.outcome.value, ended.error, ended.attempt
    ('failed', 'TimeoutError', 2)
    """

    outcome: Outcome
    error: str = ""
    attempt: int = 0
    advice: str = ""
    took: float | None = None
    since_missed: float | None = None


@dataclass(frozen=True, slots=True)
class BackendFailed(Happening):
    """A verb of the backend failed, or took longer than its deadline. ``error`` is the type's name.

    >>> BackendFailed("app.price", "get", "TimeoutError").verb
    'get'
    """

    verb: str
    error: str


@dataclass(frozen=True, slots=True)
class BreakerMoved(Happening):
    """The breaker of a dependency, whose name stands for the function's, is now ``closed``,
    ``open`` or ``half-open``. ``error``: the type of what opened it, '' if another process did.

    >>> BreakerMoved("prices-api", "open", "ConnectionError").state
    'open'
    """

    state: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Advice(Happening):
    """Something the library noticed, and what to do about it.

    >>> Advice("app.price", "its heals take longer than its ttl: give it a longer one").function
    'app.price'
    """

    text: str


class LogObserver:
    """Says what went wrong to the logger ``oob_heal``: types and advice, never arguments.

    >>> log = LogObserver()
    >>> log(BackendFailed("app.price", "get", "TimeoutError"))  # a warning, with these three
    """

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
