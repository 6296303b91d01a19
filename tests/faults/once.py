"""Faults in what is done once or not at all: readings, first contacts, own news, told text."""

from tests.faults._plant import Fault

EXPORTERS = "tests/test_exporters.py::"

FAULTS = [
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
