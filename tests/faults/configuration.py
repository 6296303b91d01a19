"""Faults in what is said of a configuration that is wrong."""

from tests.faults._plant import Fault

FUZZED = "tests/test_configuration_fuzzed.py"
FUNCTION = f"{FUZZED}::test_each_parameter_of_a_function_works_or_is_refused_whatever_it_is"
PART = f"{FUZZED}::test_each_parameter_of_a_part_is_taken_or_refused_whatever_it_is"

FAULTS = [
    Fault(
        "H43 a duration too large for a float is an error of another kind",
        "_durations.py",
        "    except OverflowError:\n",
        "    except ZeroDivisionError:\n",
        (FUNCTION,),
    ),
    Fault(
        "a configuration is refused without its parameter's name",
        "_policy.py",
        'f"{name}= must be callable, not {type(value).__name__}"',
        'f"this must be callable, not {type(value).__name__}"',
        (FUNCTION,),
    ),
    Fault(
        "a part is compared with what it may not touch",
        "executors/queue.py",
        "        if isinstance(outbox, bool) or not isinstance(outbox, int):",
        "        if outbox == 0 or not isinstance(outbox, int):",
        (f"{PART}[QueueExecutor]",),
    ),
]
