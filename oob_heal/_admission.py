"""On the way to the dependency: a permit before it, and what the call showed after it.

Law: steps of a heal's conversation, out of band. In this process the ``_guard`` decides. Where
processes share leases, they share the breaker as well, in one reserved key of the dependency, its
*ward*: an entry there says that it is open and for how long, and who holds its lease is the one
probe. Nobody reads it more often than once a second.

    look (once a second) -> permit --turned away--> end: refused, the key quiet for 1 s at most
                              | granted
                            the probe? the ward's lease, too, and look again
                              |
                            the heal; what its call showed is told, and shared if it matters
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from typing import Any

from oob_heal import _breaker, _decide
from oob_heal._breaker import Breaker
from oob_heal._core import Core
from oob_heal._guard import Permit, Ward
from oob_heal._model import Entry, Lease, Outcome, Reason, Refused
from oob_heal._steps import Ask, CutOff, End, Pause, Step, Subject, away, give_back
from oob_heal.errors import HealTimeoutError, OobHealError

PLACE_WAIT = 1.0  # s for which a heal waits for a place at a dependency that is well
PLACE_EVERY = 0.02  # s between two looks, at first
PLACE_EVERY_AT_MOST = 0.25  # s: a thousand tasks that wait must not keep a loop busy
OPEN_KEPT = 60.0  # s for which other processes know of a breaker that waits for a probe


def admitted(
    subject: Subject,
    told: Callable[[Permit], None],
    heal: Callable[[Permit], Generator[Step, Any, Any]],
) -> Generator[Step, Any, Any]:
    """What ``heal`` returns, done with a permit; the end of the heal if there is none."""
    permit = yield from _admission(subject)
    if isinstance(permit, End):
        if subject.adopt is not None:
            yield from _unused(subject)
        return permit
    told(permit)
    try:
        result = yield from heal(permit)
    except CutOff:
        permit.leave()
        yield from share(subject.core, permit)
        raise
    finally:
        permit.leave()
    yield from share(subject.core, permit)
    return result


def _unused(subject: Subject) -> Generator[Step, Any, None]:
    """The publisher's lease goes back, if it still holds."""
    try:
        granted = yield Ask("acquire", (subject.key, 1.0), {"adopt": subject.adopt})
    except Exception as error:
        subject.core.backend_failed("acquire", error)
        return
    if isinstance(granted, Lease):
        yield from give_back(subject.core, granted, 0)


def _admission(subject: Subject) -> Generator[Step, Any, Permit | End]:
    core, waited, pause = subject.core, 0.0, PLACE_EVERY
    # A task that waits holds no thread: many that are asked for at once, a warm-up, all heal.
    tasks = core.is_async and getattr(core.executor, "ends_with_loop", False)
    patience = core.policy.queue_timeout if tasks else PLACE_WAIT
    if subject.force:  # heal_now waits by itself, and looks what others bring meanwhile
        patience = 0.0
    for_at_most = _decide.lease_for(core.policy)
    yield from look(core)
    while True:
        known = subject.reason is not Reason.ABSENT
        permit = core.guard.admit(subject.key, for_at_most, force=subject.force, known=known)
        if isinstance(permit, Permit):
            break
        if not permit.full or waited >= patience:
            return turned_away(permit.wait)
        yield Pause(pause)
        waited += pause
        pause = min(1.5 * pause, PLACE_EVERY_AT_MOST)
    if not permit.probing or core.ward is None:
        return permit
    try:
        return (yield from _as_the_probe(core, core.ward, permit, for_at_most))
    except CutOff:
        permit.leave()
        yield from share(core, permit)  # the ward's lease, if it was granted meanwhile
        raise
    except BaseException:
        permit.leave()
        raise


def turned_away(wait: float) -> End:
    """No attempt of its key: nobody has called."""
    return End(Outcome.REFUSED, quiet=_decide.quiet_for(wait))


