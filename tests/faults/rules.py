"""Faults in the table of rules."""

from tests.faults._plant import Fault

FAULTS = [
    Fault(
        "a default is never served",
        "_decide.py",
        "DEFAULT if has_default and not in_heal else ERROR",
        "ERROR",
        ("tests/test_rules.py::test_an_absent_key_answers_with_the_default_and_publishes",),
    ),
]
