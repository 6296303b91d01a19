"""Faults in what a user sees: arguments, members, words, lifetimes."""

from tests.faults._plant import Fault

ARGUMENTS, REFUSALS = "tests/test_arguments.py::", "tests/test_refusals.py::"
MEMBERS, CACHES, OVERRIDE = (
    f"tests/test_{name}.py::" for name in ("members", "caches", "override")
)
SECRETS, LIFETIMES = "tests/test_secrets.py::", "tests/test_lifetimes.py::"
AROUND, LEDGER = "tests/test_around.py::", "tests/test_ledger.py::"
CANARY = SECRETS + "test_a_canary_in_everything_shows_in_nothing"
FREED = LIFETIMES + "test_dropping_an_instance_frees_it_once_nothing_is_pending"

WORD_FAULTS = [
    Fault(
        "H36 an error shows the argument",
        "_encoding.py",
        'raise UnlistedError(f"a value of type {name_of(cls)}")',
        'raise UnlistedError(f"a value of type {name_of(cls)}: {value!r}")',
        (CANARY,),
    ),
    Fault(
        "H36 an event shows its arguments",
        "_model.py",
        "arguments: Mapping[str, Any] = field(repr=False)",
        "arguments: Mapping[str, Any]",
        (CANARY,),
    ),
    Fault(
        "H36 an entry shows its value",
        "_model.py",
        "value: Any = field(repr=False)",
        "value: Any",
        (CANARY,),
    ),
    Fault(
        "H36 a key shows its arguments",
        "_model.py",
        'return f"<Key {self.scope.label} #{hash(self.token) & 0xFFFFFFFF:08x}>"',
        'return f"<Key {self.scope.label} {self.token}>"',
        (CANARY,),
    ),
    Fault(
        "H36 what is failing shows the message",
        "_reports.py",
        'return f"<Failing {named}: {self.error}, {tried}>"',
        'return f"<Failing {named}: {self.error} {self.message}, {tried}>"',
        (CANARY, SECRETS + "test_the_message_of_a_failure_is_kept_short_and_out_of_the_repr"),
    ),
    Fault(
        "H36 the log shows what the dependency's error says",
        "_core.py",
        "advice = without_secrets(own_words(error))",
        "advice = str(error)",
        (CANARY,),
    ),
    Fault(
        "H36 a write's error shows what the backend's says",
        "_function.py",
        'failed to {verb}: {type(error).__name__}; "',
        'failed to {verb}: {error}; "',
        (CANARY, SECRETS + "test_the_cause_of_an_error_is_kept_for_who_asks"),
    ),
    Fault(
        "an unknown parameter is ignored",
        "_policy.py",
        "        if name not in allowed:\n",
        "        if False:\n",
        (ARGUMENTS + "test_an_unknown_parameter_is_refused_and_the_known_ones_are_listed",),
    ),
    Fault(
        "NaN passes for a duration",
        "_durations.py",
        "if math.isnan(number) or number < 0 or",
        "if number < 0 or",
        (ARGUMENTS + "test_a_bad_argument_at_decoration_is_refused_by_name",),
    ),
    Fault(
        "H02 a method needs no identity",
        "_policy.py",
        'if first in ("self", "cls") and first not in names:',
        "if False:",
        (REFUSALS + "test_a_method_must_say_what_identifies_its_instance",),
    ),
    Fault(
        "the wait for a heal that may take centuries ends the pool",
        "executors/_heal_threads.py",
        "return min(max(0.0, due - self.clock()), LONGEST_WAIT)",
        "return max(0.0, due - self.clock())",
        (ARGUMENTS + "test_a_heal_timeout_of_centuries_does_not_end_the_pool_of_threads",),
    ),
]

