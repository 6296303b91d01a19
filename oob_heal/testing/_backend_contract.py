"""What every backend promises, as checks that need no test framework.

    contract = BackendContract(lambda clock: MyBackend(clock=clock))

    @pytest.mark.parametrize("promise", contract.promises(), ids=str)
    def test_my_backend_keeps(promise):
        promise()

Law: each promise starts with a backend of its own, speaks only the verbs of the port, and tests
what is declared. A broken one is an AssertionError that says what was promised.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from typing import Any

from oob_heal._envelope import Sealed, seal
from oob_heal._keys import digest, key_text, scope_text
from oob_heal._model import Entry, Key, Lease, Refused, Scope, Why
from oob_heal._shelf import colours
from oob_heal.testing._clock import ManualClock

HERE = Scope("test", "contract.f", 0, "00")
NEXT_TO_IT = Scope("test2", "contract.f", 0, "00")
LONG = 1_000.0  # s: longer than anything a promise waits for


class Promise:
    """One promise, ready to be checked: call it. A broken one is an AssertionError.

    >>> Promise("an absent key is none", lambda: None)
    an absent key is none
    """

    def __init__(self, name: str, check: Callable[[], None]) -> None:
        self.name = name
        self._check = check

    def __call__(self) -> None:
        self._check()

    def __repr__(self) -> str:
        return self.name


class BackendContract:
    """The promises of ``ports.Backend`` for the backends that ``make(clock)`` makes.

    ``clock`` is a ManualClock, which the backend should date by; one that has a clock of its own
    ignores it, and gives ``advance(seconds)``, which lets that clock move. ``second(backend)``
    makes another process's way to the same store, for backends that declare shared leases.

    >>> from oob_heal.backends.memory import MemoryBackend
    >>> contract = BackendContract(lambda clock: MemoryBackend(clock=clock))
    >>> for promise in contract.promises():  # in a test: parametrize over them
    ...     promise()
    """

    def __init__(
        self,
        make: Callable[[ManualClock], Any],
        *,
        advance: Callable[[float], None] | None = None,
        second: Callable[[Any], Any] | None = None,
        unit: float = 10.0,
    ) -> None:
        self.make = make
        self.advance = advance
        self.second = second
        self.unit = unit

    def promises(self) -> list[Promise]:
        """Every promise, in every colour that the backend has."""
        sync, aio = colours(self.make(ManualClock()))
        halves = [name for name, half in (("sync", sync), ("async", aio)) if half is not None]
        found = []
        for colour, (name, check) in itertools.product(halves, sorted(CHECKS.items())):
            label = f"{name.replace('_', ' ')} ({colour})"
            found.append(Promise(label, lambda c=colour, k=check: k(self._trial(c))))  # type: ignore[misc]
        return found

    def _trial(self, colour: str) -> Trial:
        clock = ManualClock()
        return Trial(self, self.make(clock), self.advance or clock.advance, colour)


class Trial:
    """One fresh backend, spoken to in one colour, with keys and entries of its kind."""

    def __init__(
        self, contract: BackendContract, backend: Any, advance: Callable[[float], None], colour: str
    ) -> None:
        self.contract = contract
        self.backend = backend
        self.advance = advance
        self.colour = colour
        self.unit = contract.unit
        self.in_bytes = bool(getattr(backend, "stores_bytes", False))
        self.shared = bool(getattr(backend, "shared_leases", False))

    def elsewhere(self) -> Trial | None:
        """The same store from another process; None where none is declared or to be had."""
        if not self.shared or self.contract.second is None:
            return None
        second = self.contract.second(self.backend)
        return Trial(self.contract, second, self.advance, self.colour)

    def key(self, number: int, scope: Scope = HERE) -> Any:
        if not self.in_bytes:
            return Key(scope, ((int, number),))
        return key_text(scope_text(scope), Key(scope, digest(str(number))))

    def scope(self, scope: Scope = HERE) -> Any:
        return scope_text(scope) if self.in_bytes else scope

    def entry(self, key: Any, value: str, dated: float = 1.0) -> Any:
        if not self.in_bytes:
            return Entry(value, dated)
        return seal(key, Sealed(value.encode(), dated, False, 0.0))

    def marked(self, key: Any, value: str, dated: float = 1.0) -> Any:
        if not self.in_bytes:
            return Entry(value, dated, True)
        return seal(key, Sealed(value.encode(), dated, True, 0.0))

    def __getattr__(self, verb: str) -> Any:
        sync, aio = colours(self.backend)
        if self.colour == "sync":
            return getattr(sync, verb)
        method = getattr(aio, verb)
        return lambda *args, **kwargs: asyncio.run(method(*args, **kwargs))

    def lease(self, key: Any, lease_for: float | None = None, **options: Any) -> Lease:
        """A lease that must be granted."""
        granted = self.acquire(key, LONG if lease_for is None else lease_for, **options)
        assert isinstance(granted, Lease), f"a free key is granted, not {granted}"
        return granted

    def refusal(self, key: Any, why: Why, **options: Any) -> Refused:
        """A lease that must be refused, for this reason."""
        refused = self.acquire(key, LONG, **options)
        assert isinstance(refused, Refused), f"{why.value}: it must be refused, not {refused}"
        assert refused.why is why, f"it must be refused as {why.value}, not {refused.why.value}"
        return refused

    def must_be(self, key: Any, entry: Any, said: str) -> None:
        got = self.get(key)
        assert got == entry, f"{said}: expected {entry!r}, got {got!r}"


CHECKS: dict[str, Callable[[Trial], None]] = {}


def promised(check: Callable[[Trial], None]) -> Callable[[Trial], None]:
    """A promise, under the name of its function."""
    CHECKS[check.__name__] = check
    return check


@promised
def an_absent_key_is_none(it: Trial) -> None:
    it.must_be(it.key(1), None, "nothing was stored")


@promised
def what_is_set_is_got_until_it_is_replaced_or_deleted(it: Trial) -> None:
    key, other = it.key(1), it.key(2)
    it.set(key, it.entry(key, "a"), LONG)
    it.must_be(key, it.entry(key, "a"), "what was set")
    it.must_be(other, None, "another key")
    it.set(key, it.entry(key, "b", 2.0), LONG)
    it.must_be(key, it.entry(key, "b", 2.0), "what was set last")
    it.delete(key)
    it.delete(other)
    it.must_be(key, None, "deleted")


@promised
def marking_stale_keeps_value_and_date(it: Trial) -> None:
    key = it.key(1)
    it.mark_stale(key)
    it.must_be(key, None, "an absent key stays absent")
    it.set(key, it.entry(key, "a"), LONG)
    it.mark_stale(key)
    it.must_be(key, it.marked(key, "a"), "marked stale")
    it.set(key, it.entry(key, "b"), LONG)
    it.must_be(key, it.entry(key, "b"), "what is set anew is not marked")


@promised
def clearing_a_scope_leaves_its_neighbours(it: Trial) -> None:
    mine, theirs = it.key(1), it.key(1, NEXT_TO_IT)
    it.set(mine, it.entry(mine, "a"), LONG)
    it.set(theirs, it.entry(theirs, "b"), LONG)
    it.clear(it.scope())
    it.must_be(mine, None, "its scope was cleared")
    it.must_be(theirs, it.entry(theirs, "b"), "another scope, of a name that begins alike")
    it.set(mine, it.entry(mine, "c"), LONG)
    it.must_be(mine, it.entry(mine, "c"), "what is set after the clear")


@promised
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


@promised
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


@promised
def a_commit_stores_ends_the_lease_and_resets_the_past(it: Trial) -> None:
    key = it.key(1)
    it.release(it.lease(key), it.unit)
    lease = it.lease(key, force=True)
    assert lease.attempt == 2, "attempts are counted when a lease is taken"
    assert it.commit(lease, it.entry(key, "a"), LONG) is True
    it.must_be(key, it.entry(key, "a"), "what was committed")
    assert it.lease(key).attempt == 1, "a commit resets attempts, retry time and lease"


@promised
def the_same_commit_again_is_true_and_writes_nothing(it: Trial) -> None:  # H42
    key = it.key(1)
    lease = it.lease(key)
    assert it.commit(lease, it.entry(key, "a"), LONG) is True
    assert it.commit(lease, it.entry(key, "again"), LONG) is True, "its reply was lost"
    it.must_be(key, it.entry(key, "a"), "it was written once")
    it.lease(key)
    assert it.commit(lease, it.entry(key, "again"), LONG) is True, "also when it comes late"
    it.must_be(key, it.entry(key, "a"), "it was written once")


@promised
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


@promised
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


@promised
def what_is_given_back_unused_does_not_count(it: Trial) -> None:
    key = it.key(1)
    for _ in range(3):
        lease = it.lease(key)
        assert lease.attempt == 1, "an attempt that was given back unused is taken back"
        it.release(lease)


@promised
def a_void_lease_gives_nothing_back(it: Trial) -> None:
    key = it.key(1)
    void = it.lease(key)
    it.delete(key)
    holder = it.lease(key)
    it.release(void, LONG)
    it.refusal(key, Why.HELD)
    assert it.commit(holder, it.entry(key, "a"), LONG) is True, "somebody else's lease holds on"


@promised
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


@promised
def a_forced_lease_that_is_given_back_unused_leaves_the_retry_time(it: Trial) -> None:
    key = it.key(1)
    it.release(it.lease(key), LONG)
    it.release(it.lease(key, force=True))
    it.refusal(key, Why.BACKING_OFF)
    assert it.lease(key, force=True).attempt == 2, "and the attempts"


@promised
def force_passes_over_the_retry_time_and_over_no_lease(it: Trial) -> None:
    key = it.key(1)
    it.release(it.lease(key), LONG)
    it.refusal(key, Why.BACKING_OFF)
    it.lease(key, force=True)
    it.refusal(key, Why.HELD, force=True)


@promised
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


@promised
def a_token_that_holds_nothing_is_granted_as_usual(it: Trial) -> None:
    key = it.key(1)
    queued = it.lease(key)
    it.delete(key)
    it.lease(key, adopt=queued.token)
    it.refusal(key, Why.HELD, adopt=queued.token)
    it.refusal(key, Why.HELD, adopt="nobody's")


@promised
def nothing_is_committed_and_kept_for_a_while(it: Trial) -> None:  # H06
    key = it.key(1)
    it.set(key, it.entry(key, "a"), LONG)
    lease = it.lease(key)
    assert it.commit(lease, None, it.unit) is True
    it.must_be(key, None, "there is nothing there")
    it.refusal(key, Why.BACKING_OFF)
    it.advance(it.unit * 1.1)
    assert it.lease(key).attempt == 1, "it was an answer: attempts are reset"


@promised
def only_set_resets_the_past(it: Trial) -> None:
    key = it.key(1)
    it.release(it.lease(key), LONG)
    for verb, subject in (("delete", key), ("mark_stale", key), ("clear", it.scope())):
        getattr(it, verb)(subject)
        it.refusal(key, Why.BACKING_OFF)
    it.set(key, it.entry(key, "a"), LONG)
    assert it.lease(key).attempt == 1, "set resets attempts and retry time"


@promised
def a_crash_is_not_hidden_by_an_invalidation(it: Trial) -> None:
    key = it.key(1)
    it.lease(key, it.unit)
    it.advance(it.unit * 1.1)
    it.delete(key)
    assert it.lease(key).previous_at is not None, "the lease before lapsed, and nobody returned it"


@promised
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


@promised
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


@promised
def the_declarations_are_true(it: Trial) -> None:
    backend = it.backend
    assert isinstance(backend.now(), (int, float)), "now() returns seconds"
    assert float(getattr(backend, "deadline", 1.0)) >= 0, "deadline is in seconds"
    if getattr(backend, "prompt", False):
        assert colours(backend)[0] is not None, "what is prompt answers sync"
    if getattr(backend, "shared_leases", False):
        keeps = float(getattr(backend, "longest_keep", float("inf")))
        assert keeps < float("inf"), "a shared backend keeps nothing for ever"
