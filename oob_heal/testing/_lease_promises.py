"""What a backend promises of a lease: who has it, what it allows, and when it is void.

Law: each function here is a promise, told by its name; it starts with a backend of its own.
"""

from __future__ import annotations

import itertools
import threading
from typing import Any

from oob_heal._model import Lease, Why
from oob_heal.ports import WAITS
from oob_heal.testing._trial import LONG, Trial


def a_lease_is_granted_once_and_says_its_facts(it: Trial) -> None:
    key, before = it.key(1), it.backend.now()
    lease = it.lease(key)
    assert before <= lease.granted_at <= it.backend.now(), "granted_at is by the backend's clock"
    assert abs(lease.until - lease.granted_at - LONG) < 0.01, "until is granted_at + lease_for"
    assert (lease.attempt, lease.previous_at) == (1, None), "the first attempt, with none before"
    refused = it.refusal(key, Why.HELD)
    assert abs(refused.until - lease.until) < 0.01, "a refusal says until when it is held"
    assert it.lease(it.key(2)).token != lease.token, "each lease has a token of its own"
    it.must_be(key, None, "a lease writes no value")


def a_lease_lapses_by_itself_and_the_next_knows(it: Trial) -> None:
    key = it.key(1)
    lease = it.lease(key, it.unit)
    it.advance(it.unit * 1.1)
    following = it.lease(key)
    assert following.attempt == 2, "a lapsed attempt counts"
    assert following.previous_at is not None, "it says that the one before was never given back"
    assert abs(following.previous_at - lease.granted_at) < 0.01, "and when it was granted"
    assert it.commit(lease, it.entry(key, "late"), LONG) is False, "a lapsed lease is void"
    it.must_be(key, None, "what came late was refused")


def a_commit_stores_ends_the_lease_and_resets_the_past(it: Trial) -> None:
    key = it.key(1)
    it.release(it.lease(key), it.unit)
    lease = it.lease(key, force=True)
    assert lease.attempt == 2, "attempts are counted when a lease is taken"
    assert it.commit(lease, it.entry(key, "a"), LONG) is True
    it.must_be(key, it.entry(key, "a"), "what was committed")
    assert it.lease(key).attempt == 1, "a commit resets attempts, retry time and lease"


def the_same_commit_again_is_true_and_writes_nothing(it: Trial) -> None:  # H42
    key = it.key(1)
    lease = it.lease(key)
    assert it.commit(lease, it.entry(key, "a"), LONG) is True
    assert it.commit(lease, it.entry(key, "again"), LONG) is True, "its reply was lost"
    it.must_be(key, it.entry(key, "a"), "it was written once")
    it.lease(key)
    assert it.commit(lease, it.entry(key, "again"), LONG) is True, "also when it comes late"
    it.must_be(key, it.entry(key, "a"), "it was written once")


def every_write_voids_the_lease(it: Trial) -> None:  # H07
    for present, verb in itertools.product((False, True), ("set", "delete", "mark_stale", "clear")):
        key = it.key(1)
        it.delete(key)
        if present:
            it.set(key, it.entry(key, "before"), LONG)
        lease = it.lease(key, force=True)
        subject = it.scope() if verb == "clear" else key
        rest = (it.entry(key, "written"), LONG) if verb == "set" else ()
        getattr(it, verb)(subject, *rest)
        then = it.get(key)
        state = "a present" if present else "an absent"
        said = f"{verb} of {state} key voids its lease"
        assert it.commit(lease, it.entry(key, "late"), LONG) is False, said
        it.must_be(key, then, said)
        it.release(lease, LONG)
        it.release(it.lease(key, force=True))


def a_token_is_adopted_once(it: Trial) -> None:
    key = it.key(1)
    queued = it.lease(key)
    adopted = it.lease(key, adopt=queued.token)
    assert adopted.attempt == queued.attempt, "adoption counts no attempt"
    assert adopted.token != queued.token, "adoption exchanges the token"
    it.refusal(key, Why.HELD, adopt=queued.token)
    it.refusal(key, Why.HELD, adopt=adopted.token)
    assert it.commit(queued, it.entry(key, "x"), LONG) is False, "the publisher's token is void"
    assert it.commit(adopted, it.entry(key, "a"), LONG) is True
    it.must_be(key, it.entry(key, "a"), "what the adopter committed")


def a_lease_that_waits_is_exchanged_for_any_events_token_once(it: Trial) -> None:
    key = it.key(1)
    queued = it.lease(key, adopt=WAITS)
    it.refusal(key, Why.HELD)
    it.refusal(key, Why.HELD, adopt=WAITS)
    adopted = it.lease(key, adopt="an earlier event's")
    assert adopted.attempt == queued.attempt, "adoption counts no attempt"
    it.refusal(key, Why.HELD, adopt=queued.token)
    it.refusal(key, Why.HELD, adopt="an earlier event's")
    assert it.commit(queued, it.entry(key, "x"), LONG) is False, "the publisher's token is void"
    assert it.commit(adopted, it.entry(key, "a"), LONG) is True


def a_lease_that_waited_and_lapsed_is_no_crash(it: Trial) -> None:
    key = it.key(1)
    for _ in range(3):
        it.lease(key, it.unit, adopt=WAITS)
        it.advance(it.unit * 1.1)
    lease = it.lease(key)
    assert lease.attempt == 1, "nobody called the function"
    assert lease.previous_at is None, "and nobody crashed"


def a_token_that_holds_nothing_is_granted_as_usual(it: Trial) -> None:
    key = it.key(1)
    queued = it.lease(key)
    it.delete(key)
    it.lease(key, adopt=queued.token)
    it.refusal(key, Why.HELD, adopt=queued.token)
    it.refusal(key, Why.HELD, adopt="nobody's")


def one_of_many_threads_gets_the_lease(it: Trial) -> None:
    key, start = it.key(1), threading.Barrier(16)
    granted: list[Any] = []

    def ask() -> None:
        start.wait(10)
        granted.append(it.acquire(key, LONG))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    leases = [each for each in granted if isinstance(each, Lease)]
    assert (len(granted), len(leases)) == (16, 1), f"{len(leases)} of {len(granted)} got the lease"


def what_is_declared_shared_is_shared(it: Trial) -> None:
    there = it.elsewhere()
    if there is None:
        return
    key = it.key(1)
    lease = it.lease(key)
    there.refusal(key, Why.HELD)
    adopted = there.lease(key, adopt=lease.token)
    assert there.commit(adopted, there.entry(key, "a"), LONG) is True
    it.must_be(key, it.entry(key, "a"), "committed elsewhere")
    mine = it.lease(key)
    there.delete(key)
    assert it.commit(mine, it.entry(key, "late"), LONG) is False, "written elsewhere"
