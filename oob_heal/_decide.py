"""THE rules, pure.

Law: what is served, whether an event is published, when to try again: decided here and nowhere
else, from values alone. Time and random numbers are arguments.

    entry   age                  the caller gets                   event
    none    -                    the default, else CacheMissError  ABSENT
    some    < ttl                the value, fresh                  none
    some    < ttl + max_stale    the value, stale                  STALE
    some    beyond               as with none (expired)            EXPIRED

Age counts from the start of the heal that brought the value. Jitter shortens freshness by
``jitter * spread * ttl`` and never moves the hard limit, ``ttl + max_stale``.
"""

from __future__ import annotations

import enum
import math
from dataclasses import replace
from typing import NamedTuple

from oob_heal._backoff import Backoff
from oob_heal._model import Entry, Freshness, Lease, Policy, Reason, new
from oob_heal.errors import OobHealError
from oob_heal.ports import AHEAD_AT_MOST

LEASE_MARGIN = 1.0  # s, by which a lease outlasts heal_timeout: the commit's own time
QUIET_AT_MOST = 1.0  # s, for which a mark stands that no heal in this process backs
ATTEMPTS_BEFORE_QUARANTINE = 5  # in a row, the last of which ended with its healer
QUARANTINE = 10  # times the longest backoff: for how long such a key is left alone
SHORTEST_DELAY = 0.001  # s: a failure never gives its lease back as if it were unused


class Answer(enum.Enum):
    """What the caller gets."""

    VALUE = "value"
    DEFAULT = "default"
    ERROR = "error"


class Verdict(NamedTuple):
    """What an entry is at one instant; ``reason`` is the event's, None if there is none."""

    freshness: Freshness
    age: float | None
    reason: Reason | None


NOTHING = Verdict(Freshness.ABSENT, None, Reason.ABSENT)

# By name, once: a member of an enum takes as long to look up, and longer to hash, than an entry
# to judge.
VALUE, DEFAULT, ERROR = Answer.VALUE, Answer.DEFAULT, Answer.ERROR
FRESH, STALE, EXPIRED, ABSENT = Freshness
SERVES_VALUE = (FRESH, STALE)

# What each is told as, and the event it leads to.
AS_FRESH = FRESH, None
AS_STALE = STALE, Reason.STALE
AS_EXPIRED = EXPIRED, Reason.EXPIRED


def fresh_until(entry: Entry, policy: Policy) -> float:
    """Until when the entry counts as up to date; in the past for a marked one.

    Under ``max_stale=0`` there is no jitter: it could only serve what is stale, or move the
    hard limit.
    """
    if entry.marked_stale:
        return -math.inf
    if math.isinf(policy.ttl) or policy.max_stale == 0:
        return entry.dated + policy.ttl
    return entry.dated + policy.ttl - policy.ttl * policy.jitter * entry.spread


def servable_until(entry: Entry, policy: Policy) -> float:
    """The hard limit. What is marked stale under ``max_stale=0`` is past it already."""
    if entry.marked_stale and policy.max_stale == 0:
        return -math.inf
    return entry.dated + policy.ttl + policy.max_stale


def judge(entry: Entry | None, now: float, policy: Policy) -> Verdict:
    """The table above, as a verdict."""
    if entry is None:
        return NOTHING
    reason: Reason | None
    if now < fresh_until(entry, policy):
        freshness, reason = AS_FRESH
    elif now < servable_until(entry, policy):
        freshness, reason = AS_STALE
    else:
        freshness, reason = AS_EXPIRED
    age = now - entry.dated
    age = age if age > 0.0 else 0.0  # noqa: FURB136 - sooner than max()
    return new(Verdict, (freshness, age, reason))


def answer(freshness: Freshness, has_default: bool, in_heal: bool) -> Answer:
    """What to serve. Inside a heal no default is served: else one function's default would be
    stored as another's data."""
    if freshness in SERVES_VALUE:
        return VALUE
    return DEFAULT if has_default and not in_heal else ERROR


def heal_is_needed(
    entry: Entry | None, now: float, policy: Policy, reason: Reason, missed_at: float
) -> bool:
    """Whether to call the dependency, asked again under the lease.

    A miss that somebody else healed is skipped; a requested heal only if the entry is dated at
    or after the request, and not marked since.
    """
    if entry is None:
        return True
    if reason is Reason.REQUESTED:
        return entry.marked_stale or entry.dated < missed_at
    return judge(entry, now, policy).freshness is not Freshness.FRESH


def as_read(entry: Entry, now: float) -> Entry:
    """An entry of a store whose clock may be set back: one of the future counts as stale, else
    it would be fresh for as long as the clock was wrong."""
    if entry.marked_stale or entry.dated <= now + AHEAD_AT_MOST:
        return entry
    return replace(entry, marked_stale=True)


def newer_than(entry: Entry | None) -> float:
    """The earliest date of an entry that is newer than this one."""
    return -math.inf if entry is None else math.nextafter(entry.dated, math.inf)


def is_an_answer(error: BaseException, policy: Policy) -> bool:
    """Whether an error of the function says *there is nothing*. This library's own errors never
    do: a nested call's CacheMissError is a LookupError, and means that nothing is known."""
    return isinstance(error, policy.drop_on) and not isinstance(error, OobHealError)


def lease_for(policy: Policy) -> float:
    """How long a heal may hold its lease, in seconds."""
    return policy.heal_timeout + LEASE_MARGIN


def ran_out(lease: Lease, now: float, policy: Policy) -> bool:
    """Whether the heal is past ``heal_timeout``: its result is refused."""
    return now - lease.granted_at >= policy.heal_timeout


def can_be_served(lease: Lease, now: float, policy: Policy) -> bool:
    """Whether a value of this heal, dated at its start, is inside the hard limit at all."""
    return now - lease.granted_at < policy.ttl + policy.max_stale


def keep_for(policy: Policy, longest: float) -> float:
    """How long a backend should keep an entry: to the hard limit, at most ``longest``."""
    return min(policy.ttl + policy.max_stale, longest)


def keep_nothing_for(policy: Policy) -> float:
    """After an error in ``drop_on``: how long until the next heal."""
    return min(policy.ttl, policy.backoff.longest)


def retry_after(backoff: Backoff, attempt: int, random: float) -> float:
    """Seconds until the next attempt, after a failure: full jitter under the ceiling."""
    return max(SHORTEST_DELAY, backoff.ceiling(attempt) * random)


def wait_after_crash(lease: Lease, policy: Policy, random: float) -> float:
    """Seconds a healer should still wait because the lease before this one lapsed unreturned."""
    if lease.previous_at is None:
        return 0.0
    if in_quarantine(lease):
        due = lease.previous_at + QUARANTINE * policy.backoff.longest
    else:
        due = lease.previous_at + retry_after(policy.backoff, lease.attempt - 1, random)
    return max(0.0, due - lease.granted_at)


def in_quarantine(lease: Lease) -> bool:
    """Whether the key cost its healer's life, after attempts enough that brought nothing."""
    return lease.previous_at is not None and lease.attempt > ATTEMPTS_BEFORE_QUARANTINE


def quiet_for(wait: float) -> float:
    """How long this process holds its misses of a key back after a refusal of ``wait`` seconds."""
    return min(max(0.0, wait), QUIET_AT_MOST)


def mark_for(policy: Policy) -> float:
    """How long the mark of a heal waiting in this process may stand: its wait and its lease."""
    return policy.queue_timeout + lease_for(policy)
