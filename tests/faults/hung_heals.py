"""Faults in what keeps hung heals apart from reads, and from each other."""

from tests.faults._plant import Fault

READS = (
    "tests/test_hung.py::"
    "test_reads_of_a_backend_that_does_io_do_not_wait_for_threads_behind_hung_heals"
)
HEALS = "tests/test_hung.py::test_hung_heals_of_one_sync_function_in_tasks_do_not_stop_anothers"

FAULTS = [
    Fault(
        "H16 the verbs of heals take the threads of reads",
        "_shelf.py",
        "return await self._aask(aside, verb, args, kwargs)",
        "return await self._aask(calls, verb, args, kwargs)",
        (READS,),
    ),
    Fault(
        "H16 heals in tasks take the threads of reads",
        "_carried.py",
        "            await heal_on_thread(self, _decide.mark_for(self.core.policy))",
        "            from oob_heal._offload import offload\n            await offload(self)",
        (READS, HEALS),
    ),
    Fault(
        "H16 heals in tasks share their threads without fairness",
        "_offload.py",
        "        self.group = heal.group",
        "        self.group = ''",
        (HEALS,),
    ),
]
