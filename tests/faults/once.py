"""Faults in what is done once or not at all: readings, first contacts, own news, told text."""

from tests.faults._plant import Fault

EXPORTERS = "tests/test_exporters.py::"
SECRETS = "tests/test_secrets.py::test_an_error_"

LATE = "tests/tier/test_front.py::test_late_news_of_a_write_leave_what_was_read_after_it"
OVERTAKEN = "tests/tier/test_front.py::test_what_was_read_before_a_write_is_not_held_after_it"

CONTACT = "tests/redis/test_loop_goes_on.py::test_"
ANNOUNCED = (
    "tests/redis/test_news.py::test_every_write_is_announced_once_and_no_read_and_no_lease_is"
)

FAULTS = [
    Fault(
        "H12 the first set of an async function keeps its loop until there is contact",
        "_shelf.py",
        "now: float = self.now() if ask is None else await ask()",
        "now: float = self.now()",
        (CONTACT + "a_first_set_waits_for_contact_in_its_task_alone",),
    ),
    Fault(
        "H12 a tier keeps the loop until there is contact with what is behind it",
        "backends/tiered.py",
        'FIRST_CONTACT = ("meet", "known_now", "anow")',
        'FIRST_CONTACT = ("meet", "known_now")',
        (CONTACT + "a_first_set_waits_for_contact_in_its_task_alone",),
    ),
    Fault(
        "H12 the first heal asked of an async function keeps its loop until there is contact",
        "_function.py",
        "_requested_at(core) if core.is_async else _now(core)",
        "_now(core)",
        (CONTACT + "a_first_heal_is_accepted_at_once_and_heals_whatever_is_there",),
    ),
    Fault(
        "a heal asked for before there is contact is skipped for an older entry",
        "_function.py",
        "math.inf if known is None else known",
        "0.0 if known is None else known",
        (CONTACT + "a_first_heal_replaces_an_entry_that_is_fresh",),
    ),
    Fault(
        "seeing: a heal asked for before there is contact takes no time",
        "_carried.py",
        "missed_at if self.lease is None else min(missed_at, self.lease.granted_at)",
        "missed_at",
        (CONTACT + "a_first_heal_is_accepted_at_once_and_heals_whatever_is_there",),
    ),
    Fault(
        "tier: a writer's own news empty its front",
        "backends/_near.py",
        "key is None or which_of(self._held[key].entry) == which",
        "key is None",
        (LATE,),
    ),
    Fault(
        "tier: news that arrive during a look void what it brings, whatever they say",
        "backends/_near.py",
        "self.void = self.void or not which",
        "self.void = True",
        (LATE,),
    ),
    Fault(
        "H07 tier: what a look brings is held, though news say that another entry is there",
        "backends/_near.py",
        "(entry is None or which_of(entry) != look.told)",
        "entry is None",
        (OVERTAKEN,),
    ),
    Fault(
        "tier: the server's news do not say which entry is there",
        "backends/_redis_lua.py",
        "    if entry then\n",
        "    if false then\n",
        (ANNOUNCED,),
    ),
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
        "_look.py",
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
