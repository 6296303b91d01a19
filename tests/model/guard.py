"""The reference model's guard: who may call the dependency now, and one key for all processes.

Law: as ``docs/how-to/what-happens-in-an-outage`` has it, exactly. The dependency is closed, open or
half-open; a *place* is one heal that calls. ``Guard`` is what one process knows; ``Sparing`` asks
the store what the others found, and tells them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from oob_heal import Reason
from tests.model.books import AwayError, Books, Failed, Run
from tests.model.rules import Entry
from tests.model.store import Key, Lease

WARD: Key = (-1, 0)  # the one key in which processes tell each other
LOOK_EVERY = 1.0  # s between two looks at it
KNOWN_FOR = 60.0  # s for which it says that a dependency waits for a probe
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


class Sparing(Books):
    """A process's heals, on their way to the dependency and back. ``shares``: by the ward."""

    guard: Guard
    shares: bool

    def look_at_ward(self) -> None:
        """Once a second."""
        now = self.store.clock()
        if self.shares and self.guard.limits.failures is not None and now >= self.guard.look_at:
            self.guard.look_at = now + LOOK_EVERY
            try:
                self._read_ward()
            except AwayError:
                pass

    def _read_ward(self) -> None:
        entry: Entry | None = self.ask("get", WARD)
        now = self.store.clock()
        self.guard.learn(now, None if entry is None else max(0.0, entry.dated + entry.value - now))

    def admission(self, run: Run, lease_for: float) -> float | None:
        """None: it has a permit; else the seconds to wait. AwayError: nobody can tell."""
        self.look_at_ward()
        known = run.heal.reason is not Reason.ABSENT
        told = self.guard.admit(run.heal.key, self.store.clock(), lease_for, known=known)
        if not isinstance(told, Permit):
            return told
        run.permit = told
        if not (told.probes and self.shares):
            return None
        try:
            wait = self._to_probe(told, lease_for)
        except AwayError:
            self.spared(run)
            raise
        if wait > 0:
            self.spared(run)
            return wait
        return None

    def _to_probe(self, permit: Permit, lease_for: float) -> float:
        """Of all processes one probes: who holds the ward's lease."""
        granted = self.ask("acquire", WARD, lease_for, None)
        now = self.store.clock()
        if isinstance(granted, Lease):
            permit.ward = granted
            self._read_ward()
        else:
            wait = min(max(0.0, granted.until - now), LOOK_EVERY)
            self.guard.phase, self.guard.until = "open", now + wait
            self.guard.look_at = now + wait
        return self.guard.wait(now)

    def showed(self, run: Run, *, late: bool) -> None:
        """What the call says of the dependency."""
        permit, result, now = run.permit, run.result, self.store.clock()
        assert permit is not None
        if late or (isinstance(result, Failed) and result.of_the_dependency):
            hint = result.hint if isinstance(result, Failed) else 0.0
            self.guard.failed_to(permit, now, hint, self.store.chance)
        elif isinstance(result, Failed) and not result.nothing:
            self.guard.leave(permit)  # another dependency's trouble
        else:
            self.guard.well(permit, now)

    def spared(self, run: Run) -> None:
        """Its place is free, and others hear of what they must know."""
        permit = run.permit
        if permit is None:
            return
        self.guard.leave(permit)
        lease, open_for = permit.ward, permit.opened_for
        permit.ward, permit.opened_for = None, 0.0
        if not self.shares or (lease is None and not open_for):
            return
        try:
            self._tell(lease, open_for, permit.well)
        except AwayError:
            pass

    def _tell(self, lease: Lease | None, open_for: float, well: bool) -> None:
        if lease is None:
            granted = self.ask("acquire", WARD, KNOWN_FOR, None)
            if not isinstance(granted, Lease):
                return
            lease = granted
        now = self.store.clock()
        if open_for:
            entry = Entry(open_for, now, 0.0, kept_until=now + open_for + KNOWN_FOR)
            self.ask("commit", lease, entry, 0.0)
            self.guard.told = True
        elif well:
            self.ask("commit", lease, None, 0.0)
        else:
            self.ask("release", lease, 0.0)
