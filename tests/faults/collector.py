"""Faults in what a finalizer does that the cyclic collector runs under a lock of ours."""

from tests.faults._plant import Fault

BACK = "tests/test_collector.py::test_a_finalizer_may_call_back_wherever_the_collector_runs_it"


def fault(hazard: str, file: str, before: str, after: str) -> Fault:
    """A fault that a finalizer calling back must notice."""
    return Fault(hazard, file, before, after, (BACK,))


FAULTS = [
    fault(
        "H27 a finalizer's miss waits for the lock of the marks",
        "_publish.py",
        "(collecting[0] and _drops_aside(core)) or ",
        "",
    ),
    fault(
        "H27 a finalizer waits for the lock of a backend",
        "_shelf.py",
        '        if not (self.lock_free_reads and verb == "get"):',
        "        if False:",
    ),
    fault(
        "H27 a finalizer's heal_now waits for the lock of the marks",
        "_inflight.py",
        "        if in_collector():\n            raise",
        "        if False:\n            raise",
    ),
    fault(
        "H27 a finalizer that asks for the books waits for their lock",
        "_inflight.py",
        "        if in_collector():\n            return",
        "        if False:\n            return",
    ),
    fault(
        "H14 what a finalizer has dropped is not counted",
        "_inflight.py",
        "        self.aside += 1",
        "        _ = 1",
    ),
]