def _as_the_probe(
    core: Core, ward: Ward, permit: Permit, for_at_most: float
) -> Generator[Step, Any, Permit | End]:
    """Of all processes, one finds out."""
    try:
        granted = yield Ask("acquire", (ward.key, for_at_most), of=ward.shelf)
        if isinstance(granted, Lease):
            permit.lease = granted
            yield from _read(core, ward)  # another probe may just have ended
    except Exception as error:
        core.backend_failed("acquire", error)
        permit.leave()
        yield from share(core, permit)
        return away(core, error)
    if isinstance(granted, Refused):
        core.guard.probed_elsewhere(max(0.0, granted.until - core.shelf.now()))
    wait = core.guard.open_until - core.guard.clock()
    if wait <= 0:
        return permit
    permit.leave()
    yield from share(core, permit)
    return turned_away(wait)


def look(core: Core) -> Generator[Step, Any, None]:
    """See, once a second, whether another process found the dependency failing, or back."""
    if core.ward is not None and core.guard.look_due():
        try:
            yield from _read(core, core.ward)
        except Exception as error:  # then there is no lease either
            core.backend_failed("get", error)


def _read(core: Core, ward: Ward) -> Generator[Step, Any, None]:
    entry: Entry | None = yield Ask("get", (ward.key,), of=ward.shelf)
    core.guard.learned(_left_of(entry, ward.shelf.now(), core.guard.dependency.breaker))


def _left_of(entry: Entry | None, now: float, breaker: Breaker | None) -> float | None:
    """Seconds for which it is still open, never more than a breaker may say: the store's clock
    may have been set back, and whoever writes there may write anything. None: it is closed."""
    told = None if entry is None else entry.value
    if entry is None or not isinstance(told, (int, float)) or not 0 <= told < math.inf:
        return None
    if entry.marked_stale:  # of the future: when it was told, nobody knows
        return 0.0
    limits = breaker or Breaker()
    longest = max(limits.open_seconds(1.0), limits.longest_hint)
    return max(0.0, min(entry.dated + min(told, longest) - now, longest))


def showed(core: Core, permit: Permit, lease: Lease, error: BaseException | None) -> None:
    """A call ended so: the guard is told what that says of the dependency."""
    if _decide.ran_out(lease, core.shelf.now(), core.policy):
        permit.failed(error or HealTimeoutError())
    elif error is None or _decide.is_an_answer(error, core.policy):
        permit.succeeded()
    elif isinstance(error, OobHealError) and not isinstance(error, HealTimeoutError):
        permit.leave()  # a call inside it had nothing to serve: that is another's trouble
    else:
        permit.failed(error)


def delay_after(core: Core, attempt: int, error: BaseException, permit: Permit | None) -> float:
    """Seconds until this key may be tried again. What a probe found is the dependency's trouble:
    its key waits no longer than everybody."""
    delay = _decide.retry_after(core.policy.backoff, attempt, core.parts.random())
    if permit is not None and permit.probing and permit.opened_for:
        delay = min(delay, permit.opened_for)
    return max(delay, _breaker.hinted(error, core.guard.dependency.longest_hint))


def share(core: Core, permit: Permit) -> Generator[Step, Any, None]:
    """Let other processes know, if this call opened the breaker or was the probe."""
    ward, lease, open_for = core.ward, permit.lease, permit.opened_for
    proved, permit.lease, permit.opened_for = permit.proved, None, 0.0
    if ward is None or (lease is None and not open_for):
        return
    for _ in range(2):
        try:
            if lease is None:
                granted = yield Ask("acquire", (ward.key, OPEN_KEPT), of=ward.shelf)
                if isinstance(granted, Refused):  # another process says the same just now
                    return
                lease = granted
            yield from _tell(core, ward, lease, open_for, proved)
        except CutOff:  # cancelled just now; from here on the driver shields what it awaits
            continue
        except Exception as error:
            core.backend_failed("commit", error)
        return


def _tell(
    core: Core, ward: Ward, lease: Lease, open_for: float, proved: bool
) -> Generator[Step, Any, None]:
    if open_for:
        entry = Entry(open_for, ward.shelf.now())
        yield Ask("commit", (lease, entry, open_for + OPEN_KEPT), of=ward.shelf)
        core.guard.shared()
    elif proved:
        yield Ask("commit", (lease, None, 0.0), of=ward.shelf)
    else:
        yield from give_back(core, lease, 0, ward.shelf)
