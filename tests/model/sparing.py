"""The reference model's heals, on their way to the dependency and back, by the one key in which
processes tell each other."""

from __future__ import annotations

from oob_heal import Reason
from tests.model.books import AwayError, Books, Failed, Run
from tests.model.guard import WARD, Guard, Permit
from tests.model.rules import Entry
from tests.model.store import Lease

LOOK_EVERY = 1.0  # s between two looks at that key
KNOWN_FOR = 60.0  # s for which it says that a dependency waits for a probe


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
