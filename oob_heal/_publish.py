"""From a miss to an executor: the publication of a heal.

Law: publishing runs in the caller, so it is O(1), bounded, and neither does I/O nor waits. What
is not accepted is dropped and counted; the next read is the retry.
"""

from __future__ import annotations

from typing import Any

from oob_heal import _decide
from oob_heal._carried import Heal
from oob_heal._collector import collecting, in_collector
from oob_heal._core import Core, healing
from oob_heal._heal_now import healing_now
from oob_heal._model import Key, Outcome, Reason
from oob_heal._steps import Conversation, End, Subject
from oob_heal._submit import submit
from oob_heal.errors import HealRejectedError

forced_executor: list[Any] = []
"""Carries every heal while it is not empty: ``oob_heal.testing.heal_inline`` puts itself here."""


def publish(core: Core, subject: Subject) -> bool:
    """Hand a heal to the executor. False if the key is looked after already, or it was dropped."""
    if (collecting[0] and _drops_aside(core)) or subject.key in healing.get():
        return False
    hub = core.parts.hub
    if hub.traces:
        subject = subject._replace(traceparent=hub.traceparent())
    heal = Heal(subject)
    if not core.inflight.begin(heal, subject.seen, core.mark_for):
        return _held_back(heal)
    if hub.hears_misses:
        hub.missed(core.label, subject.reason)
    if heal.instead_of is not None:
        core.ended(heal.key, Outcome.LOST, None, 0, 0.0)
        core.was_cut_off()
    try:
        if core.parts.closed:
            raise HealRejectedError("the cache is closed")
        executor = forced_executor[-1] if forced_executor else core.executor
        taken = submit(executor, heal)
    except BaseException as error:
        heal.ends(End(Outcome.DROPPED, error=error))
        if not isinstance(error, Exception):
            raise
        return False
    if taken is not None:
        heal.carried_by(taken)
    return True


def _drops_aside(core: Core) -> bool:
    """Count a heal as dropped where a finalizer has missed, whose thread may hold our locks."""
    if not in_collector():
        return False
    core.inflight.drop_aside()
    return True


def _held_back(heal: Heal) -> bool:
    if heal.outcome is not None:
        error = HealRejectedError("too many heals of this function are under way")
        heal.core.ended(heal.key, heal.outcome, error, 0, 0.0)
    return False


def now_heal(core: Core, key: Key, args: Any, kwargs: Any, now: float) -> tuple[Heal, Conversation]:
    """The heal of ``heal_now`` and its conversation; its account is open."""
    subject = Subject(core, key, args, kwargs, Reason.REQUESTED, now, force=True)
    heal = Heal(subject._replace(traceparent=core.parts.hub.traceparent()))
    core.inflight.join(heal, 2 * _decide.lease_for(core.policy))
    heal.running = True
    heal._begin_span()

    def other() -> Heal | None:
        found: Heal | None = core.inflight.under_way(key)
        return None if found is heal else found

    until = core.parts.clock() + core.policy.heal_timeout
    return heal, healing_now(heal.subject, heal._hold, heal._permit, other, until)
