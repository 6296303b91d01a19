"""Faults in the two floors: SQLite, and memory in front of a shared backend."""

from tests.faults._plant import Fault


def fault(hazard: str, file: str, before: str, after: str, *tests: str) -> Fault:
    """A fault that these tests, named below ``tests/``, must notice."""
    return Fault(hazard, file, before, after, tuple(f"tests/{test}" for test in tests))


FAULTS = [
    fault(
        "H07 a heal that commits is not announced",
        "backends/_redis_lua.py",
        "announce(ARGV[4] and 'commit' or 'delete')\n",
        "",
        "redis/test_news.py::test_every_write_is_announced_once_and_no_read_and_no_lease_is",
    ),
    fault(
        "H07 a clear is not announced",
        "backends/_redis_lua.py",
        "_KEEP_EPOCH + _ANNOUNCE_CLEAR +",
        "_KEEP_EPOCH +",
        "redis/test_news.py::test_every_write_is_announced_once_and_no_read_and_no_lease_is",
    ),
    fault(
        "H18 whoever may not publish cannot write",
        "backends/_redis_lua.py",
        "    redis.pcall('PUBLISH', 'oob1.'",
        "    redis.call('PUBLISH', 'oob1.'",
        "redis/test_news.py::test_whoever_may_not_publish_writes_all_the_same",
    ),
    fault(
        "H07 the fence is dropped in SQLite",
        "backends/sqlite.py",
        "if not past.holds(now) or past.token != lease.token:",
        "if not past.holds(now):",
        "test_backend_contract.py",
        "sqlite/test_model.py::test_a_write_during_two_heals_wins_in_every_order",
    ),
    fault(
        "H07 a clear voids no lease in SQLite",
        "backends/sqlite.py",
        "            self._leases.void_all(link, scope, self.now())\n",
        "",
        "test_backend_contract.py",
    ),
    fault(
        "H42 the same commit again is told to be void in SQLite",
        "backends/sqlite.py",
        "return past.committed == lease.token",
        "return False",
        "test_backend_contract.py",
    ),
    fault(
        "H13 a lease in SQLite never lapses",
        "backends/_sqlite_leases.py",
        "return self.token is not None and now < self.until",
        "return self.token is not None",
        "test_backend_contract.py",
        "sqlite/test_processes.py::test_whoever_is_killed_in_a_write_leaves_the_file_whole"
        "_and_no_lease_beyond_its_time",
    ),
    fault(
        "H13 a clock set back holds a key for as long",
        "backends/_sqlite_leases.py",
        "if written_at > now + AHEAD_AT_MOST:",
        "if False:",
        "sqlite/test_backend.py::test_a_clock_set_back_leaves_no_lease_and_no_retry_time_beyond_its_own",
    ),
    fault(
        "H11 an entry of the future is fresh",
        "_decide.py",
        "if entry.marked_stale or entry.dated <= now + AHEAD_AT_MOST:",
        "if True:",
        "sqlite/test_backend.py::test_an_entry_of_more_than_a_second_ahead_is_stale_and_heals",
    ),
    fault(
        "H17 only its commits reset a key's past: a delete does too",
        "backends/_sqlite_leases.py",
        "return self._replace(token=None, out=0) if self.holds(now) else self",
        "return NOTHING",
        "test_backend_contract.py",
    ),
    fault(
        "H28 attempts are not counted when a lease is taken in SQLite",
        "backends/_sqlite_leases.py",
        "past.attempts if adopts else past.attempts + 1",
        "max(1, past.attempts)",
        "test_backend_contract.py",
    ),
    fault(
        "H19 transactions of two processes lie beside each other",
        "backends/_sqlite_file.py",
        'link.execute("BEGIN IMMEDIATE")',
        'link.execute("SELECT 1").fetchall()',
        "sqlite/test_processes.py",
    ),
    fault(
        "a write is half done when its process is killed",
        "backends/_sqlite_file.py",
        'link.execute("BEGIN IMMEDIATE")',
        'link.execute("PRAGMA busy_timeout").fetchall()',
        "sqlite/test_processes.py::test_whoever_is_killed_in_a_write_leaves_the_file_whole"
        "_and_no_lease_beyond_its_time",
    ),
    fault(
        "H18 a write waits for others without an end",
        "backends/_sqlite_file.py",
        "left = max(0, round((until - time.monotonic()) * 1000))",
        "left = 60_000",
        "sqlite/test_backend.py::test_a_read_waits_for_no_writer_and_a_write_no_longer_than_its_deadline",
    ),
    fault(
        "H18 a read waits for a writer",
        "backends/sqlite.py",
        "        with self._file.reading(self._until()) as link:\n            found",
        "        with self._file.writing(self._until()) as link:\n            found",
        "sqlite/test_backend.py::test_a_read_waits_for_no_writer_and_a_write_no_longer_than_its_deadline",
    ),
    fault(
        "H18 damage met later is SQLite's own error",
        "backends/_sqlite_file.py",
        '    if name.startswith("SQLITE_BUSY"):\n        return Timeout',
        '    return error\n    if name.startswith("SQLITE_BUSY"):\n        return Timeout',
        "sqlite/test_backend.py::test_a_read_waits_for_no_writer_and_a_write_no_longer_than_its_deadline",
    ),
    fault(
        "H20 a file grows without an end",
        "backends/sqlite.py",
        "        self._evict(link)\n",
        "",
        "sqlite/test_backend.py::test_entries_are_bounded_and_those_written_longest_ago_go_first",
    ),
    fault(
        "H20 one write throws out all that is over",
        "backends/sqlite.py",
        "(min(EVICTED, count - 1),)",
        "(count - 1,)",
        "sqlite/test_backend.py::test_one_write_throws_out_a_bounded_part_of_what_is_over",
    ),
    fault(
        "H20 what was cleared stays in the file",
        "backends/sqlite.py",
        "        link.execute(SWEEP_CLEARED, (scope, epoch, SWEPT))\n",
        "",
        "sqlite/test_backend.py::test_what_is_past_its_time_or_cleared_leaves_the_file_as_others_are_written",
    ),
    fault(
        "H20 leases are kept without an end",
        "backends/_sqlite_leases.py",
        "if count < self.most:",
        "if True:",
        "sqlite/test_backend.py::test_leases_are_bounded_and_those_that_hold_are_never_thrown_out",
    ),
    fault(
        "another application's file is written to",
        "backends/_sqlite_start.py",
        'if who != (0, 0) or _number(link, "SELECT count(*) FROM sqlite_master"):',
        "if False:",
        "sqlite/test_start.py::test_what_is_no_file_of_ours_is_told_at_the_start_and_left_as_it_is",
    ),
    fault(
        "a damaged file is replaced though nobody chose so",
        "backends/_sqlite_start.py",
        "if name.startswith(DAMAGED) and start_fresh:",
        "if name.startswith(DAMAGED):",
        "sqlite/test_start.py::test_what_is_no_file_of_ours_is_told_at_the_start_and_left_as_it_is",
    ),
    fault(
        "what may not be written to is found out by the first caller",
        "backends/_sqlite_start.py",
        '        link.execute("BEGIN IMMEDIATE")\n        link.execute("UPDATE totals',
        '        return\n        link.execute("UPDATE totals',
        "sqlite/test_start.py::test_what_may_not_be_written_to_is_told_at_the_start",
    ),
    fault(
        "a file that was taken away is written to for ever",
        "backends/_sqlite_file.py",
        "        if found == self._identity and found is not None:",
        "        if True:",
        "sqlite/test_backend.py::test_a_file_that_is_taken_away_is_made_anew_within_a_second",
    ),
    fault(
        "H22 connections of SQLite cross a fork",
        "backends/_sqlite_file.py",
        "            self._forking = whole\n            idle, self._idle = self._idle, []\n",
        "            self._forking = whole\n            idle = []\n",
        "sqlite/test_backend.py::test_a_fork_closes_every_connection_before_it_is_made",
    ),
]
