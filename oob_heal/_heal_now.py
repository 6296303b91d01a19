"""``heal_now``: a heal in the call itself, over the same conversation.

Law: it takes the lease as soon as it is free, passing over backoff and breaker: somebody waits for
the dependency's own answer. The cap holds for it as for every heal. While somebody else has the
lease, or all places at the dependency are taken, it joins them, and takes what they bring or fail
with. It waits by pauses, `heal_timeout` at most.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from oob_heal import _decide
from oob_heal._admission import admitted
from oob_heal._guard import Permit
from oob_heal._heal import take_lease, under_lease
from oob_heal._model import Lease, Outcome
from oob_heal._steps import Ask, Conversation, End, Pause, Step, Subject, away, give_back
from oob_heal.errors import HealTimeoutError

JOIN_EVERY = 0.02  # s between two looks at a heal that somebody else runs


def healing_now(
    subject: Subject,
    held: Callable[[Lease], None],
    permitted: Callable[[Permit], None],
    other: Callable[[], Any],
    until: float,
) -> Conversation:
    """Heal in this call: take the lease as soon as it is free, or what its holder brings.

    ``other()`` is the heal of this key that runs in this process, if one does.
    """
    core, joined = subject.core, Joined(other)
    try:
        before = yield Ask("get", (subject.key,))
    except Exception as error:
        core.backend_failed("get", error)
        return away(core, error)
    while True:
        joined.look()  # before asking, too: it may end while we are refused
        attempt = _Attempt(subject, held, joined)
        end: End = yield from admitted(subject, permitted, attempt.heal)
        if end.outcome is not Outcome.REFUSED or end.error is not None:
            return end
        if not attempt.leased:
            # Somebody heals: what they bring is good enough, though they began before us.
            subject = subject._replace(missed_at=_decide.newer_than(before))
        joined.look()
        if core.parts.clock() >= until:
            text = f"another heal of {core.label} did not end within heal_timeout"
            if not attempt.admitted:
                text = (
                    f"no place at the dependency of {core.label} was free within heal_timeout: "
                    f"it takes {core.guard.dependency.concurrency} calls at once"
                )
            return End(Outcome.FAILED, error=HealTimeoutError(text))
        yield Pause(JOIN_EVERY)
        # Before another lease is taken: those who joined do not queue for it one after the other.
        brought = joined.failure() or (yield from _brought_by_others(subject))
        if brought is not None:
            return brought


class Joined:
    """Whom a ``heal_now`` joins: the heal of its key in this process, seen last."""

    def __init__(self, other: Callable[[], Any]) -> None:
        self._other = other
        self._heal: Any = None

    def look(self) -> None:
        self._heal = self._other() or self._heal

    def failure(self) -> End | None:
        """How it failed, or found that there is nothing: its error is the joiner's too."""
        heal = self._heal
        if heal is None or heal.error is None:
            return None
        ended = {Outcome.FAILED: Outcome.FAILED, Outcome.HEALED: Outcome.SKIPPED}.get(heal.outcome)
        return None if ended is None else End(ended, error=heal.error)

    @property
    def began(self) -> float | None:
        """When it took its lease, which is the date of what it brings."""
        if self._heal is None or self._heal.lease is None:
            return None
        return float(self._heal.lease.granted_at)


class _Attempt:
    """One try at the lease, and under it."""

    def __init__(self, subject: Subject, held: Callable[[Lease], None], joined: Joined) -> None:
        self.subject = subject
        self.held = held
        self.joined = joined
        self.admitted = self.leased = False

    def heal(self, permit: Permit) -> Conversation:
        subject, joined = self.subject, self.joined
        self.admitted = True
        granted = yield from take_lease(subject, _decide.lease_for(subject.core.policy))
        if isinstance(granted, End):
            return granted
        self.leased = True
        self.held(granted)
        failure = joined.failure()
        if failure is not None:  # while we asked
            yield from give_back(subject.core, granted, 0)
            return failure
        return (yield from under_lease(subject._replace(joined_at=joined.began), granted, permit))


def _brought_by_others(subject: Subject) -> Generator[Step, Any, End | None]:
    core = subject.core
    try:
        entry = yield Ask("get", (subject.key,))
    except Exception as error:
        core.backend_failed("get", error)
        return away(core, error)
    now = core.shelf.now()
    if _decide.heal_is_needed(entry, now, core.policy, subject.reason, subject.missed_at):
        return None
    return End(Outcome.SKIPPED, entry=entry)
