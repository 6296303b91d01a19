"""Faults in the fastest read: the generated code, its table, what is quiet, who is evicted."""

from tests.faults._plant import Fault

HOT = "tests/test_hot.py::test_"


def fault(hazard: str, file: str, before: str, after: str, *tests: str) -> Fault:
    return Fault(hazard, file, before, after, tuple(HOT + each for each in tests))


FAULTS = [
    fault(
        "H01 0.0 is looked up as it is",
        "backends/_place.py",
        "        if value:\n            return value",
        "        if True:\n            return value",
        "every_keyable_argument_is_served_its_own_value_and_no_other",
    ),
    fault(
        "H01 a member of an enum that says what is equal is looked up as it is",
        "backends/_place.py",
        "cls.__hash__ in _HASHES and cls.__eq__ in _EQUALITIES",
        "True",
        "members_that_say_they_are_equal_are_two_arguments",
    ),
    fault(
        "H01 a tuple alone is looked up by what is equal to it",
        "backends/_place.py",
        "            return self.answers[tuple(map(type, index))][index]\n",
        "            return next(each[index] for each in self.answers.values() if index in each)\n",
        "tuples_of_equal_members_of_other_types_are_other_calls",
    ),
    fault(
        "H01 a tuple beside another argument is looked up by what is equal to it",
        "backends/_place.py",
        "        return self.answers[tuple(kinds)][index]\n",
        "        return next(each[index] for each in self.answers.values() if index in each)\n",
        "tuples_of_equal_members_of_other_types_are_other_calls",
    ),
    fault(
        "a tuple takes the long way",
        "backends/_place.py",
        "_of_tuple(each) if each[0] is tuple else",
        "(None, _NOT) if each[0] is tuple else",
        "a_hit_on_a_tuple_of_atoms_runs_a_look_at_its_types_and_the_clock",
    ),
    fault(
        "the collector goes through a full table key by key",
        "backends/_line.py",
        "self._between.append(tuple(self._last))",
        "self._between.append(list(self._last))",
        "a_full_table_is_nothing_to_the_garbage_collector",
    ),
    fault(
        "the line of those that may go is turned round",
        "backends/_line.py",
        "self._first += reversed(self._between.popleft())",
        "self._first += self._between.popleft()",
        "with_nothing_read_the_oldest_goes_first",
    ),
    fault(
        "H01 only the first argument's type counts",
        "_hot.py",
        'types_ = "".join(f"[{self.words[\'type\']}({name})]" for name in self.kept)',
        'types_ = "".join(f"[{self.words[\'type\']}({self.kept[0]})]" for _ in self.kept)',
        "equal_arguments_of_other_types_are_other_calls_whoever_came_first",
    ),
    fault(
        "H08 a quiet absent key serves its default inside a heal",
        "_hot.py",
        "until is MISSING and now < facts and not healing():",
        "until is MISSING and now < facts:",
        "a_quiet_absent_key_serves_no_default_inside_a_heal",
    ),
    fault(
        "H09 a quiet stale value is served until its mark ends",
        "_quiet.py",
        "until = min(until, _decide.servable_until(entry, self._policy))",
        "_decide.servable_until(entry, self._policy)",
        "a_quiet_stale_value_is_not_served_beyond_its_limit",
    ),
    fault(
        "H09 a hit is fresh for the whole ttl",
        "_core.py",
        "    return _decide.fresh_until(entry, policy)",
        "    return entry.dated + policy.ttl",
        "until_when_a_hit_is_fresh_is_what_the_rules_say",
    ),
    fault(
        "H13 a key stays quiet when its mark changes",
        "_quiet.py",
        "            self._front.unhush(key.token)",
        "            pass",
        "no_key_is_quiet_without_a_mark",
    ),
    fault(
        "a miss that is looked after asks again each time",
        "_inflight.py",
        "                    self.quiet.hush(key, entry, now, self._quiet_until(mark, now))\n",
        "",
        "a_stale_and_an_absent_key_are_quiet_while_a_heal_is_under_way",
    ),
    fault(
        "H12 a read waits for who writes to the table",
        "backends/_table.py",
        "if lock.acquire(blocking=False):",
        "if lock.acquire():",
        "no_read_waits_for_who_writes_to_its_table",
    ),
    fault(
        "the hand forgives nobody",
        "backends/_leaf.py",
        "if until is UNSEEN or forgiven == FORGIVEN:",
        "if True:",
        "what_was_read_outlives_what_was_not",
    ),
    fault(
        "the hand forgives without an end",
        "backends/_leaf.py",
        "if until is UNSEEN or forgiven == FORGIVEN:",
        "if until is UNSEEN:",
        "one_write_evicts_one_entry_and_looks_at_few",
    ),
    fault(
        "a swapped clock is not the hit's",
        "_core.py",
        "        self.inflight.quiet.unhush_all()\n        self.rebind()",
        "        self.inflight.quiet.unhush_all()",
        "a_swapped_clock_backend_or_observer_is_the_hits_too",
    ),
    fault(
        "one function's entries are fresh for as long as another's",
        "backends/_table.py",
        "        if self.policy is not None and self.policy != policy:\n            return False\n",
        "",
        "functions_that_disagree_on_freshness_do_not_share_a_table",
    ),
    fault(
        "H12 for a moment a quiet answer lacks its facts, and who reads then asks for ever",
        "backends/_leaf.py",
        "        self.answers[index] = answer  # first: who reads in between finds facts\n"
        "        self._forget_hush(index, before)\n",
        "        self._forget_hush(index, before)\n        self.answers[index] = answer\n",
        "at_no_step_of_a_write_a_quiet_answer_lacks_its_facts",
    ),
    fault(
        "a function named by a keyword cannot be decorated",
        "_hot.py",
        " and not keyword.iskeyword(name)",
        "",
        "any_name_of_a_function_will_do",
    ),
    fault(
        "what a name holds is no name of a file",
        "_hot.py",
        'each if each.isprintable() else "?"',
        "each",
        "any_name_in_the_cache_will_do",
    ),
    fault(
        "H37 the lines of a function outlive it",
        "_hot.py",
        "        weakref.finalize(made.__code__, _retire, label, filename).atexit = False\n",
        "",
        "the_lines_of_a_function_that_is_gone_are_not_kept",
    ),
    fault(
        "a traceback in one thread fails over a function that goes in another",
        "_hot.py",
        "    linecache.cache[filename] = (0, None, [], filename)\n",
        "    linecache.cache.pop(filename, None)\n",
        "whoever_walks_through_the_lines_while_a_function_goes_finds_each_place",
    ),
    fault(
        "H37 the places of functions that are gone have no end",
        "_hot.py",
        "    if len(_retired) < RETIRED_AT_MOST or label in _retired:",
        "    if True:",
        "the_lines_of_a_function_that_is_gone_are_not_kept",
    ),
    Fault(
        "H22 in the child a coarse clock stands still",
        "clocks.py",
        "        _lifecycle.survives_fork(self)\n",
        "",
        ("tests/test_clocks.py::test_in_the_child_of_a_fork_it_is_parked_and_starts_anew",),
    ),
    Fault(
        "a coarse clock that lags says nothing of it",
        "clocks.py",
        "            if late > self.tolerance:\n",
        "            if False:\n",
        ("tests/test_clocks.py::test_a_look_that_comes_too_late_makes_the_time_exact",),
    ),
    Fault(
        "H20 each combination of types remembers as many absent keys as a table may",
        "backends/_table.py",
        "MISSES // len(self._leaves)",
        "MISSES",
        ("tests/test_flood_of_types.py",),
    ),
]
