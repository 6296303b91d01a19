"""Faults that the model-based tests must notice: each in what two or more parts agree upon."""

from tests.faults._plant import Fault
from tests.faults.leases import IMMORTAL

MACHINE = ("tests/test_state_machine.py::test_whatever_happens_the_cache_does_what_the_model_says",)
RANDOM = ("tests/test_schedules.py::test_at_random_the_promises_hold_and_no_lease_is_left",)
THREE = ("tests/test_schedules.py::test_in_every_order_of_three_actors_the_promises_hold",)
SWITCHES = "tests/test_thread_switches.py"
FAULTS = [
    Fault(
        "H07 the fence is dropped, says the model",
        "backends/_leased.py",
        "            if not self._leases.holds(lease):\n"
        "                return self._leases.committed(lease)\n",
        "",
        MACHINE,
    ),
    Fault(
        "H13 the release is forgotten on failure, says the model",
        "_heal.py",
        "    yield from give_back(core, lease, delay)\n    quiet = _decide.quiet_for(delay)\n",
        "    quiet = _decide.quiet_for(delay)\n",
        MACHINE,
    ),
    Fault(
        "H28 attempts are counted at release, says the model",
        "backends/_leases.py",
        "            attempts=attempt, granted_at=now,",
        "            attempts=attempt - 1, granted_at=now,",
        MACHINE,
    ),
    Fault(
        "H11 the wall clock in place of the monotonic one",
        "_cache.py",
        "        clock: Clock = time.monotonic,\n",
        "        clock: Clock = time.time,\n",
        ("tests/test_wall_clock.py::test_a_step_of_the_wall_clock_changes_nothing",),
    ),
    Fault(
        "H07 age counts from the commit, says the model",
        "_heal.py",
        "entry = core.new_entry(value, lease.granted_at)",
        "entry = core.new_entry(value, now)",
        MACHINE,
    ),
    Fault(
        "H08 a default is served inside a heal, and stored, says the model",
        "_decide.py",
        "if has_default and not in_heal else",
        "if has_default else",
        MACHINE,
    ),
    Fault(
        "H02 the request's context is inherited, says the model",
        "_drivers.py",
        "    context = contextvars.Context()\n",
        "    context = contextvars.copy_context()\n",
        MACHINE,
    ),
    Fault(
        "H13 a mark has no deadline, says the model",
        "_inflight.py",
        *IMMORTAL,
        MACHINE,
    ),
    Fault(
        "H27 a lock is held across the user's call, says the model",
        "_drivers.py",
        "    if core.around is None:\n        return core.fn(*args, **kwargs)\n",
        "    if core.around is None:\n"
        "        with core.inflight.lock:\n"
        "            return core.fn(*args, **kwargs)\n",
        MACHINE,
    ),
    Fault(
        "H01 the order of keywords is in the key, says the model",
        "_keys.py",
        "tuple(sorted(value.items())) if by_keyword",
        "tuple(value.items()) if by_keyword",
        MACHINE,
    ),
    Fault(
        "H01 the type is not in the key, says the model",
        "_encoding.py",
        "        return (cls, value)\n    scale = scale or _Scale()\n"
        "    scale.put(value, cls, depth)\n    kind = KINDS.get(cls)\n"
        "    if kind is not None:\n        return (cls, kind.token(value))\n",
        "        return value\n    kind = KINDS.get(cls)\n"
        "    if kind is not None:\n        return kind.token(value)\n",
        MACHINE,
    ),
    Fault(
        "H06 a drop is not fenced, says the model",
        "backends/_leased.py",
        "            if not self._leases.holds(lease):\n"
        "                return self._leases.committed(lease)\n",
        "            if entry is not None and not self._leases.holds(lease):\n"
        "                return self._leases.committed(lease)\n",
        MACHINE,
    ),
    Fault(
        "H09 jitter moves the hard limit, says the model",
        "_decide.py",
        "    return entry.dated + policy.ttl + policy.max_stale\n",
        "    return entry.dated + policy.ttl * (1 - policy.jitter * entry.spread)"
        " + policy.max_stale\n",
        MACHINE,
    ),
    Fault(
        "H19 a lease is adopted twice, says the model",
        "backends/_leases.py",
        "            if adopt != held.lease.token or held.adopted:\n"
        "                return Refused(Why.HELD, held.lease.until)\n"
        "            return self._grant("
        "key, now, lease_for, held.lease.attempt, None, adopted=True)\n",
        "            if adopt != held.lease.token:\n"
        "                return Refused(Why.HELD, held.lease.until)\n"
        "            return held.lease\n",
        MACHINE,
    ),
    Fault(
        "H14 the ledger counts twice, says the model",
        "_inflight.py",
        "            if heal.outcome is not None:\n"
        "                return False\n"
        "            self._close(heal)\n",
        "            self._close(heal)\n",
        MACHINE,
    ),
    Fault(
        "H07 the fence is dropped, say the schedules",
        "backends/_leased.py",
        "            if not self._leases.holds(lease):\n"
        "                return self._leases.committed(lease)\n",
        "",
        THREE,
    ),
    Fault(
        "H19 a lease is adopted twice, say the schedules",
        "backends/_leases.py",
        "            if adopt != held.lease.token or held.adopted:\n"
        "                return Refused(Why.HELD, held.lease.until)\n"
        "            return self._grant("
        "key, now, lease_for, held.lease.attempt, None, adopted=True)\n",
        "            if adopt != held.lease.token:\n"
        "                return Refused(Why.HELD, held.lease.until)\n"
        "            return held.lease\n",
        RANDOM,
    ),
    Fault(
        "H24 a heal that is cut off keeps its lease, say the schedules",
        "_heal.py",
        "        yield from give_back(subject.core, lease, 0)\n        return End(Outcome.LOST)\n",
        "        return End(Outcome.LOST)\n",
        RANDOM,
    ),
    Fault(
        "H24 a lease granted to a heal that is cut off meanwhile is nobody's, say the schedules",
        "_drivers.py",
        '            elif isinstance(step, Ask) and step.verb == "acquire"'
        " and not subject.core.shelf.prompt:\n",
        "            elif False:\n",
        RANDOM,
    ),
    Fault(
        "H40 a read is counted in two steps",
        "_hot.py",
        "                hits += 1.0\n                return value\n            if until",
        "                hits = max(hits + 1.0, 0.0)\n"
        "                return value\n            if until",
        (f"{SWITCHES}::test_every_read_is_counted_once",),
    ),
    Fault(
        "H40 the books are kept without their lock",
        "_inflight.py",
        "        self.lock = threading.Lock()\n",
        '        self.lock = __import__("contextlib").nullcontext()\n',
        (f"{SWITCHES}::test_each_key_is_called_once_whoever_misses_it",),
    ),
    Fault(
        "H40 the verbs of a backend are not atomic",
        "backends/_leased.py",
        "        lock: AbstractContextManager[Any] = self.lock\n",
        "        lock: AbstractContextManager[Any] = threading.Lock()\n",
        (
            f"{SWITCHES}::test_each_key_is_called_once_whoever_misses_it",
            f"{SWITCHES}::test_nothing_older_than_the_last_acknowledged_write_is_served",
        ),
    ),
]
