"""One dependency in this process: who calls it now, and its breaker.

Law: one lock, no user code and no waiting inside; ``_breaker`` decides. A heal has a *permit* while
it calls; each permit has a deadline, so that one whose heal vanished takes no place for ever. Heals
ask here, out of band; a caller of a decorated function never does.
"""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Hashable
from typing import Any, NamedTuple

from oob_heal import _breaker, _lifecycle
from oob_heal._breaker import Dependency, Failed, Phase, State, without_secrets
from oob_heal._model import Key, Lease
from oob_heal.observe import BreakerMoved
from oob_heal.ports import Clock

LOOK_EVERY = 1.0  # s between two looks at what other processes know of a dependency
PROBE_TAKES = 0.25  # s to wait for a probe that is under way
PLACE_TAKES = 0.1  # s to wait for a place
KNOWN_FIRST = 1.0  # s for which keys with no entry give way to one that has one


class Turned(NamedTuple):
    """Turned away. ``wait``: seconds for which asking again is pointless, as far as is known;
    ``full``: the dependency is well, and only the places are taken."""

    wait: float
    full: bool


class Ward(NamedTuple):
    """The reserved key in which the processes of one namespace share a dependency's breaker."""

    shelf: Any
    key: Key


class Permit:
    """A heal's place at its dependency. What its call showed is told once, or not at all."""

    __slots__ = (
        *("began", "era", "guard", "key", "known"),
        *("lease", "opened_for", "probing", "proved", "until"),
    )

    def __init__(self, guard: Guard, key: Hashable, began: float, for_at_most: float) -> None:
        self.guard = guard
        self.key = key
        self.began = began
        self.until = began + for_at_most
        self.era = 0
        self.probing = False
        self.lease: Lease | None = None  # of the one probe among all processes
        self.proved = False
        self.known = True  # whether its key has an entry
        self.opened_for = 0.0  # s for which its failure opened the breaker

    def succeeded(self) -> None:
        """The dependency answered, if only to say that there is nothing."""
        self.proved = True
        self.guard.ended(self, None)

    def failed(self, error: BaseException) -> None:
        """The call failed."""
        self.opened_for = self.guard.ended(self, error) or self.opened_for

    def leave(self) -> None:
        """Give the place back; nothing was learned, or it was told already."""
        self.guard.left(self)


