"""Faults in the adapters: planted where their engine is; without it their tests are skipped."""

from __future__ import annotations

import importlib.util

from tests.faults._plant import Fault

ADAPTERS = "tests/engines/test_adapters.py"


def fault(hazard: str, engine: str, before: str, after: str, test: str) -> Fault:
    """A fault of one adapter that this test of its own must notice."""
    return Fault(hazard, f"executors/{engine}.py", before, after, (f"{ADAPTERS}::test_{test}",))


TASKIQ = [
    fault(
        "H23 engines: a broker is used outside the loop where it was started",
        "taskiq",
        "        self.loop = here\n",
        "",
        "taskiq_lives_in_the_loop_where_the_application_started_it",
    ),
    fault(
        "H23 engines: a broker is started twice",
        "taskiq",
        "        if own is not None and here is not own and self.started:",
        "        if False:",
        "a_taskiq_broker_that_the_application_starts_late_moves_to_its_loop",
    ),
    fault(
        "H18 engines: a broker that gave up is never started again",
        "taskiq",
        "time.monotonic() - self.well_at > START_ANEW_AFTER",
        "False",
        "a_taskiq_broker_of_ours_that_fails_for_long_is_started_anew",
    ),
    fault(
        "H13 engines: a broker shuts down beyond the grace",
        "taskiq",
        "        within = min(ENDS_WITHIN, max(left, ENDS_AT_LEAST))",
        "        within = ENDS_WITHIN",
        "a_taskiq_broker_of_ours_that_does_not_shut_down_has_what_is_left_of_the_grace",
    ),
    fault(
        "H05 engines: two caches share a task",
        "taskiq",
        "        if self.task in self.broker.local_task_registry:",
        "        if False:",
        "a_second_cache_on_one_task_is_refused",
    ),
]

CELERY = [
    fault(
        "H28 engines: a message is acknowledged before it is done",
        "celery",
        "            acks_late=True,",
        "            acks_late=False,",
        "celerys_task_of_heals_is_safe_whatever_the_app_says",
    ),
    fault(
        "H23 engines: a child sends over its parent's connections",
        "celery",
        "        super().after_fork(consistent)\n        amqp",
        "        return super().after_fork(consistent)\n        amqp",
        "a_child_of_a_process_that_has_sent_sends_over_connections_of_its_own",
    ),
    fault(
        "H23 engines: a child gets its parent's connections from kombu again",
        "celery",
        "                    dict.pop(group, connection)",
        "                    pass",
        "a_child_of_a_process_that_has_sent_sends_over_connections_of_its_own",
    ),
    fault(
        "H05 engines: two caches share a Celery task",
        "celery",
        "        if self.task in self.app._tasks:",
        "        if False:",
        "a_second_cache_on_one_celery_task_is_refused",
    ),
]

FAULTS = [
    *(TASKIQ if importlib.util.find_spec("taskiq") else []),
    *(CELERY if importlib.util.find_spec("celery") else []),
]
