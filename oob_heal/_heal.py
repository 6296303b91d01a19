"""One heal, from lease to commit: written once.

Law: the conversation is a generator that yields what it wants done (ask the backend, call the
function, pause) and is told how that went; the two drivers, one a colour, do it. So there is one
text of the heal for both colours, and a test can run it step by step. ``_admission`` stands before
it and after it, for the dependency's sake.

    acquire --refused--> end
       | granted
    re-read --fresh by now--> give back, end: skipped
       | needed
    call in an empty context, inside around=, within heal_timeout
       |            | error in drop_on: commit nothing there
       |            | any other: give back with a retry time, end: failed
    commit --void--> end: refused
       | held
    end: healed

Who kills this process between any two steps leaves a lease that ends by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from oob_heal import _decide
from oob_heal._admission import admitted, delay_after, look, showed, turned_away
from oob_heal._core import Core
from oob_heal._guard import Permit
from oob_heal._model import Entry, Lease, Outcome, Refused, Why
from oob_heal._results import check_result
from oob_heal._steps import (
    Ask,
    Call,
    Conversation,
    CutOff,
    End,
    Send,
    Step,
    Subject,
    away,
    give_back,
    rejected,
)
from oob_heal._tokens import WAITS
from oob_heal.errors import BackendError, HealRejectedError, HealTimeoutError, OobHealError


def conversation(
    subject: Subject, held: Callable[[Lease], None], permitted: Callable[[Permit], None]
) -> Conversation:
    """A heal. ``held`` is told the lease as soon as there is one, ``permitted`` its permit."""

    def heal(permit: Permit) -> Conversation:
        granted = yield from take_lease(subject, _decide.lease_for(subject.core.policy))
        if isinstance(granted, End):
            return granted
        held(granted)
        return (yield from under_lease(subject, granted, permit))

    end: End = yield from admitted(subject, permitted, heal)
    return end


def take_lease(
    subject: Subject, lease_for: float, adopt: str | None = None
) -> Generator[Step, Any, Lease | End]:
    """No lease, no heal."""
    core = subject.core
    options = {"adopt": adopt or subject.adopt, "force": subject.force}
    try:
        granted = yield Ask("acquire", (subject.key, lease_for), options)
    except Exception as error:
        core.backend_failed("acquire", error)
        return away(core, error)
    if isinstance(granted, Refused):
        return _refused(core, granted)
    wait = _decide.wait_after_crash(granted, core.policy, core.parts.random())
    if wait > 0 and not subject.force:
        if _decide.in_quarantine(granted):
            core.quarantined(subject.key, granted.attempt - 1, wait)
        yield from give_back(core, granted, wait)
        return _refused(core, Refused(Why.BACKING_OFF, granted.granted_at + wait))
    lease: Lease = granted
    return lease


def _refused(core: Core, refused: Refused) -> End:
    quiet = _decide.quiet_for(refused.until - core.shelf.now())
    if refused.why is Why.FULL:
        return End(Outcome.REFUSED, error=HealRejectedError("the lease table is full"), quiet=quiet)
    return End(Outcome.REFUSED, quiet=quiet)


def under_lease(subject: Subject, lease: Lease, permit: Permit) -> Conversation:
    """Re-read, call, commit; cut off at whatever step, give the lease back."""
    try:
        return (yield from _under_lease(subject, lease, permit))
    except CutOff:
        yield from give_back(subject.core, lease, 0)
        return End(Outcome.LOST)


def _under_lease(subject: Subject, lease: Lease, permit: Permit) -> Conversation:
    core = subject.core
    try:
        entry = yield Ask("get", (subject.key,))
    except Exception as error:
        core.backend_failed("get", error)
        return (yield from _failed(core, lease, rejected(core, error), permit))
    permit.known = entry is not None
    now = core.shelf.now()
    since = subject.missed_at  # of heal_now: later than what it found
    if not subject.force:  # else one of the future would call each time that it is delivered
        since = min(since, lease.granted_at)
    if entry is not None and entry.dated == subject.joined_at:
        since = entry.dated  # what it waited for; what was set before the request is not
    if not _decide.heal_is_needed(entry, now, core.policy, subject.reason, since):
        yield from give_back(core, lease, 0)
        return End(Outcome.SKIPPED, entry=entry)
    try:
        value = yield Call()
    except (GeneratorExit, CutOff):
        raise
    except BaseException as error:
        showed(core, permit, lease, error)
        return (yield from _brought_an_error(core, lease, error, permit))
    showed(core, permit, lease, None)
    try:
        return (yield from _commit(core, lease, value))
    except (GeneratorExit, CutOff):
        raise
    except BaseException as error:
        return (yield from _failed(core, lease, error, permit))


def _brought_an_error(
    core: Core, lease: Lease, error: BaseException, permit: Permit
) -> Conversation:
    late = _decide.ran_out(lease, core.shelf.now(), core.policy)
    if late or not _decide.is_an_answer(error, core.policy):
        return (yield from _failed(core, lease, error, permit))
    nothing_for = _decide.keep_nothing_for(core.policy)
    try:
        done = yield from _settled(core, lease, None, nothing_for)
    except Exception as failure:
        return (yield from _failed(core, lease, failure, permit))
    quiet = _decide.quiet_for(nothing_for) if done else 0.0
    return End(Outcome.HEALED if done else Outcome.REFUSED, error=error, quiet=quiet)


def _commit(core: Core, lease: Lease, value: Any) -> Conversation:
    now = core.shelf.now()
    if _decide.ran_out(lease, now, core.policy):
        raise HealTimeoutError(f"a heal of {core.label} took longer than heal_timeout")
    if not _decide.can_be_served(lease, now, core.policy):
        raise HealTimeoutError(
            f"a heal of {core.label} took longer than ttl + max_stale: what it brings can never "
            f"be served; raise one of them"
        )
    check_result(core.label, value)
    entry = core.new_entry(value, lease.granted_at)
    if not (yield from _settled(core, lease, entry, core.keep_for())):
        return End(Outcome.REFUSED)
    return End(Outcome.HEALED, entry=entry)


def _settled(
    core: Core, lease: Lease, entry: Entry | None, keep_for: float
) -> Generator[Step, Any, bool]:
    try:
        return bool((yield Ask("commit", (lease, entry, keep_for))))
    except OobHealError:  # the codec's: nothing is wrong with the backend
        raise
    except Exception as error:
        core.backend_failed("commit", error)
        text = f"the backend of {core.label} failed to commit: {type(error).__name__}"
        raise BackendError(text) from error


def _failed(core: Core, lease: Lease, error: BaseException, permit: Permit) -> Conversation:
    delay = delay_after(core, lease.attempt, error, permit)
    yield from give_back(core, lease, delay)
    quiet = _decide.quiet_for(delay)
    return End(Outcome.FAILED, error=error, quiet=quiet, delay=delay)


def handing_on(
    subject: Subject, held: Callable[[Lease], None], encode: Callable[[Lease], bytes]
) -> Conversation:
    """Take the lease that waits in an engine's queue, and send the event with its token."""
    core = subject.core
    yield from look(core)
    wait = core.guard.open_until - core.guard.clock()
    if wait > 0:  # a worker would only turn it away
        return turned_away(wait)
    granted = yield from take_lease(subject, core.policy.queue_timeout, WAITS)
    if isinstance(granted, End):
        return granted
    held(granted)
    try:
        yield Send(encode(granted))
    except GeneratorExit:
        raise
    except BaseException as error:
        yield from give_back(core, granted, 0)  # no attempt: nobody called the function
        if isinstance(error, CutOff):
            return End(Outcome.LOST)
        return End(Outcome.DROPPED, error=error, quiet=_decide.QUIET_AT_MOST)
    return End(None)
