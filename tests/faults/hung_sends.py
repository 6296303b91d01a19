"""Faults in what bounds a send."""

from tests.faults._plant import Fault


def fault(hazard: str, before: str, after: str, *tests: str) -> Fault:
    """A fault of the outbox that these tests, of sends that hang, must notice."""
    nodes = tuple(f"tests/test_hung_sends.py::test_{test}" for test in tests)
    return Fault(hazard, "executors/_outbox.py", before, after, nodes)


FAULTS = [
    fault(
        "H12 an awaited send has no end",
        "limit = asyncio.timeout(self.send_timeout)",
        "limit = asyncio.timeout(None)",
        "an_async_send_that_hangs_is_cut_short_and_its_heal_dropped",
    ),
    fault(
        "H12 a publisher that hangs is not replaced",
        "                    self._start()\n                except HealRejectedError",
        "                    pass\n                except HealRejectedError",
        "the_watch_gives_up_by_itself_what_hangs_and_what_waits_is_sent",
    ),
    fault(
        "H12 nobody watches the publisher",
        "                    watch.start()",
        "                    pass",
        "the_watch_gives_up_by_itself_what_hangs_and_what_waits_is_sent",
    ),
    fault(
        "H13 a heal whose send hangs keeps its lease",
        "        heal.cut_off()\n        if full:",
        "        if full:",
        "a_send_that_cannot_be_cut_short_is_given_up_and_another_thread_sends",
    ),
    fault(
        "H16 hung publishers are not capped",
        "            full = len(self.hung) >= HUNG_AT_MOST",
        "            full = False",
        "beyond_the_limit_of_hung_publishers_heals_are_dropped_until_one_comes_back",
    ),
    fault(
        "H13 a send that hangs at the close keeps its lease",
        "        if hangs is not None:\n            hangs.cut_off()\n",
        "",
        "a_send_that_outlasts_the_close_is_cut_off_with_its_lease_and_watched_no_more",
    ),
    fault(
        "H12 the watch dies of a send that was cut off at the close",
        " or self.sending is None:\n                return\n            self.due",
        ":\n                return\n            self.due",
        "a_send_that_outlasts_the_close_is_cut_off_with_its_lease_and_watched_no_more",
    ),
]
