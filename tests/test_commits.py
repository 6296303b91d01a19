"""Tokens: a commit counts once however often it comes, and a published lease is adopted once."""

from __future__ import annotations

from typing import Any

from oob_heal import Entry, Freshness, Outcome
from oob_heal._worker import heal_of
from oob_heal.testing import Steps
from tests.conftest import Dependency, World


def decorated(world: World, dependency: Dependency, **options: Any) -> Any:
    def source(n: int) -> Any:
        return dependency(n)

    return world.decorate(source, **{"ttl": 10, "default": "default", **options})


def ask(world: World, f: Any, verb: str, *args: Any) -> Any:
    """A verb of the backend, in this world's colour."""
    shelf = f._oob_heal_core.shelf
    return world.do((shelf.ask if world.colour == "sync" else shelf.aask)(verb, *args))


def test_the_same_commit_again_is_true_and_writes_nothing(
    world: World, dependency: Dependency
) -> None:  # H42
    f = decorated(world, dependency)
    key = f.cache_key(1)
    lease = ask(world, f, "acquire", key, 30)
    assert ask(world, f, "commit", lease, Entry("first", lease.granted_at), 60) is True

    def again() -> Any:
        assert ask(world, f, "commit", lease, Entry("again", lease.granted_at), 60) is True
        return world.do(f.lookup(1))[:2]

    assert again() == ("first", Freshness.FRESH)
    world.do(f.mark_stale(1))
    assert again() == ("first", Freshness.STALE)
    world.do(f.set("newer", 1))
    assert again() == ("newer", Freshness.FRESH)
    newer = ask(world, f, "acquire", key, 30)
    assert again() == ("newer", Freshness.FRESH)
    assert ask(world, f, "commit", newer, Entry("newest", newer.granted_at), 60) is True
    ask(world, f, "commit", lease, Entry("again", lease.granted_at), 60)
    assert world.do(f(1)) == "newest"


def test_a_commit_that_was_written_but_whose_reply_was_lost_is_no_second_write(
    world: World, dependency: Dependency
) -> None:  # H42
    f = decorated(world, dependency)
    backend, commit = world.backend.backend, world.backend.backend.commit
    written = []

    def lost(*args: Any) -> bool:
        written.append(commit(*args))
        raise ConnectionError("no reply")

    backend.commit = lost
    f.heal(1)
    assert world.executor.run_next() is Outcome.FAILED
    backend.commit = commit
    assert world.do(f.lookup(1)) == ("v", Freshness.FRESH, 0, False)
    world.clock.advance(10)
    assert world.do(f(1)) == "v"
    heal = world.executor.pending[0]
    assert world.executor.run_next() is Outcome.HEALED
    assert heal.lease.attempt == 1, "it had healed"
    assert (written, len(dependency.calls)) == ([True], 2)


def test_a_message_that_is_delivered_twice_is_adopted_once(
    shared: World, dependency: Dependency
) -> None:  # H19
    f = decorated(shared, dependency)
    workers = [shared.another_process(), shared.another_process()]
    for worker in workers:
        decorated(worker, dependency)
    sent: list[bytes] = []
    shared.do(f(1))
    shared.do(shared.executor.pending[0].hand_on(sent.append))
    heal = heal_of(sent[0], workers[0].cache._functions)
    assert heal is not None
    steps = Steps(heal)
    assert [steps.next(), steps.next()] == ["acquire", "get"]
    assert heal.lease is not None
    assert heal.lease.attempt == 1, "it is the publisher's attempt"
    assert workers[1].cache.heal_message(sent[0]) is Outcome.REFUSED
    assert steps.run() is Outcome.HEALED
    assert workers[1].cache.heal_message(sent[0]) is Outcome.SKIPPED
    assert dependency.calls == [1]
    assert shared.do(f(1)) == "v"


def test_a_message_whose_lease_a_write_has_voided_heals_as_any_other(
    shared: World, dependency: Dependency
) -> None:
    f = decorated(shared, dependency)
    worker = shared.another_process()
    decorated(worker, dependency)
    sent: list[bytes] = []
    shared.do(f(1))
    shared.do(shared.executor.pending[0].hand_on(sent.append))
    shared.do(f.invalidate(1))
    assert worker.cache.heal_message(sent[0]) is Outcome.HEALED
    assert shared.do(f(1)) == "v"
