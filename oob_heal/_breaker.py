"""What a dependency in trouble is spared: its limits as declared, and the rules of its breaker.

Law: pure, as ``_decide`` is: values in, values out; time and random numbers are arguments.

    phase      calls at once                 goes on
    closed     the cap                       as many different keys as declared failed, with no
                                             success between them: open
    open       none, until its time is over  half-open
    half-open  one, the probe                it failed: open; it succeeded: two at once, and one
                                             more after each success; the cap is reached: closed
    any                                      an error that says ``retry_after``: open so long

On the way back up failures count as in a closed one. Failures of one key alone open nothing: that
key backs off, and the others heal. Nor do those of keys with no entry, while the dependency has
answered for another a moment ago: who asks for what does not exist must not stop those who ask for
what does. What began before the breaker opened says nothing of what came
after: an *era* ends with each opening.
Source: Michael Nygard, "Release It!", Circuit Breaker; the way back up is TCP's slow start, RFC
5681.
"""

from __future__ import annotations

import datetime as dt
import enum
import math
import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from oob_heal._durations import seconds

Seconds = float | dt.timedelta


def without_secrets(name: str) -> str:
    """A name that may be a URL, without who logs in there, its query and its fragment.

    A password that was not quoted may hold any sign: it ends at the last ``@``.
    """
    for what, kept in ((r"//.*@", "//"), (r"(//[^?#]*)[?#].*", r"\1")):
        name = re.sub(what, kept, name, flags=re.DOTALL)
    return name


