"""Faults in threads, tasks and cancellation."""

from tests.faults._plant import Fault


def fault(hazard: str, file: str, before: str, after: str, *tests: str) -> Fault:
    """A fault that these tests, named below ``tests/test_``, must notice."""
    return Fault(hazard, file, before, after, tuple(f"tests/test_{test}" for test in tests))


CARRIERS = "base_exceptions.py::"
CARRIERS += "test_an_error_that_is_no_exception_is_a_failed_heal_and_its_carrier_lives"

STRANDED = "cut_offs.py::"
STRANDED += "test_the_next_miss_heals_a_key_whose_heal_had_its_loop_closed_over_it"

THREADS = [
    fault(
        "H16 a thread beyond the limit of hung ones frees its share",
        "executors/_heal_threads.py",
        "                    self.kept.add(thread)",
        "                    self.queue.done(group)",
        "hung.py::test_hung_heals_beyond_the_limit_leave_the_others_their_half_of_the_threads",
    ),
    fault(
        "H19 a call that goes on in its thread is cut off with its loop",
        "_carried.py",
        "if self.outcome is None and not self._in_thread:",
        "if self.outcome is None:",
        "cut_offs.py::"
        "test_a_sync_function_goes_on_in_its_thread_when_the_loop_ends_and_is_called_once",
    ),
    fault(
        "H16 a hung thread is not replaced",
        "executors/_heal_threads.py",
        "                    self.workers.discard(thread)\n",
        "",
        "hung.py::test_sixty_four_hung_heals_of_one_function_do_not_slow_anothers",
    ),
    fault(
        "H16 hung threads are not capped",
        "executors/_heal_threads.py",
        "        if len(self.hung) >= self.hung_limit and group in self.hung.values():",
        "        if False:",
        "hung.py::test_beyond_the_limit_of_hung_threads_the_heals_of_what_hangs_are_rejected",
    ),
    fault(
        "H16 a heal that is given up keeps its lease",
        "_carried.py",
        "        self._return_lease(delay)",
        "        _ = delay",
        "hung.py::"
        "test_a_heal_past_its_timeout_fails_its_thread_is_replaced_and_its_late_result_refused",
    ),
    fault(
        "H16 a function may have all threads",
        "executors/_fair.py",
        "self.running_share = max(1, runners // 2)",
        "self.running_share = runners",
        "threads.py::test_no_group_has_more_than_half_of_the_threads_or_of_the_queue",
        "threads.py::test_functions_that_name_one_dependency_share_its_half",
    ),
    fault(
        "H16 a function may fill the queue",
        "executors/_fair.py",
        "self.waiting_share = max(1, places // 2)",
        "self.waiting_share = places",
        "threads.py::test_no_group_has_more_than_half_of_the_threads_or_of_the_queue",
    ),
    fault(
        "H20 the queue has no end",
        "executors/_fair.py",
        "        if self._size >= self.places:",
        "        if False:",
        "threads.py::test_no_more_threads_run_and_no_more_heals_wait_than_it_was_given",
    ),
]

