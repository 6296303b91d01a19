"""What a backend promises of a key's past: attempts counted, retry times, crashes.

Law: each function here is a promise, told by its name; it starts with a backend of its own.
"""

from __future__ import annotations

from oob_heal._model import Why
from oob_heal.testing._trial import LONG, Trial


def what_is_given_back_waits_for_its_retry_time(it: Trial) -> None:
    key = it.key(1)
    lease = it.lease(key)
    it.release(lease, it.unit)
    refused = it.refusal(key, Why.BACKING_OFF)
    assert abs(refused.until - it.backend.now() - it.unit) < 1, "it says until when"
    assert it.commit(lease, it.entry(key, "late"), LONG) is False, "it was given back"
    it.advance(it.unit * 1.1)
    following = it.lease(key)
    assert (following.attempt, following.previous_at) == (2, None), "given back is no crash"


def what_is_given_back_unused_does_not_count(it: Trial) -> None:
    key = it.key(1)
    for _ in range(3):
        lease = it.lease(key)
        assert lease.attempt == 1, "an attempt that was given back unused is taken back"
        it.release(lease)


def a_void_lease_gives_nothing_back(it: Trial) -> None:
    key = it.key(1)
    void = it.lease(key)
    it.delete(key)
    holder = it.lease(key)
    it.release(void, LONG)
    it.refusal(key, Why.HELD)
    assert it.commit(holder, it.entry(key, "a"), LONG) is True, "somebody else's lease holds on"


def a_failure_after_an_invalidation_still_waits_for_its_retry_time(it: Trial) -> None:
    for verb, subject in (("delete", it.key(1)), ("mark_stale", it.key(2)), ("clear", it.scope())):
        key = it.key(3) if verb == "clear" else subject
        void = it.lease(key)
        getattr(it, verb)(subject)
        it.release(void, LONG)
        it.refusal(key, Why.BACKING_OFF)
    reset = it.lease(it.key(4))
    it.set(it.key(4), it.entry(it.key(4), "a"), LONG)
    it.release(reset, LONG)
    assert it.lease(it.key(4)).attempt == 1, "what was set since owes nothing to that failure"


def a_forced_lease_that_is_given_back_unused_leaves_the_retry_time(it: Trial) -> None:
    key = it.key(1)
    it.release(it.lease(key), LONG)
    it.release(it.lease(key, force=True))
    it.refusal(key, Why.BACKING_OFF)
    assert it.lease(key, force=True).attempt == 2, "and the attempts"


def force_passes_over_the_retry_time_and_over_no_lease(it: Trial) -> None:
    key = it.key(1)
    it.release(it.lease(key), LONG)
    it.refusal(key, Why.BACKING_OFF)
    it.lease(key, force=True)
    it.refusal(key, Why.HELD, force=True)


def nothing_is_committed_and_kept_for_a_while(it: Trial) -> None:  # H06
    key = it.key(1)
    it.set(key, it.entry(key, "a"), LONG)
    lease = it.lease(key)
    assert it.commit(lease, None, it.unit) is True
    it.must_be(key, None, "there is nothing there")
    it.refusal(key, Why.BACKING_OFF)
    it.advance(it.unit * 1.1)
    assert it.lease(key).attempt == 1, "it was an answer: attempts are reset"


def only_set_resets_the_past(it: Trial) -> None:
    key = it.key(1)
    it.release(it.lease(key), LONG)
    for verb, subject in (("delete", key), ("mark_stale", key), ("clear", it.scope())):
        getattr(it, verb)(subject)
        it.refusal(key, Why.BACKING_OFF)
    it.set(key, it.entry(key, "a"), LONG)
    assert it.lease(key).attempt == 1, "set resets attempts and retry time"


def a_crash_is_not_hidden_by_an_invalidation(it: Trial) -> None:
    key = it.key(1)
    it.lease(key, it.unit)
    it.advance(it.unit * 1.1)
    it.delete(key)
    assert it.lease(key).previous_at is not None, "the lease before lapsed, and nobody returned it"
