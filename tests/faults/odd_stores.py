"""Faults in how stores bear odd settings, clocks and records."""

from tests.faults._plant import Fault

FAULTS = [
    Fault(
        "H07 a short longest_keep has the epoch end by itself",
        "backends/redis.py",
        "max(2 * self.longest_keep, KEEP_EPOCHS)",
        "2 * self.longest_keep",
        ("tests/redis/test_backend.py::test_a_short_longest_keep_has_no_epoch_end_by_itself",),
    ),
    Fault(
        "H13 longest_keep cuts leases in Redis",
        "backends/_redis_verbs.py",
        "_within(lease_for, LONGEST_HELD), adopt",
        "self._kept(lease_for), adopt",
        ("tests/redis/test_backend.py::test_longest_keep_cuts_no_lease_and_no_retry_time",),
    ),
    Fault(
        "longest_keep cuts the retry time of a failed heal in Redis",
        "backends/_redis_verbs.py",
        "min(retry_after, LONGEST_HELD)",
        "min(retry_after, self.longest_keep)",
        ("tests/redis/test_backend.py::test_longest_keep_cuts_no_lease_and_no_retry_time",),
    ),
    Fault(
        "longest_keep cuts the retry time of a drop in Redis",
        "backends/_redis_verbs.py",
        "_within(keep_for, LONGEST_HELD))",
        "self._kept(keep_for))",
        ("tests/redis/test_backend.py::test_longest_keep_cuts_no_lease_and_no_retry_time",),
    ),
    Fault(
        "longest_keep cuts the retry time of a drop in SQLite",
        "backends/sqlite.py",
        "now + min(keep_for, LONGEST_HELD)",
        "now + self._kept(keep_for)",
        ("tests/sqlite/test_backend.py::test_longest_keep_cuts_no_retry_time_after_a_drop",),
    ),
]