TASKS = [
    fault(
        "H23 nobody references a task",
        "executors/tasks.py",
        "        self._running[task] = heal\n",
        "",
        "tasks.py::test_a_heal_that_nobody_else_references_is_not_collected",
    ),
    fault(
        "H23 a task cut off before its first step is cleaned up by nobody",
        "executors/tasks.py",
        "        if task.cancelled() or task.exception() is not None:\n            heal.cut_off()",
        "        if not task.cancelled():\n            task.exception()",
        "cut_offs.py::test_a_task_that_is_cancelled_before_its_first_step_is_counted",
    ),
    fault(
        "H23 trio cancels a heal, and nobody counts it",
        "executors/tasks.py",
        "            except BaseException:  # cancelled: the run ends\n"
        "                heal.cut_off()\n                raise\n",
        "",
        "tasks.py::test_a_heal_that_is_under_way_when_its_loop_ends_is_told_so",
    ),
    fault(
        "H23 a loop a call is told each time",
        "_core.py",
        "        if self.cut_offs == CUT_OFFS_TO_TELL:",
        "        if self.cut_offs >= CUT_OFFS_TO_TELL:",
        "cut_offs.py::test_three_heals_in_a_row_cut_off_by_their_loop_are_told_once",
    ),
    fault(
        "H23 tasks of a closed loop keep their places",
        "executors/tasks.py",
        "        stranded = self._stranded() if len(self._running) >= places else []",
        "        stranded = []",
        "tasks.py::test_tasks_of_a_loop_that_was_closed_over_them_make_room",
    ),
    fault(
        "H23 a heal whose loop was closed over it keeps its key",
        "_inflight.py",
        "        if mark.heal is not None and mark.heal.stranded:\n            return False\n"
        "        return mark.sees",
        "        return mark.sees",
        STRANDED,
    ),
    fault(
        "H23 a heal whose loop was closed over it keeps its lease",
        "_carried.py",
        "            yield from give_back(self.core, stranded.lease, 0)",
        "            pass",
        STRANDED,
    ),
    fault(
        "H14 a heal whose loop was closed over it is not counted",
        "_inflight.py",
        "                self._count(mark.heal, Outcome.LOST)\n            heal.instead_of",
        "                mark.heal.outcome = Outcome.LOST\n            heal.instead_of",
        STRANDED,
    ),
    fault(
        "H12 what a function left to do is done in a caller",
        "_publish.py",
        "        core.was_cut_off()\n    try:",
        "        core.was_cut_off()\n        heal.instead_of.bury()\n    try:",
        STRANDED,
    ),
    fault(
        "H12 what the functions of a closed loop left to do is done in a caller",
        "executors/tasks.py",
        "        if len(self._running) - len(stranded) >= places:",
        "        for task in stranded:\n            task.get_coro().close()\n"
        "        if len(self._running) - len(stranded) >= places:",
        "tasks.py::test_tasks_of_a_loop_that_was_closed_over_them_make_room",
    ),
    fault(
        "H24 a heal that is cut off keeps its lease",
        "_heal.py",
        "    except CutOff:\n        yield from give_back(subject.core, lease, 0)\n",
        "    except CutOff:\n",
        "cancellation.py::test_a_heal_cancelled_at_any_await_gives_its_lease_back",
        "cancellation.py::test_heal_now_cancelled_at_any_await_gives_its_lease_back",
    ),
    fault(
        "H24 a lease whose reply is cut short belongs to nobody",
        "_drivers.py",
        'step.verb == "acquire" and not subject.core.shelf.prompt',
        'step.verb == ""',
        "cancellation.py::test_a_heal_cancelled_at_any_await_gives_its_lease_back",
    ),
    fault(
        "H24 giving back is cut short",
        "_steps.py",
        "    for _ in range(2):",
        "    for _ in range(1):",
        "cancellation.py::test_a_heal_cancelled_at_any_await_gives_its_lease_back",
    ),
    fault(
        "H26 a function that raises CancelledError is taken for a cancelled task",
        "_drivers.py",
        "    return task is not None and task.cancelling() > 0",
        "    return True",
        CARRIERS,
    ),
    fault(
        "H26 only Exceptions of a function are failures",
        "_drivers.py",
        "            advance, told = conversation.send, _do(subject, step)\n"
        "        except BaseException as error:",
        "            advance, told = conversation.send, _do(subject, step)\n"
        "        except Exception as error:",
        CARRIERS,
    ),
    fault(
        "H26 a GeneratorExit closes the conversation",
        "_drivers.py",
        "        except GeneratorExit as error:  # it would close the conversation",
        "        except ZeroDivisionError as error:",
        CARRIERS,
    ),
]

FAULTS = [
    *THREADS,
    *TASKS,
]
