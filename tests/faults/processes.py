"""Faults in crashes, forks, exits and queues."""

from tests.faults._plant import Fault
from tests.faults.leases import IMMORTAL


def fault(hazard: str, file: str, before: str, after: str, *tests: str) -> Fault:
    """A fault that these tests, named below ``tests/test_``, must notice."""
    return Fault(hazard, file, before, after, tuple(f"tests/test_{test}" for test in tests))


STORM = (
    "fork.py::test_each_of_many_children_heals_soon_while_sixteen_threads_heal",
    "fork.py::test_a_child_of_a_loop_heals_in_a_loop_of_its_own",
)
EXITS = ("exit.py::test_every_kind_of_exit_with_every_kind_of_heal_is_quiet_and_within_its_grace",)

CRASHES = [
    fault(
        "H22 a fork waits for a thread that waits for the fork",
        "_inflight.py",
        "    locks_others = True",
        "    locks_others = False",
        "fork.py::test_a_fork_takes_locks_in_the_order_in_which_they_are_taken_within_each_other",
    ),
    fault(
        "H13 a mark has no deadline",
        "_inflight.py",
        *IMMORTAL,
        "crashes.py::test_a_heal_that_its_executor_never_runs_costs_its_mark_and_one_read",
    ),
    fault(
        "H13 the mark of a heal that runs outlives its lease",
        "_inflight.py",
        "            heal.running = True\n"
        "            self._open.put(id(heal), Account(heal, now + stand_for))",
        "            heal.running = True\n            stand_for *= 2\n"
        "            self._open.put(id(heal), Account(heal, now + stand_for))",
        "crashes.py::test_a_heal_abandoned_after_any_step_costs_one_lease_and_one_read",
    ),
    fault(
        "H13 a lease has no deadline",
        "backends/_leases.py",
        "token or new_token(), now, now + lease_for,",
        "token or new_token(), now, math.inf,",
        "crashes.py::test_another_process_heals_what_a_dead_one_left_at_any_step",
        "processes.py::"
        "test_a_key_whose_worker_is_killed_in_the_dependency_heals_after_one_lease_and_one_read",
        "processes.py::"
        "test_a_key_whose_request_process_is_killed_heals_after_one_lease_and_one_read",
    ),
    fault(
        "H14 a heal that comes to light late is counted again",
        "_inflight.py",
        "            if heal.outcome is not None:\n                return False\n"
        "            self._close(heal)",
        "            self._close(heal)",
        "crashes.py::test_a_heal_abandoned_after_any_step_costs_one_lease_and_one_read",
    ),
    fault(
        "H14 what a pool cancels is never told",
        "_carried.py",
        "        elif isinstance(taken, concurrent.futures.Future):",
        "        elif False:",
        "threads.py::test_heals_that_a_pool_cancels_at_its_end_are_lost",
    ),
]

PROCESSES = [
    fault(
        "H22 the fork hook is off",
        "_lifecycle.py",
        "before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child",
        "before=_finish_imports",
        *STORM,
    ),
    fault(
        "H22 marks are inherited",
        "_inflight.py",
        "        self.published = sum(self.ended.values())\n        self._renew()",
        "        self.lock = threading.Lock()",
        STORM[0],
    ),
    fault(
        "H22 leases are inherited",
        "backends/_leased.py",
        "        self.lock = self._new_lock()\n        self._leases.reset()",
        "        self.lock = self._new_lock()",
        STORM[0],
    ),
    fault(
        "H22 the outbox's publisher is the parent's",
        "executors/queue.py",
        "        self.outbox.renew()",
        "        self.outbox.lock = threading.Lock()",
        STORM[0],
    ),
    fault(
        "H22 an observer's thread is the parent's",
        "_mailbox.py",
        "    def after_fork(self, consistent: bool) -> None:\n        self._renew()",
        "    def after_fork(self, consistent: bool) -> None:\n        self.lock = threading.Lock()",
        STORM[0],
    ),
    fault(
        "H22 the tasks of the parent take the child's places",
        "executors/tasks.py",
        "        self._running = {}",
        "        pass",
        STORM[1],
    ),
    fault(
        "H22 a table that was copied half-written is used",
        "_lifecycle.py",
        "        table.after_fork(taken)",
        "        if taken:\n            table.after_fork(taken)",
        "fork.py::test_a_child_lives_with_a_lock_that_another_thread_held_for_long_at_the_fork",
    ),
    fault(
        "H25 a worker is no daemon",
        "executors/_heal_threads.py",
        'target=self._work, name="oob-heal-worker", daemon=True',
        'target=self._work, name="oob-heal-worker", daemon=False',
        *EXITS,
    ),
    fault(
        "H25 blocking calls are awaited on threads that are joined at exit",
        "_offload.py",
        'target=self._work, name="oob-heal-offload", daemon=True',
        'target=self._work, name="oob-heal-offload", daemon=False',
        *EXITS,
    ),
    fault(
        "H25 nothing is drained at exit",
        "_lifecycle.py",
        "atexit.register(_at_exit)",
        "",
        *EXITS,
    ),
    fault(
        "H25 what is dropped at exit is noise",
        "_hub.py",
        "    return _lifecycle.is_ending() or (",
        "    return (",
        *EXITS,
    ),
]

QUEUES = [
    fault(
        "H13 a send that fails keeps the lease",
        "_heal.py",
        "        yield from give_back(core, granted, 0)  # no attempt",
        "        pass  #",
        "queue.py::test_a_send_that_fails_gives_the_lease_back_and_a_later_read_tries_again",
    ),
    fault(
        "H26 what a heal raises as it is handed on ends the publisher",
        "executors/_outbox.py",
        "        except BaseException:  # whatever send raises, the publisher lives",
        "        except Exception:",
        "outbox.py::test_a_heal_that_cannot_be_handed_on_leaves_the_others_their_publisher",
    ),
    fault(
        "H20 the outbox has no end",
        "executors/_outbox.py",
        "FairQueue(self.places, 1)",
        "FairQueue(10**9, 1)",
        "queue.py::test_a_send_that_hangs_is_no_callers_business_and_fills_a_bounded_outbox",
    ),
    fault(
        "H19 the event travels without its lease",
        "_carried.py",
        "encode_event(self._make_event(lease.token), self.core.keys)",
        "encode_event(self._make_event(None), self.core.keys)",
        "queue.py::test_the_lease_waits_with_its_event_and_the_worker_adopts_it_once",
    ),
    fault(
        "H05 a worker imports what a message names",
        "_worker.py",
        "        fields = open_message(payload)\n",
        "        fields = open_message(payload)\n"
        '        __import__(fields["name"].split(".")[0])\n',
        "poison.py::"
        "test_ten_thousand_messages_nine_in_ten_hostile_heal_the_good_ones_and_call_nothing_else",
    ),
    fault(
        "H05 a poison message stops the worker",
        "_worker.py",
        "    except Exception:  # whatever arrives, a key function of the user's included",
        "    except (ValueError, TypeError, RecursionError):",
        "poison.py::"
        "test_ten_thousand_messages_nine_in_ten_hostile_heal_the_good_ones_and_call_nothing_else",
    ),
    fault(
        "H05 poison is told each time",
        "_cache.py",
        "        if self.poisoned == 1:",
        "        if self.poisoned:",
        "poison.py::test_poison_is_counted_and_told_once",
    ),
]

FAULTS = [
    *CRASHES,
    *PROCESSES,
    *QUEUES,
]