def _check_count(name: str, number: Any) -> None:
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f"{name} must be a whole number, not {type(number).__name__}")
    if number < 1:
        raise ValueError(f"{name} must be at least 1, not {number}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """When a dependency is left alone, and for how long.

    ``failures``: so many different keys that fail in a row, with no success between them, open it;
    keys with no entry count only where nobody got an answer for 10 s. ``open_for``: seconds from
    the call that opened it until one heal may probe the dependency; half of it is drawn, so that
    processes do not probe together. A probe that hangs is followed by the next one soon after its
    ``heal_timeout``. ``hint_at_most``: seconds for which an error's own ``retry_after`` is heeded
    at most.

    >>> Breaker(failures=3).open_for
    2.0
    """

    failures: int = 5
    open_for: Seconds = 2.0
    hint_at_most: Seconds = 60.0

    def __post_init__(self) -> None:
        _check_count("Breaker(failures=)", self.failures)
        for name in ("open_for", "hint_at_most"):
            object.__setattr__(self, name, seconds(f"Breaker: {name}", getattr(self, name)))

    @property
    def longest_hint(self) -> float:
        """``hint_at_most`` in seconds: a number since the checks."""
        return float(self.hint_at_most)  # type: ignore[arg-type]

    def open_seconds(self, r: float) -> float:
        """For how many seconds it opens; ``r`` is a random number in [0, 1)."""
        return float(self.open_for) * (0.5 + 0.5 * r)  # type: ignore[arg-type]  # as above


@dataclass(frozen=True, slots=True)
class Dependency:
    """What functions call when they heal, and what it is spared: ``dependency=Dependency("db")``.

    Functions that give the same one, or its ``name``, share its limits. ``concurrency``: how many
    of their heals call it at once, in each process. ``breaker``: when it is left alone; None:
    never.

    >>> Dependency("https://stock.example", concurrency=4, breaker=Breaker(open_for=5)).concurrency
    4
    """

    name: str
    concurrency: int = field(default=16, kw_only=True)
    breaker: Breaker | None = field(default=Breaker(), kw_only=True)

    def __post_init__(self) -> None:
        name: Any = self.name
        if not isinstance(name, str):
            raise TypeError(f"Dependency(name) must be text, not {type(name).__name__}")
        if not self.name:
            raise ValueError("Dependency(name) must not be empty")
        _check_count("Dependency(concurrency=)", self.concurrency)
        given: Any = self.breaker
        if given is not None and not isinstance(given, Breaker):
            kind = type(given).__name__
            raise TypeError(f"Dependency(breaker=) must be a Breaker or None, not {kind}")

    def __repr__(self) -> str:
        at_most = f"concurrency={self.concurrency}, breaker={self.breaker}"
        return f"Dependency({without_secrets(self.name)!r}, {at_most})"

    @property
    def longest_hint(self) -> float:
        """Seconds for which a key heeds its error's ``retry_after`` at most."""
        return (self.breaker or Breaker()).longest_hint


class Phase(enum.Enum):
    """Whether a dependency may be called."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


VOUCHES_FOR = 10.0  # s for which an answer says that it is not the dependency that fails


class State(NamedTuple):
    """What a breaker remembers. ``until``: when an open one lets a probe through; ``places``: how
    many may call at once while it is half-open; ``failed``: the keys that failed in a row;
    ``answered``: when the dependency answered last."""

    phase: Phase = Phase.CLOSED
    until: float = -math.inf
    places: int = 1
    era: int = 0
    failed: frozenset[Hashable] = frozenset()
    answered: float = -math.inf


def as_of(state: State, now: float) -> State:
    """The state at this time: an open breaker whose time is over is half-open."""
    if state.phase is Phase.OPEN and now >= state.until:
        return state._replace(phase=Phase.HALF_OPEN, places=1)
    return state


def places(state: State, dependency: Dependency) -> int:
    """How many heals may call the dependency at once."""
    if state.phase is Phase.OPEN:
        return 0
    most = dependency.concurrency
    return most if state.phase is Phase.CLOSED else min(state.places, most)


def is_probe(state: State) -> bool:
    """Whether who calls now finds out for all whether the dependency is back."""
    return state.phase is Phase.HALF_OPEN and state.places == 1


def after_success(state: State, era: int, now: float, dependency: Dependency) -> State:
    """The dependency answered."""
    if era != state.era:
        return state
    state = state._replace(failed=frozenset(), answered=now)
    if state.phase is Phase.CLOSED:
        return state
    return _growing(state, state.places + 1, dependency)


class Failed(NamedTuple):
    """A call that failed. ``hint``: seconds that its error asked for, 0 if it asked for none;
    ``known``: whether its key has an entry, so that the dependency had an answer for it once."""

    key: Hashable
    era: int
    began: float
    hint: float = 0.0
    known: bool = True


def after_failure(
    state: State, failed: Failed, now: float, dependency: Dependency, r: float
) -> State:
    """A call failed; ``r`` is a random number in [0, 1)."""
    breaker = dependency.breaker
    if breaker is None:
        return state
    if failed.hint > 0:
        return opened(state, max(now + failed.hint, state.until))
    if failed.era != state.era or state.phase is Phase.OPEN:
        return state
    if not failed.known and not is_probe(state) and now < state.answered + VOUCHES_FOR:
        return state
    keys = state.failed | {failed.key}
    if not is_probe(state) and len(keys) < breaker.failures:
        return state._replace(failed=keys)
    apart = breaker.open_seconds(r)
    return opened(state, max(failed.began + apart, now + apart / 10))


def opened(state: State, until: float) -> State:
    """Nobody may call until then."""
    return State(Phase.OPEN, until, 1, state.era + 1)


def proved(state: State, dependency: Dependency) -> State:
    """Somebody else found the dependency back: go on from there, not all at once."""
    return state if state.phase is Phase.CLOSED else _growing(state, 2, dependency)


def elsewhere_open(state: State, now: float, wait: float) -> State:
    """Another process found it failing: nobody may call for so long, and then one."""
    if state.phase is Phase.CLOSED or (state.phase is Phase.HALF_OPEN and not is_probe(state)):
        return as_of(opened(state, now + wait), now)
    if wait <= 0:  # as here: it waits for a probe
        return state
    return state._replace(phase=Phase.OPEN, until=now + wait)


def _growing(state: State, grown: int, dependency: Dependency) -> State:
    if grown >= dependency.concurrency:
        return State(era=state.era, answered=state.answered)
    return state._replace(phase=Phase.HALF_OPEN, places=grown)


def hinted(error: BaseException, at_most: float) -> float:
    """The seconds for which an error asks to be left alone: its ``retry_after``, in seconds or as
    a timedelta, as HTTP's Retry-After; 0 if it asks for nothing."""
    try:
        told: Any = getattr(error, "retry_after", None)
        if isinstance(told, dt.timedelta):
            told = told.total_seconds()
        if told is None or isinstance(told, bool):
            return 0.0
        wait = float(told)
    except Exception:  # the user's attribute, whatever it is
        return 0.0
    return min(wait, at_most) if wait > 0 else 0.0