MEMBER_FAULTS = [
    Fault(
        "peek counts and publishes as a call does",
        "_function.py",
        "return _read.peeked(core, core.shelf.read(key))",
        "return _read.lookup(core, args, kwargs)",
        (MEMBERS + "test_peek_publishes_nothing_and_counts_nothing",),
    ),
    Fault(
        "a refused call is counted",
        "_read.py",
        '    """What a sync decorated function does."""\n',
        "    core.absent += 1\n",
        (REFUSALS + "test_a_refused_call_leaves_no_mark_no_count_and_no_lease",),
    ),
    Fault(
        "H14 a heal that ends past its deadline stays on the books",
        "_inflight.py",
        "        self._open.pop(id(heal), None)  # also",
        "        if self._open.standing(id(heal), self.clock()) is not None:\n"
        "            self._open.pop(id(heal), None)  # also",
        (LEDGER + "test_a_heal_that_ends_after_its_lease_is_counted_once",),
    ),
    Fault(
        "H14 what passes its deadline while another is sent is forgotten",
        "_inflight.py",
        "            self._count(account.heal, Outcome.LOST)",
        "            account.heal.outcome = Outcome.LOST",
        (LEDGER + "test_a_heal_whose_deadline_passes_while_another_is_sent_is_lost_and_told",),
    ),
    Fault(
        "override leaves its parts behind",
        "_register.py",
        "            for back in put_back.values():\n                back()\n",
        "",
        (OVERRIDE + "test_override_swaps_each_part_and_puts_it_back",),
    ),
    Fault(
        "a function decorated inside an override keeps its parts",
        "_register.py",
        "                if core not in put_back:\n",
        "                if False:\n",
        (
            OVERRIDE
            + "test_a_function_decorated_inside_an_override_gets_the_caches_parts_afterwards",
        ),
    ),
    Fault(
        "a closed cache still publishes",
        "_publish.py",
        "        if core.parts.closed:\n",
        "        if False:\n",
        (CACHES + "test_leaving_a_cache_in_async_code_drains_its_tasks",),
    ),
    Fault(
        "a thread starts when an executor is made",
        "executors/threads.py",
        "        self._pool = HealThreads(threads, queue, hung, clock)\n",
        "        self._pool = HealThreads(threads, queue, hung, clock)\n"
        "        self._pool._start_manager()\n",
        (CACHES + "test_nothing_starts_at_import_or_at_decoration",),
    ),
]

LIFE_FAULTS = [
    Fault(
        "H37 a cache keeps its functions",
        "_register.py",
        "self._cores: weakref.WeakKeyDictionary[Core, Asked] = weakref.WeakKeyDictionary()",
        "self._cores: dict[Core, Asked] = {}",
        (LIFETIMES + "test_dropping_a_local_function_frees_it_and_its_entries",),
    ),
    Fault(
        "H37 a heal that ended stays in its table, and holds its arguments",
        "_inflight.py",
        "            self._close(heal)\n            self._count(heal, outcome)\n",
        "            self._count(heal, outcome)\n",
        (FREED,),
    ),
    Fault(
        "H37 the key holds an ignored instance",
        "_keys.py",
        "        return tuple(told)\n",
        "        return (*told, *(bound[n] for n in range(len(bound)) if bound[n] is args[0]))\n",
        (FREED,),
    ),
    Fault(
        "H38 the decorated function has a name of its own",
        "_function.py",
        "    functools.update_wrapper(wrapper, core.fn)\n",
        "    functools.update_wrapper(wrapper, core.fn, assigned=('__doc__',))\n",
        (LIFETIMES + "test_a_decorated_function_pickles_and_copies_as_itself",),
    ),
    Fault(
        "H38 an async function returns a coroutine and is none",
        "_hot.py",
        'self.colour = ("async ", "await ") if core.is_async else ("", "")',
        'self.colour = ("", "")',
        (LIFETIMES + "test_iscoroutinefunction_tells_the_truth",),
    ),
    Fault(
        "H44 around= is not entered",
        "_drivers.py",
        "    with core.around():\n        return core.fn(*args, **kwargs)\n",
        "    core.around()\n    return core.fn(*args, **kwargs)\n",
        (AROUND + "test_each_heal_calls_the_function_inside_one_of_its_own",),
    ),
    Fault(
        "H44 what around= swallows is a value",
        "_drivers.py",
        "    with core.around():\n        return core.fn(*args, **kwargs)\n"
        "    raise _swallowed(core)\n",
        "    with core.around():\n        return core.fn(*args, **kwargs)\n    return None\n",
        (AROUND + "test_one_that_swallows_the_functions_error_fails_the_heal",),
    ),
    Fault(
        "H44 a queue takes a parameter that cannot travel",
        "_wiring.py",
        "    if leaves:\n        _check_travels(core)\n",
        "",
        (REFUSALS + "test_parts_that_do_not_go_together_are_refused_with_what_to_give",),
    ),
]

FAULTS = [*WORD_FAULTS, *MEMBER_FAULTS, *LIFE_FAULTS]
