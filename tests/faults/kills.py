"""Faults that a process killed at a step of its heal leaves to others."""

from tests.faults._plant import Fault

KILLED = (
    "tests/test_kill_points.py::"
    "test_a_process_killed_at_any_step_of_a_heal_costs_one_lease_and_one_read"
)

FAULTS = [
    Fault(
        "H13 the lease of a killed process holds for ever",
        "backends/_sqlite_leases.py",
        "return self.token is not None and now < self.until",
        "return self.token is not None",
        (f"{KILLED}[threads]",),
    ),
    Fault(
        "H19 the lease of a killed process is taken before it ends",
        "backends/_sqlite_leases.py",
        "return self.token is not None and now < self.until",
        "return self.token is not None and now + 60 < self.until",
        (f"{KILLED}[threads]",),
    ),
    Fault(
        "H13 whoever sent a heal to a worker that was killed waits for it longer than a lease",
        "_inflight.py",
        "self._marks.put(heal.key, Mark(heal, now + hold_back_for, entry_seen))",
        "self._marks.put(heal.key, Mark(heal, now + open_for, entry_seen))",
        (f"{KILLED}[queue]",),
    ),
    Fault(
        "H13 a worker is refused by the lease that waited for it",
        "_worker.py",
        "adopt=event.lease_token",
        "adopt=None",
        (f"{KILLED}[queue]",),
    ),
]
