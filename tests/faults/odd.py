"""Faults where users raise, return and leave lying what nobody thinks of."""

from tests.faults._plant import Fault

ODD, SWEEPS = "tests/test_odd_errors.py::", "tests/test_sweeps.py::"
WAITS = "tests/test_warm_up.py::"
WAITS += "test_a_heal_that_waits_for_its_place_longer_than_a_lease_is_not_lost"
FAILED = ODD + "test_a_heal_that_raises_what_is_odd_has_failed_and_is_told"

FAULTS = [
    Fault(
        "H14 an error that cannot be written to ends no heal",
        "_failing.py",
        "            BaseException.with_traceback(each, None)",
        "            each.__traceback__ = None",
        (FAILED,),
    ),
    Fault(
        "odd: our errors are marked only by a constructor that may never run",
        "errors.py",
        "    _ours = False\n",
        "    _ours: bool\n",
        (FAILED, ODD + "test_an_executor_that_raises_what_is_odd_hurts_no_caller"),
    ),
    Fault(
        "H36 whoever makes one of our errors is believed to be us",
        "errors.py",
        '        self._ours = _maker().partition(".")[0] == __name__.partition(".")[0]',
        "        self._ours = True",
        (ODD + "test_what_a_user_makes_of_our_errors_is_not_told_in_our_words",),
    ),
    Fault(
        "H41 the end of a span is looked for in the heal",
        "_hub.py",
        "        at = time.time_ns()\n",
        "        at = time.time_ns() if span.end else 0\n",
        (ODD + "test_a_span_without_an_end_hurts_neither_a_heal_nor_who_looks_after_the_threads",),
    ),
    Fault(
        "H16 a heal that cannot be given up takes the manager with it",
        "executors/_heal_threads.py",
        "            except Exception:  # whatever it was",
        "            except ZeroDivisionError:  # whatever it was",
        (ODD + "test_a_heal_that_cannot_even_be_given_up_leaves_the_others_their_threads",),
    ),
    Fault(
        "H14 a task that waits for its place has a lease's time for it",
        "_carried.py",
        "        lasts = core.mark_for if waits else",
        "        lasts = core.mark_for if False else",
        (WAITS,),
    ),
    Fault(
        "odd: one miss sweeps all that is late",
        "_inflight.py",
        "            _lost = self._sweep(now, SWEPT_BY_A_MISS)",
        "            _lost = self._sweep(now)",
        (SWEEPS + "test_a_miss_sweeps_a_bounded_part_of_what_is_late",),
    ),
    Fault(
        "H14 who misses what is late and unswept takes it off the books untold",
        "_inflight.py",
        "                    _lost = _lost + self._lose([mark])\n",
        "",
        (SWEEPS + "test_a_miss_of_what_is_late_and_unswept_counts_it_as_lost",),
    ),
    Fault(
        "H14 a heal that lost its mark to another one stays on the books",
        "_inflight.py",
        "self._open.put(id(before.heal), before)  # the mark goes, the account stays",
        "pass",
        (SWEEPS + "test_a_heal_that_lost_its_mark_to_another_one_is_lost_at_its_own_deadline",),
    ),
    Fault(
        "H14 what passes its deadline before it runs is forgotten",
        "_inflight.py",
        "if self._is_account(mark):\n                self._close(mark.heal)\n"
        "                self._count(mark.heal, Outcome.LOST)",
        "if self._is_account(mark):\n                self._close(mark.heal)\n"
        "                mark.heal.outcome = Outcome.LOST",
        (SWEEPS + "test_a_miss_of_what_is_late_and_unswept_counts_it_as_lost",),
    ),
    Fault(
        "H14 a heal that lost its late mark to another one stays on the books",
        "_inflight.py",
        "            before = self._marks.get(heal.key)  # also",
        "            before = self._marks.standing(heal.key, now)  # also",
        (SWEEPS + "test_a_heal_that_lost_its_mark_to_another_one_is_lost_at_its_own_deadline",),
    ),
    Fault(
        "H19 who takes a lease late is swept away, and a second heal is let in beside it",
        "_inflight.py",
        "            before = self._marks.get(heal.key)  # also",
        "            self._sweep(now)\n            before = self._marks.get(heal.key)  # also",
        (SWEEPS + "test_a_heal_that_takes_its_lease_late_still_holds_its_key",),
    ),
    Fault(
        "H14 a stranded heal is lost twice",
        "_inflight.py",
        "            if mark.heal.outcome is None:  # else",
        "            if True:  # else",
        (SWEEPS + "test_a_stranded_heal_whose_account_was_late_before_its_mark_is_counted_once",),
    ),
    Fault(
        "H01 an argument that cannot be looked at ends the key",
        "_keys.py",
        "tuple([_encoding.token(each) for each in args])",
        "tuple(map(_encoding.token, args))",
        ("tests/test_hostile_arguments.py::test_an_argument_that_raises_ends_no_key",),
    ),
    Fault(
        "H27 a mark that another replaces dies under the lock",
        "_inflight.py",
        "            made = new(Mark, (heal, now + stand_for, ANY))",
        "            made = mark = new(Mark, (heal, now + stand_for, ANY))",
        (SWEEPS + "test_a_mark_that_another_replaces_dies_when_the_lock_is_free",),
    ),
    Fault(
        "H20 the keys of what has ended stay",
        "_due.py",
        "        if len(self._heap) > self._weighed_at:\n            left",
        "        if False:\n            left",
        (SWEEPS + "test_what_has_ended_leaves_little_behind",),
    ),
    Fault(
        "H20 the keys of a crowd that has ended stay until the next crowd",
        "_due.py",
        "        self._weighed_at = 2 * len(self) + _TRACES\n        return",
        "        return",
        (SWEEPS + "test_what_has_ended_leaves_little_behind",),
    ),
    Fault(
        "H20 one miss sweeps, and none after it",
        "_due.py",
        "        self.soonest = heap[0][0] if heap else math.inf",
        "        self.soonest = math.inf",
        (SWEEPS + "test_each_miss_sweeps_its_part",),
    ),
    Fault(
        "H20 what is late and unswept keeps others out",
        "_inflight.py",
        "                _lost = _lost + self._sweep(now)\n",
        "",
        (SWEEPS + "test_what_is_late_keeps_nobody_out",),
    ),
]