class Guard:
    """The places and the breaker of one dependency."""

    def __init__(self, name: str, parts: Any) -> None:
        self.name = name
        self.parts = parts
        self.clock: Clock = parts.clock
        self.dependency = Dependency(name)
        self.declared = False
        self.renew()
        _lifecycle.survives_fork(self)

    def renew(self) -> None:
        self.lock = threading.Lock()
        self._state = State()
        self._inside: dict[int, Permit] = {}
        self._shared = False  # whether other processes know that it is open
        self._look_at = -math.inf
        self._known_first_until = -math.inf  # since one that has an entry was turned away

    def after_fork(self, consistent: bool) -> None:
        """In the child: those who call are in the parent, and what they learn is theirs."""
        self.renew()

    def declare(self, dependency: Dependency) -> None:
        """Take its limits from a value. Two that differ under one name are a TypeError."""
        if self.declared and dependency != self.dependency:
            raise TypeError(
                f"dependency= says two things of {without_secrets(self.name)!r}: declare it once, "
                f"as DB = Dependency(...), and give dependency=DB"
            )
        self.dependency = dependency
        self.declared = True

    @property
    def state(self) -> str:
        """``closed``, ``open`` or ``half-open``."""
        return _breaker.as_of(self._state, self.clock()).phase.value

    @property
    def open_until(self) -> float:
        """When an open breaker lets a probe through, by the cache's clock; -inf if none is open."""
        state = _breaker.as_of(self._state, self.clock())
        return state.until if state.phase is Phase.OPEN else -math.inf

    @property
    def in_flight(self) -> int:
        """How many heals call the dependency at the moment."""
        return len(self._inside)

    def admit(
        self, key: Hashable, for_at_most: float, *, force: bool = False, known: bool = True
    ) -> Permit | Turned:
        """A permit to call, for so many seconds at most. ``force`` passes over the breaker;
        ``known``: the key has an entry, as far as its miss saw."""
        with self.lock:
            now = self.clock()
            permit = Permit(self, key, now, for_at_most)
            for other in [each for each in list(self._inside.values()) if now >= each.until]:
                self.left(other)
            before, self._state = self._state, _breaker.as_of(self._state, now)
            state, turned = self._state, self._turned(now, force, known)
            if turned is None:
                permit.era = state.era
                permit.probing = _breaker.is_probe(state) and not force
                self._inside[id(permit)] = permit
            if known:
                first = turned is not None and state.phase is not Phase.CLOSED
                until = max(now, state.until) + KNOWN_FIRST
                self._known_first_until = until if first else -math.inf
        self._moved(before, state)
        return turned or permit

    def _turned(self, now: float, force: bool, known: bool) -> Turned | None:
        state, most = self._state, self.dependency.concurrency
        if len(self._inside) >= most:
            return Turned(max(PLACE_TAKES, state.until - now), state.phase is Phase.CLOSED)
        if state.phase is Phase.CLOSED or force:
            return None
        now_inside = sum(permit.era == state.era for permit in list(self._inside.values()))
        if state.phase is Phase.HALF_OPEN and not known and now < self._known_first_until:
            return Turned(PLACE_TAKES, False)
        if now_inside < _breaker.places(state, self.dependency):
            return None
        if state.phase is Phase.OPEN:
            return Turned(state.until - now, False)
        return Turned(PROBE_TAKES if _breaker.is_probe(state) else PLACE_TAKES, False)

    def left(self, permit: Permit) -> None:
        # Without the lock: a heal that the collector frees gets here, whoever holds it.
        self._inside.pop(id(permit), None)

    def ended(self, permit: Permit, error: BaseException | None) -> float:
        """A call ended, well or with an error; for how many seconds the breaker opened."""
        breaker = self.dependency.breaker
        hint = chance = 0.0
        if error is not None and breaker is not None:  # the user's error: not under the lock
            hint, chance = _breaker.hinted(error, breaker.longest_hint), self.parts.random()
        with self.lock:
            if self._inside.pop(id(permit), None) is None:
                return 0.0  # given up before, and told then
            now = self.clock()
            before = _breaker.as_of(self._state, now)
            if error is None:
                self._state = _breaker.after_success(before, permit.era, now, self.dependency)
            else:
                failed = Failed(permit.key, permit.era, permit.began, hint, permit.known)
                self._state = _breaker.after_failure(before, failed, now, self.dependency, chance)
            state = self._state
            opened_for = state.until - now if state.era != before.era else 0.0
            if opened_for or state.phase is Phase.CLOSED:
                self._shared = False
        self._moved(before, state, error)
        return opened_for

    def look_due(self) -> bool:
        """Whether to look what other processes know; so often at most, whoever asks."""
        if self.dependency.breaker is None:
            return False
        with self.lock:
            now = self.clock()
            if now < self._look_at:
                return False
            self._look_at = now + LOOK_EVERY
            return True

    def shared(self) -> None:
        """Other processes know now that it is open."""
        self._shared = True

    def learned(self, wait: float | None) -> None:
        """What other processes know: that it opens for a probe in so many seconds (0: it has),
        or (None) that it is closed."""
        with self.lock:
            now, before = self.clock(), _breaker.as_of(self._state, self.clock())
            if wait is None:
                self._state = _breaker.proved(before, self.dependency) if self._shared else before
                self._shared = False
            else:
                self._state = _breaker.elsewhere_open(before, now, wait)
                self._shared = True
            state = self._state
        self._moved(before, state)

    def probed_elsewhere(self, wait: float) -> None:
        """Another process has the probe: ask again in so many seconds at most."""
        with self.lock:
            now = self.clock()
            wait = min(wait, LOOK_EVERY)
            self._state = self._state._replace(phase=Phase.OPEN, until=now + wait)
            self._look_at = now + wait

    def _moved(self, before: State, state: State, error: BaseException | None = None) -> None:
        if (before.phase, before.era) != (state.phase, state.era):
            name = type(error).__name__ if error is not None else ""
            about = without_secrets(self.name)
            self.parts.hub.tell(BreakerMoved(about, state.phase.value, name))


Guards = weakref.WeakValueDictionary[str, Guard]
"""The guards of one cache, by the dependency's name, for as long as a function has them."""


def guard_of(parts: Any, name: str, declared: Dependency | None) -> Guard:
    """The guard of this name among a cache's. ``TypeError`` if it was declared otherwise."""
    guard: Guard | None = parts.guards.get(name)
    if guard is None:
        guard = parts.guards[name] = Guard(name, parts)
    if declared is not None:
        guard.declare(declared)
    return guard
