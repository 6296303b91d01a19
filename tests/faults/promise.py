"""Faults in the promise, and in single flight."""

from tests.faults._plant import Fault


def fault(hazard: str, file: str, before: str, after: str, *tests: str) -> Fault:
    """A fault that these tests, named below ``tests/test_``, must notice."""
    return Fault(hazard, file, before, after, tuple(f"tests/test_{test}" for test in tests))


WHATEVER_FAILS = "promise.py::test_no_request_calls_the_dependency_or_raises_whatever_fails"

PROMISE = [
    fault(
        "H12 a rejected heal runs in the request",
        "_publish.py",
        "        heal.ends(End(Outcome.DROPPED, error=error))\n",
        "        heal() if not core.is_async else heal.run().send(None)\n",
        WHATEVER_FAILS,
    ),
    fault(
        "H12 an executor that runs what it is given runs it in the request",
        "_carried.py",
        "        refuse_in_caller()\n        if not self.core.is_async:",
        "        if not self.core.is_async:",
        WHATEVER_FAILS,
    ),
    fault(
        "H12 what an executor raises reaches the caller",
        "_publish.py",
        "        if not isinstance(error, Exception):\n            raise\n        return False",
        "        if not isinstance(error, HealRejectedError):\n            raise\n"
        "        return False",
        WHATEVER_FAILS,
    ),
    fault(
        "H12 the caller waits for the pool",
        "_carried.py",
        "        taken.add_done_callback(",
        "        concurrent.futures.wait([taken])\n        taken.add_done_callback(",
        "no_waiting.py::test_no_caller_waits_for_a_pool_whose_only_thread_is_busy",
    ),
    fault(
        "H12 a read takes the lock of the memory table",
        "backends/memory.py",
        "        table = self._tables.get(key.scope)\n        return None",
        "        with self.lock:\n            table = self._tables.get(key.scope)\n"
        "        return None",
        "no_waiting.py::test_no_caller_waits_for_a_writer_that_holds_the_backend",
    ),
    fault(
        "H12 H23 a task is made by the loop's factory, which may be eager",
        "executors/tasks.py",
        "asyncio.Task(steps, loop=loop, context=contextvars.Context())",
        "loop.create_task(steps, context=contextvars.Context())",
        "no_waiting.py::test_an_eager_task_factory_does_not_run_the_heal_in_the_request",
    ),
    fault(
        "H18 a backend that cannot be read is the caller's trouble",
        "_read.py",
        "        entry = core.read(key)\n        now = core.shelf.now()\n"
        "    except Exception as error:\n        return _unreadable(core, error).value",
        "        entry = core.read(key)\n        now = core.shelf.now()\n"
        "    except OSError as error:\n        return _unreadable(core, error).value",
        WHATEVER_FAILS,
    ),
    fault(
        "H18 no lease, and it heals all the same",
        "_heal.py",
        '        core.backend_failed("acquire", error)\n        return away(core, error)',
        '        core.backend_failed("acquire", error)\n'
        '        return Lease(subject.key, "", core.shelf.now(), 1e18, 1)',
        "heal_now.py::test_with_the_backend_away_it_is_rejected_and_nothing_is_called",
    ),
    fault(
        "H31 without a thread for the log the caller fails",
        "_mailbox.py",
        "        except RuntimeError:  # no thread is to be had",
        "        except ZeroDivisionError:  # no thread is to be had",
        WHATEVER_FAILS,
    ),
    fault(
        "H31 one failure to start a worker is the end of it",
        "executors/_heal_threads.py",
        "            self.idle -= 1\n            return False\n        return True",
        "            return None\n        return True",
        "threads.py::test_with_no_thread_to_be_had_heals_wait_until_there_is_one",
    ),
    fault(
        "H31 a publisher that gets no loop is never replaced",
        "executors/_outbox.py",
        "                self.publisher = None\n            self._cut_off_what_waits()",
        "                pass\n            self._cut_off_what_waits()",
        "queue.py::test_without_a_thread_or_a_loop_for_the_publisher_heals_are_dropped_or_lost",
    ),
]

SINGLE_FLIGHT = [
    fault(
        "H19 a lease that holds is granted again",
        "backends/_leases.py",
        "            if adopt != held.lease.token or held.adopted:",
        "            if False:",
        "single_flight.py::test_eight_processes_with_a_store_in_common_make_one_call",
    ),
    fault(
        "H19 a mark holds nothing back",
        "_inflight.py",
        "        return mark.sees is ANY or mark.sees == sight(entry)",
        "        return False",
        "no_waiting.py::test_no_caller_waits_for_a_pool_whose_only_thread_is_busy",
    ),
    fault(
        "H19 a heal does not look again under its lease",
        "_heal.py",
        "    if not _decide.heal_is_needed(entry, now, core.policy, subject.reason, since):\n"
        "        yield from",
        "    if False:\n        yield from",
        "single_flight.py::test_fifty_queued_duplicates_of_one_event_make_one_call",
        "single_flight.py::test_fifty_duplicates_at_once_in_two_workers_make_one_call",
    ),
    fault(
        "H19 those who joined a heal that failed call one after the other",
        "_heal_now.py",
        "        return None if ended is None else End(ended, error=heal.error)",
        "        return None",
        "single_flight.py::test_fifty_callers_of_heal_now_make_one_call_and_share_what_it_brings",
    ),
    fault(
        "H09 heal_now takes what was set before it for what it waited for",
        "_heal.py",
        "    if entry is not None and entry.dated == subject.joined_at:",
        "    if entry is not None and entry.dated >= (subject.joined_at or since):",
        "heal_now.py::test_what_was_set_before_it_was_asked_for_is_not_what_it_waited_for",
    ),
    fault(
        "H19 heal_now calls again after the heal that it waited for",
        "_heal.py",
        "    if entry is not None and entry.dated == subject.joined_at:",
        "    if False:",
        "heal_now.py::test_what_it_waited_for_is_good_enough_though_it_has_the_lease_by_then",
    ),
    fault(
        "H17 heal_now waits for the backoff",
        "_publish.py",
        "Reason.REQUESTED, now, force=True)",
        "Reason.REQUESTED, now)",
        "heal_now.py::test_it_passes_over_the_backoff",
    ),
    fault(
        "H18 heal_now raises what the backend's driver raised",
        "_heal.py",
        "        raise BackendError(text) from error",
        "        raise",
        "heal_now.py::test_a_value_that_could_not_be_stored_is_a_backend_error",
    ),
]

FAULTS = [
    *PROMISE,
    *SINGLE_FLIGHT,
]
