"""Faults in what a dependency in trouble is spared."""

from tests.faults._plant import Fault


def fault(hazard: str, file: str, before: str, after: str, *tests: str) -> Fault:
    """A fault that these tests, named below ``tests/test_``, must notice."""
    return Fault(hazard, file, before, after, tuple(f"tests/test_{test}" for test in tests))


BREAKER = [
    fault(
        "H17 a dependency that fails is called on",
        "_breaker.py",
        "    return opened(state, max(failed.began + apart, now + apart / 10))",
        "    return state._replace(failed=keys)",
        "breaker.py::test_when_different_keys_fail_in_a_row_no_more_calls_are_made",
    ),
    fault(
        "H17 one key that fails stops all the others",
        "_breaker.py",
        "    keys = state.failed | {failed.key}",
        "    keys = state.failed | {object()}",
        "breaker.py::test_one_key_that_fails_stops_no_other",
    ),
    fault(
        "H17 a half-open breaker lets everybody probe",
        "_breaker.py",
        "    return most if state.phase is Phase.CLOSED else min(state.places, most)",
        "    return most",
        "breaker.py::test_one_probes_and_the_others_wait_for_what_it_finds",
    ),
    fault(
        "H17 after a good probe all come at once",
        "_breaker.py",
        "    return _growing(state, state.places + 1, dependency)",
        "    return _growing(state, dependency.concurrency, dependency)",
        "breaker.py::test_after_a_good_probe_it_opens_up_one_by_one",
    ),
    fault(
        "H17 what began before the breaker opened closes it",
        "_breaker.py",
        "    if era != state.era:\n        return state\n    state = state._replace",
        "    state = state._replace",
        "breaker_rules.py::test_what_began_before_it_opened_says_nothing_of_what_came_after",
    ),
    fault(
        "H17 a dependency has no cap",
        "_guard.py",
        "        if len(self._inside) >= most:",
        "        if False:",
        "breaker.py::test_no_more_heals_call_at_once_than_declared",
    ),
    fault(
        "H13 the place of a heal that vanished is taken for ever",
        "_guard.py",
        "if now >= each.until]",
        "if False]",
        "breaker.py::test_the_place_of_a_heal_that_vanished_is_free_again_when_its_lease_is",
    ),
    fault(
        "H24 a heal that is cut off keeps its place",
        "_admission.py",
        "    except CutOff:\n        permit.leave()\n"
        "        yield from share(subject.core, permit)\n"
        "        raise\n    finally:\n        permit.leave()\n",
        "    except CutOff:\n        raise\n",
        "breaker.py::test_a_heal_that_is_cut_off_gives_its_place_back",
    ),
    fault(
        "H17 a heal that was turned away keeps its key waiting",
        "_admission.py",
        "quiet=_decide.quiet_for(wait))",
        "quiet=60.0)",
        "breaker.py::"
        "test_a_heal_that_is_turned_away_is_no_attempt_and_its_key_is_quiet_for_a_second_at_most",
    ),
    fault(
        "H17 an answer counts as a failure",
        "_admission.py",
        "    elif error is None or _decide.is_an_answer(error, core.policy):",
        "    elif error is None:",
        "breaker.py::test_what_is_an_answer_is_no_failure",
    ),
    fault(
        "H17 the error's own word is not heeded by its key",
        "_admission.py",
        "    return max(delay, _breaker.hinted(error, core.guard.dependency.longest_hint))",
        "    return delay",
        "breaker.py::test_an_error_that_says_when_to_come_back_is_heeded_by_its_key_and_by_all",
    ),
    fault(
        "H17 an error may ask for a year",
        "_breaker.py",
        "    return min(wait, at_most) if wait > 0 else 0.0",
        "    return wait if wait > 0 else 0.0",
        "breaker.py::test_no_error_may_ask_for_longer_than_declared",
    ),
    fault(
        "H17 each process finds out for itself",
        "_admission.py",
        "    if core.ward is not None and core.guard.look_due():",
        "    if False:",
        "breaker.py::test_what_one_process_found_holds_in_every_process",
    ),
    fault(
        "H17 each process has a probe",
        "_admission.py",
        "    if not permit.probing or core.ward is None:",
        "    if True:",
        "breaker.py::test_of_all_processes_one_probes",
    ),
    fault(
        "H17 a good probe tells no other process",
        "_admission.py",
        '        yield Ask("commit", (lease, None, 0.0), of=ward.shelf)',
        "        pass",
        "breaker.py::test_what_a_probe_found_well_is_well_in_every_process",
    ),
    fault(
        "H13 a worker that turns a heal away keeps the publisher's lease",
        "_admission.py",
        "            yield from _unused(subject)",
        "            pass",
        "breaker.py::test_a_worker_that_turns_a_heal_away_gives_the_publishers_lease_back",
    ),
    fault(
        "H17 a publisher sends what every worker turns away",
        "_heal.py",
        "    if wait > 0:  # a worker would only turn it away",
        "    if False:",
        "breaker.py::test_while_it_is_open_nothing_is_sent",
    ),
    fault(
        "H11 a breaker told in the future holds until then",
        "_admission.py",
        "    if entry.marked_stale:  # of the future",
        "    if False:  # of the future",
        "breaker.py::test_a_breaker_that_was_told_in_the_future_is_probed_all_the_same",
    ),
    fault(
        "H13 an odd number in the store stops a dependency for good",
        "_admission.py",
        "    return max(0.0, min(entry.dated + min(told, longest) - now, longest))",
        "    return max(0.0, entry.dated + told - now)",
        "breaker.py::test_no_odd_number_in_the_store_stops_a_dependency_for_good",
    ),
]

