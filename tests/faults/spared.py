"""Faults in who is spared a dependency in trouble, and who is not: what only the model and the
schedules notice, keys that are not there, and ``heal_now``."""

from tests.faults._plant import Fault

GUARDED = "test_whatever_happens_the_breaker_and_the_cap_do_what_the_model_says"
MACHINE = (f"tests/test_state_machine.py::{GUARDED}",)
RANDOM = ("tests/test_schedules.py::test_at_random_the_promises_hold_and_no_lease_is_left",)
TWO = ("tests/test_schedules.py::test_in_every_order_of_two_actors_the_promises_hold",)
NOT_THERE = "tests/test_keys_that_are_not_there.py"
JUST_AFTER = "test_two_caches_on_one_server_share_a_breaker"
HEAL_NOW = "tests/test_heal_now_in_trouble.py"

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
        "_carried.py",
        "        if self.permit is not None:\n            self.permit.failed(error)\n",
        "",
        MACHINE,
    ),
    Fault(
        "H21 who asks for what is not there stops everybody's heals",
        "_breaker.py",
        "    if not failed.known and not is_probe(state) and now < state.answered + VOUCHES_FOR:\n",
        "    if False:\n",
        (
            f"{NOT_THERE}::test_who_asks_for_what_is_not_there_opens_no_breaker_while_others_are_answered",
        ),
    ),
    Fault(
        "H21 keys that were never seen probe before those that have an entry",
        "_guard.py",
        "not known and now < self._known_first_until:",
        "False:",
        (
            f"{NOT_THERE}::test_where_the_breaker_opens_all_the_same_keys_that_exist_are_first_to_probe",
        ),
    ),
    Fault(
        "H17 heal_now passes over the cap",
        "_guard.py",
        "        if len(self._inside) >= most:",
        "        if len(self._inside) >= most and not force:",
        (f"{HEAL_NOW}::test_it_waits_for_a_place_at_the_dependency",),
    ),
    Fault(
        "H17 heal_now waits for a place as long as a queue does",
        "_admission.py",
        "        patience = 0.0\n",
        "        pass\n",
        (f"{HEAL_NOW}::test_it_waits_for_heal_timeout_at_most_and_says_what_for",),
    ),
    Fault(
        "H17 what fails within a ms of another's probe is told to nobody over Redis",
        "backends/_redis_verbs.py",
        "words = (lease.token, _held_back(keep_for))",
        "words = (lease.token, self._kept(keep_for))",
        (f"tests/redis/test_breaker.py::{JUST_AFTER}",),
    ),
]
