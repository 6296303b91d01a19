"""Faults in what keeps a function that hangs, or is flooded, from starving the others."""

from tests.faults._plant import Fault

HANGING = (
    "tests/test_starving.py::"
    "test_while_sixty_four_keys_of_a_function_hang_anothers_heal_and_none_lands_late"
)
FLOODED = (
    "tests/test_starving.py::"
    "test_in_front_of_a_flood_of_random_keys_the_hot_ones_take_twice_as_long_at_most"
)
IN_TASKS = "tests/test_tasks.py::test_a_flood_of_keys_never_seen_leaves_places_for_refreshes"

FAULTS = [
    Fault(
        "H16 a hung thread keeps its function's place",
        "executors/_heal_threads.py",
        "                    self.workers.discard(thread)\n"
        "                    self.queue.done(group)",
        "                    self.workers.discard(thread)",
        (HANGING,),
    ),
    Fault(
        "H16 more threads hang than were allowed to",
        "executors/_heal_threads.py",
        "            if len(self.hung) >= self.hung_limit and group in self.hung.values():",
        "            if False and group:",
        (HANGING,),
    ),
    Fault(
        "H16 what hung for long lands when it comes back",
        "_carried.py",
        "        self.ends(End(Outcome.FAILED, None, error, _decide.quiet_for(delay), delay))\n"
        "        self._return_lease(delay)",
        "        self.ends(End(Outcome.FAILED, None, error, _decide.quiet_for(delay), delay))",
        (HANGING,),
    ),
    Fault(
        "H16 whoever hangs takes the threads of others",
        "executors/_fair.py",
        "            if waiting and self._running[group] < waiting.limit:\n"
        "                heal = waiting.pop()",
        "            if waiting:\n                heal = waiting.pop()",
        (HANGING,),
    ),
    Fault(
        "H21 no heal says that its key is known",
        "_carried.py",
        "        return self.subject.reason is not ABSENT",
        "        return False",
        (FLOODED,),
    ),
    Fault(
        "H21 of all that waits the refreshes come last",
        "executors/_fair.py",
        "        return (first or self.refreshes or self.unseen).popleft()",
        "        return (self.unseen or first or self.refreshes).popleft()",
        (FLOODED,),
    ),
    Fault(
        "H21 in tasks a flood of keys never seen takes every place",
        "executors/tasks.py",
        "        return self.tasks - kept_free",
        "        return self.tasks",
        (IN_TASKS,),
    ),
]
