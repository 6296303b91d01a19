"""The reference model's guard: who may call the dependency now, as far as one process knows.

Law: as ``docs/how-to/what-happens-in-an-outage`` has it, exactly. The dependency is closed, open or
half-open; a *place* is one heal that calls. ``Guard`` is what one process knows; ``sparing`` asks
the store what the others found, and tells them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.model.store import Key, Lease

WARD: Key = (-1, 0)  # the one key in which processes tell each other
VOUCHES_FOR = 10.0  # s for which an answer says that a key never seen fails by itself
KNOWN_FIRST = 1.0  # s for which keys never seen give way to one that was turned away
FULL, PROBED = 0.1, 0.25  # s to wait for a place, and for what a probe finds


class Limits(NamedTuple):
    """As declared. ``failures`` None: never left alone."""

    places: int
    failures: int | None = None
    open_for: float = 0.0


UNSPARED = Limits(10_000)


@dataclass(eq=False)
class Permit:
    """One heal's place."""

    key: Key
    began: float
    until: float
    era: int
    probes: bool
    known: bool = True  # its key has an entry
    ward: Lease | None = None
    well: bool = False
    opened_for: float = 0.0


@dataclass(eq=False)
class Guard:
    """What a process knows of its dependency."""

    limits: Limits
    phase: str = "closed"
    until: float = -math.inf
    places: int = 1  # while it is half-open
    era: int = 0
    failed: set[Key] = field(default_factory=set)
    inside: list[Permit] = field(default_factory=list)
    told: bool = False  # other processes know that it is open
    look_at: float = -math.inf
    answered: float = -math.inf
    known_first_until: float = -math.inf

    @property
    def one_probes(self) -> bool:
        return self.phase == "half-open" and self.places == 1

    def as_of(self, now: float) -> None:
        if self.phase == "open" and now >= self.until:
            self.phase, self.places = "half-open", 1

    def phase_at(self, now: float) -> str:
        return "half-open" if self.phase == "open" and now >= self.until else self.phase

    def wait(self, now: float) -> float:
        """Seconds until a probe may call."""
        self.as_of(now)
        return self.until - now if self.phase == "open" else -math.inf

    def admit(self, key: Key, now: float, lease_for: float, *, known: bool) -> Permit | float:
        """A place, or the seconds after which to ask again."""
        self.inside = [each for each in self.inside if now < each.until]
        self.as_of(now)
        told = self._admit(key, now, lease_for, known)
        if known:
            turned = self.phase != "closed" and not isinstance(told, Permit)
            self.known_first_until = (max(now, self.until) + KNOWN_FIRST) if turned else -math.inf
        return told

    def _admit(self, key: Key, now: float, lease_for: float, known: bool) -> Permit | float:
        if len(self.inside) >= self.limits.places:
            return max(FULL, self.until - now)
        here = sum(each.era == self.era for each in self.inside)
        if self.phase == "open":
            return self.until - now
        if self.phase == "half-open" and not known and now < self.known_first_until:
            return FULL
        if self.phase == "half-open" and here >= min(self.places, self.limits.places):
            return PROBED if self.one_probes else FULL
        permit = Permit(key, now, now + lease_for, self.era, self.one_probes)
        self.inside.append(permit)
        return permit

    def leave(self, permit: Permit) -> None:
        if permit in self.inside:
            self.inside.remove(permit)

    def well(self, permit: Permit, now: float) -> None:
        """The dependency answered."""
        permit.well = True
        if permit not in self.inside:
            return
        self.leave(permit)
        if permit.era == self.era:
            self.failed, self.answered = set(), now
            if self.phase != "closed":
                self.grow(self.places + 1)
        if self.phase == "closed":
            self.told = False

    def failed_to(self, permit: Permit, now: float, hint: float, chance: float) -> None:
        """The call failed; ``hint``: seconds that its error asks for."""
        if permit not in self.inside:
            return
        self.leave(permit)
        if self.limits.failures is not None:
            era, spread = self.era, self.limits.open_for * (0.5 + 0.5 * chance)
            if hint:
                self.open(max(now + hint, self.until))
            elif permit.era == self.era and self.phase != "open" and self._counts(permit, now):
                self.failed.add(permit.key)
                if self.one_probes or len(self.failed) >= self.limits.failures:
                    self.open(max(permit.began + spread, now + spread / 10))
            if self.era != era:
                permit.opened_for, self.told = self.until - now, False
        if self.phase == "closed":
            self.told = False

    def _counts(self, permit: Permit, now: float) -> bool:
        return permit.known or self.one_probes or now >= self.answered + VOUCHES_FOR

    def open(self, until: float) -> None:
        self.phase, self.until, self.places, self.failed = "open", until, 1, set()
        self.answered = -math.inf
        self.era += 1

    def grow(self, places: int) -> None:
        if places >= self.limits.places:
            self.phase, self.until, self.places, self.failed = "closed", -math.inf, 1, set()
        else:
            self.phase, self.places = "half-open", places

    def learn(self, now: float, wait: float | None) -> None:
        """What the ward says: in how many seconds to probe, or (None) nothing."""
        self.as_of(now)
        if wait is None:
            if self.told and self.phase != "closed":
                self.grow(2)
        elif self.phase == "closed" or (self.phase == "half-open" and not self.one_probes):
            self.open(now + wait)
            self.as_of(now)
        elif wait > 0:
            self.phase, self.until = "open", now + wait
        self.told = wait is not None

    def edges(self) -> list[float]:
        return [self.until, self.look_at, *(each.until for each in self.inside)]
