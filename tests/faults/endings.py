"""Faults in how a backend that processes share ends: at exit, and with its servers away."""

from tests.faults._plant import Fault

STORED = "tests/tier/test_exit.py::test_what_is_still_healing_at_the_end_of_a_process_is_stored"


def fault(hazard: str, file: str, before: str, after: str, test: str) -> Fault:
    """A fault in a backend that this test must notice."""
    return Fault(hazard, f"backends/{file}.py", before, after, (test,))


FAULTS = [
    fault(
        "H14 redis is closed before the heals that are drained at exit",
        "redis",
        "    closes_last = True",
        "    closes_last = False",
        f"{STORED}[redis]",
    ),
    fault(
        "H14 a file is closed before the heals that are drained at exit",
        "sqlite",
        "    closes_last = True",
        "    closes_last = False",
        f"{STORED}[sqlite]",
    ),
    fault(
        "H25 a tier's ear that is connecting holds the exit up",
        "_redis_news",
        "2 * TURN + CONNECT if grace is None else grace",
        "2 * TURN + CONNECT",
        "tests/tier/test_exit.py::test_a_tier_whose_ear_is_connecting_is_closed_within_its_grace",
    ),
]
