"""Faults in leases, attempts, backoff, marks and durations."""

from tests.faults._plant import Fault


def fault(hazard: str, file: str, before: str, after: str, *tests: str) -> Fault:
    """A fault that these tests, named below ``tests/test_``, must notice."""
    return Fault(hazard, file, before, after, tuple(f"tests/test_{test}" for test in tests))


IMMORTAL = (  # a mark; its account ends as it should
    "marks.put(key, made)\n            accounts[id(heal)] = made",
    "marks.put(key, made._replace(until=float('inf')))\n            accounts.put(id(heal), made)",
)

FAULTS = [
    fault(
        "H42 the same commit again is told to be void",
        "backends/_leased.py",
        "return self._leases.committed(lease)",
        "return False",
        "commits.py::test_the_same_commit_again_is_true_and_writes_nothing",
    ),
    fault(
        "H42 the same commit again writes again",
        "backends/_leased.py",
        "if not self._leases.holds(lease):",
        "if not self._leases.holds(lease) and not self._leases.committed(lease):",
        "commits.py::test_the_same_commit_again_is_true_and_writes_nothing",
    ),
    fault(
        "H42 a new lease forgets the commit before it, and the retry time",
        "backends/_leases.py",
        "self._past[key] = past._replace(\n            attempts=attempt",
        "self._past[key] = _Past(\n            attempts=attempt",
        "commits.py::test_the_same_commit_again_is_true_and_writes_nothing",
    ),
    fault(
        "H19 a published lease is adopted twice",
        "backends/_leases.py",
        "if adopt != held.lease.token or held.adopted:",
        "if adopt is None:",
        "commits.py::test_a_message_that_is_delivered_twice_is_adopted_once",
    ),
    fault(
        "H28 attempts are not counted when the lease is taken",
        "backends/_leases.py",
        "attempts=attempt, granted_at=now",
        "attempts=attempt - 1, granted_at=now",
        "backoff.py::test_attempts_are_counted_when_the_lease_is_taken_and_reset_only_by_an_answer",
        "backoff.py::test_a_crash_counts_as_an_attempt_and_the_next_healer_backs_off",
    ),
    fault(
        "H28 after a crash the next healer calls at once",
        "_heal.py",
        "    if wait > 0 and not subject.force:",
        "    if False:",
        "backoff.py::test_a_crash_counts_as_an_attempt_and_the_next_healer_backs_off",
    ),
    fault(
        "H17 a heal that fails does not give its lease back",
        "_heal.py",
        "    yield from give_back(core, lease, delay)\n",
        "",
        "backoff.py::test_a_failed_key_is_held_back_in_every_process",
    ),
    fault(
        "H17 a failed key is retried at once",
        "_heal.py",
        "    yield from give_back(core, lease, delay)\n",
        "    yield from give_back(core, lease, 0)\n",
        "backoff.py::test_a_dead_dependency_is_called_as_often_as_the_backoff_allows_not_as_it_is_read",
    ),
    fault(
        "H17 an invalidation resets the backoff",
        "backends/_leases.py",
        "if past is not None and reset:",
        "if past is not None:",
        "backoff.py::test_invalidating_does_not_defeat_the_backoff",
    ),
    fault(
        "H17 an invalidation during the heal hides its failure",
        "backends/_leases.py",
        "elif past.granted != lease.token:",
        "else:",
        "backoff.py::test_invalidating_during_a_heal_that_fails_does_not_defeat_the_backoff_either",
    ),
    fault(
        "H17 a skipped heal counts as an attempt",
        "backends/_leases.py",
        "past = past._replace(attempts=max(0, past.attempts - 1))",
        "pass",
        "backoff.py::test_a_heal_that_finds_its_key_healed_is_skipped_and_counts_no_attempt",
    ),
    fault(
        "a requested heal calls for what was healed since",
        "_decide.py",
        "return entry.marked_stale or entry.dated < missed_at",
        "return True",
        "heal_rules.py::test_a_requested_heal_skips_only_what_is_dated_at_or_after_the_request",
    ),
    fault(
        "a requested heal skips what is fresh but older than the request",
        "_decide.py",
        "return entry.marked_stale or entry.dated < missed_at",
        "return judge(entry, missed_at, policy).freshness is not Freshness.FRESH",
        "heal_rules.py::test_a_requested_heal_skips_only_what_is_dated_at_or_after_the_request",
    ),
    fault(
        "H16 a heal past its timeout commits",
        "_heal.py",
        "if _decide.ran_out(lease, now, core.policy):",
        "if False:",
        "heal_rules.py::test_a_heal_past_its_timeout_fails_whatever_it_brings",
    ),
    fault(
        "a heal too slow to be served counts as healed, and never backs off",
        "_heal.py",
        "if not _decide.can_be_served(lease, now, core.policy):",
        "if False:",
        "heal_rules.py::test_a_heal_too_slow_to_be_served_at_all_fails_backs_off_and_is_told_once",
    ),
    fault(
        "H18 a heal calls though it has no lease",
        "_heal.py",
        '        core.backend_failed("acquire", error)\n        return away(core, error)\n'
        "    if isinstance(granted, Refused):",
        '        core.backend_failed("acquire", error)\n        yield Call()\n'
        "        return away(core, error)\n    if isinstance(granted, Refused):",
        "heal_rules.py::test_a_backend_that_fails_under_a_heal_fails_it_and_without_a_lease_nothing_is_called",
    ),
    fault(
        "H19 a write frees the mark of the heal that it voids",
        "_inflight.py",
        "if mark is None or (mark.heal is not None and mark.heal.running):",
        "if mark is None:",
        "marks.py::test_a_write_starts_no_second_call_beside_the_heal_that_it_voids",
    ),
    fault(
        "H13 the mark of a heal that waits has no deadline",
        "_inflight.py",
        *IMMORTAL,
        "marks.py::test_a_heal_that_its_executor_lost_is_published_again_after_its_mark",
    ),
    fault(
        "H13 a key is quiet for as long as somebody holds its lease",
        "_decide.py",
        "return min(max(0.0, wait), QUIET_AT_MOST)",
        "return max(0.0, wait)",
        "marks.py::test_after_a_lease_that_somebody_holds_the_key_is_quiet_for_a_second_at_most",
    ),
    fault(
        "a failed key is quiet no longer than its next read",
        "_inflight.py",
        "                if quiet > 0:\n",
        "                if False:\n",
        "marks.py::test_after_a_failure_the_key_is_quiet_for_its_delay_and_a_second_at_most",
    ),
    fault(
        "a heal handed to an engine holds back misses of a newer entry",
        "_inflight.py",
        "Mark(heal, now + hold_back_for, entry_seen)",
        "Mark(heal, now + hold_back_for, ANY)",
        "marks.py::test_a_heal_handed_to_an_engine_holds_back_misses_of_the_same_entry_for_a_second",
    ),
    fault(
        "H27 a heal that asks for its own key is served the default",
        "_decide.py",
        "if has_default and not in_heal else",
        "if has_default else",
        "nested_heals.py::test_a_heal_that_asks_for_its_own_key_neither_waits_nor_recurses",
    ),
    fault(
        "H43 a duration of NaN is taken",
        "_durations.py",
        "if math.isnan(number) or number < 0",
        "if number < 0",
        "durations.py::test_a_duration_is_taken_in_seconds_or_refused_by_its_name",
    ),
    fault(
        "H43 True is a duration of a second",
        "_durations.py",
        "isinstance(value, bool) or ",
        "",
        "durations.py::test_a_duration_is_taken_in_seconds_or_refused_by_its_name",
    ),
    fault(
        "H43 a ttl of 0 is taken",
        "_durations.py",
        " or (number == 0 and not zero)",
        "",
        "durations.py::test_a_duration_is_taken_in_seconds_or_refused_by_its_name",
    ),
    fault(
        "H43 a grace of 1e18 overflows a lock",
        "_durations.py",
        "return min(seconds(name, value, zero=True), LONGEST_WAIT)",
        "return seconds(name, value, zero=True)",
        "durations.py::test_a_duration_is_taken_in_seconds_or_refused_by_its_name",
    ),
    fault(
        "H43 a heal_timeout of 1e18 ends the manager of the threads",
        "executors/_heal_threads.py",
        "return min(max(0.0, due - self.clock()), LONGEST_WAIT)",
        "return max(0.0, due - self.clock())",
        "durations.py::test_a_timeout_of_an_age_of_the_world_leaves_the_threads_managed",
    ),
]
