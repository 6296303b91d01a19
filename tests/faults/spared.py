"""Faults in what processes share of a dependency in trouble, which only the model and the
schedules notice."""

from tests.faults._plant import Fault

GUARDED = "test_whatever_happens_the_breaker_and_the_cap_do_what_the_model_says"
MACHINE = (f"tests/test_state_machine.py::{GUARDED}",)
RANDOM = ("tests/test_schedules.py::test_at_random_the_promises_hold_and_no_lease_is_left",)
TWO = ("tests/test_schedules.py::test_in_every_order_of_two_actors_the_promises_hold",)

FAULTS = [
    Fault(
        "H17 who gets the probe does not look again, say the schedules",
        "_admission.py",
        "            yield from _read(core, ward)  # another probe may just have ended\n",
        "",
        TWO,
    ),
    Fault(
        "H24 a probe that is cut off keeps the others from probing, say the schedules",
        "_admission.py",
        "        yield from share(core, permit)  # the ward's lease, if it was granted meanwhile\n",
        "",
        RANDOM,
    ),
    Fault(
        "H24 a heal that is cut off as it opens the breaker keeps the ward, say the schedules",
        "_admission.py",
        "from here on the driver shields what it awaits\n            continue\n",
        "from here on the driver shields what it awaits\n            return\n",
        TWO,
    ),
    Fault(
        "H17 an old call takes the probe's place, says the model",
        "_guard.py",
        "sum(permit.era == state.era for permit in list(self._inside.values()))",
        "len(self._inside)",
        MACHINE,
    ),
    Fault(
        "H17 who is not the probe waits as long as the probe may take, says the model",
        "_guard.py",
        "            wait = min(wait, LOOK_EVERY)\n",
        "",
        MACHINE,
    ),
    Fault(
        "H16 a probe that hangs is no failure of the dependency, says the model",
        "_publish.py",
        "        if self.permit is not None:\n            self.permit.failed(error)\n",
        "",
        MACHINE,
    ),
]