STORM = [
    fault(
        "H17 a failed probe's key pays for the whole outage",
        "_admission.py",
        "        delay = min(delay, permit.opened_for)",
        "        delay = 60.0",
        "storm.py::test_what_is_read_most_is_fresh_again_within_five_seconds",
    ),
    fault(
        "H17 after an outage it waits as long again",
        "_breaker.py",
        "    return opened(state, max(failed.began + apart, now + apart / 10))",
        "    return opened(state, now + 10 * apart)",
        "storm.py::test_what_is_read_most_is_fresh_again_within_five_seconds",
    ),
    fault(
        "H17 nothing holds calls back but each key's own backoff",
        "_guard.py",
        "        if now_inside < _breaker.places(state, self.dependency):",
        "        if True:",
        "storm.py::test_a_dependency_in_trouble_sees_a_hundredth_of_what_a_naive_healer_calls",
    ),
    fault(
        "H15 the cap does not hold for a slow dependency",
        "_guard.py",
        "        if len(self._inside) >= most:",
        "        if len(self._inside) >= 4 * most:",
        "storm.py::test_at_recovery_there_is_no_burst",
        "breaker.py::test_no_more_heals_call_at_once_than_declared",
    ),
]

HOT_FIRST = [
    fault(
        "H21 heals go in the order in which they came",
        "executors/_fair.py",
        '(self.refreshes if getattr(heal, "refreshes", True) else self.unseen).append(heal)',
        "self.refreshes.append(heal)",
        "hot_first.py::test_a_refresh_goes_before_what_was_never_seen_and_each_eighth_place_does_not",
    ),
    fault(
        "H21 a flood of keys never seen keeps refreshes out",
        "executors/_fair.py",
        '        if not getattr(heal, "refreshes", True):\n            return None\n',
        "        return None\n",
        "hot_first.py::test_ten_hot_keys_wait_for_few_though_a_hundred_thousand_random_ones_do",
    ),
    fault(
        "H14 a heal that gave way is counted nowhere",
        "executors/_heal_threads.py",
        "            shed.shed()",
        "            pass",
        "hot_first.py::test_a_heal_that_gave_way_is_dropped_and_heals_with_its_next_miss",
    ),
    fault(
        "H27 a heal that gave way dies under the lock",
        "executors/_heal_threads.py",
        "        if shed is not None:  # not under the lock: with it die a user's arguments\n"
        "            shed.shed()",
        "            if shed is not None:\n                shed.shed()\n            del shed",
        "hot_first.py::test_the_arguments_of_what_gives_way_die_when_the_lock_is_free",
    ),
    fault(
        "H17 threads take more heals than the dependency takes calls",
        "executors/_fair.py",
        "        self.limit = limit if limit < share else share",
        "        self.limit = share",
        "hot_first.py::test_no_group_runs_more_than_its_dependency_takes_at_once",
    ),
]

SAID_ONCE = [
    fault(
        "a trouble that lasts is logged each minute",
        "_hub.py",
        "interval * LOG_LONGER if",
        "interval if",
        "said_once.py::test_a_function_that_does_not_heal_is_logged_once_and_then_ever_more_rarely",
    ),
]

WARM_UP = [
    fault(
        "H14 most of a warm-up's tasks are turned away",
        "_admission.py",
        "    patience = core.policy.queue_timeout if tasks else PLACE_WAIT",
        "    patience = PLACE_WAIT",
        "warm_up.py::test_a_warm_up_of_an_async_function_heals_all_it_was_accepted_for",
    ),
]

FAULTS = [
    *SAID_ONCE,
    *BREAKER,
    *STORM,
    *HOT_FIRST,
    *WARM_UP,
]
