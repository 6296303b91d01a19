"""Faults in how a backend that processes share forks, ends, and goes without."""

from tests.faults._plant import Fault

STORED = "tests/tier/test_exit.py::test_what_is_still_healing_at_the_end_of_a_process_is_stored"
MANY = "tests/redis/test_many_servers.py::test_"


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
    fault(
        "H22 a forked child does not know the time until its store is there",
        "_redis_keeper",
        "        self.offset = offset\n",
        "",
        "tests/tier/test_exit.py::"
        "test_a_child_forked_while_the_store_is_away_serves_what_is_in_front",
    ),
    fault(
        "H18 a slot that nobody has is an error of ours",
        "_redis_rounds",
        "        if pool is None:\n",
        "        if False:\n",
        f"{MANY}a_key_whose_slot_no_server_of_a_cluster_has_is_away_alone",
    ),
    fault(
        "H18 a slot that nobody has takes every server of the cluster with it",
        "_redis_rounds",
        "if self._place(epoch_key(scope)) is pool]",
        "if self.place(epoch_key(scope)) is pool]",
        f"{MANY}a_key_whose_slot_no_server_of_a_cluster_has_is_away_alone",
    ),
    fault(
        "H04 a damaged epoch is believed",
        "bytestore",
        "    if isinstance(told, bytes) and EPOCH.fullmatch(told):\n",
        "    if told is not None:\n",
        "tests/stores/test_epochs.py::"
        "test_a_damaged_epoch_is_another_epoch_the_same_for_every_process",
    ),
]
