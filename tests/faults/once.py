"""Faults in what is done once or not at all: readings, first contacts, own news, told text."""

from tests.faults._plant import Fault

EXPORTERS = "tests/test_exporters.py::"
SECRETS = "tests/test_secrets.py::test_an_error_"

FAULTS = [
    Fault(
        "H36 what a user's executor or codec says in an error of ours is logged",
        "errors.py",
        "isinstance(error, OobHealError) and error._ours",
        "isinstance(error, OobHealError)",
        (SECRETS + "of_ours_that_a_user_made_is_told_by_its_type_alone",),
    ),
    Fault(
        "H36 an observer is told the password in a function's name",
        "_core.py",
        "advice = without_secrets(own_words(error))",
        "advice = own_words(error)",
        (SECRETS + "that_we_made_is_told_in_its_own_words_without_a_password",),
    ),
    Fault(
        "what cache_info says does not add up while calls are counted",
        "_function.py",
        "misses=stale + absent,",
        "misses=core.stale + core.absent,",
        ("tests/test_members.py::test_cache_info_adds_up_while_calls_are_counted",),
    ),
    Fault(
        "seeing: each instrument of a collection reads all figures again",
        "export/_otel_once.py",
        "self._last = last if len(last.had) < self._instruments else None",
        "self._last = None",
        (EXPORTERS + "test_a_collection_of_opentelemetry_reads_the_figures_once",),
    ),
    Fault(
        "seeing: a collection shows the figures of the one before",
        "export/_otel_once.py",
        "instrument in last.had or ",
        "",
        (EXPORTERS + "test_what_an_instrument_asks_for_late_is_another_collection",),
    ),
    Fault(
        "seeing: an instrument that is asked late shows what was",
        "export/_otel_once.py",
        " or self._clock() >= last.until",
        "",
        (EXPORTERS + "test_what_an_instrument_asks_for_late_is_another_collection",),
    ),
]
