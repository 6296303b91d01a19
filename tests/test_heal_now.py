"""heal_now: the one way in-band, and what it does when somebody else is quicker."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from oob_heal import (
    BackendError,
    CacheMissError,
    HealingCache,
    HealRejectedError,
    HealTimeoutError,
    Outcome,
    Served,
)
from tests.conftest import Dependency, World
from tests.waiting import in_threads, wait_until


class DownError(Exception):
    """The dependency's own error."""


def test_it_heals_in_this_call_and_returns_the_value(world: World, dependency: Dependency) -> None:
    def source(n: int) -> str:
        return dependency(n)

    f = world.decorate(source)
    assert world.do(f.heal_now(1)) == "v"
    assert world.do(f(1)) == "v"
    assert dependency.calls == [1]
    assert not world.executor.pending
    assert f.cache_info().healed == 1


def test_it_heals_a_fresh_key_too(world: World, dependency: Dependency) -> None:
    def source(n: int) -> str:
        return dependency(n)

    f = world.decorate(source)
    world.do(f.set("old", 1))
    world.clock.advance(1)
    assert world.do(f.heal_now(1)) == "v"
    assert world.do(f(1)) == "v"


def test_it_raises_the_dependencys_own_error_and_keeps_the_entry(
    world: World, dependency: Dependency
) -> None:
    def source(n: int) -> str:
        return dependency(n)

    f = world.decorate(source)
    world.do(f.set("old", 1))
    world.clock.advance(1)
    dependency.error = DownError("down")
    with pytest.raises(DownError) as caught:
        world.do(f.heal_now(1))
    assert caught.value is dependency.error
    assert caught.value.__traceback__ is not None  # it is the caller's error: with its frames
    assert world.do(f(1)) == "old"
    assert f.cache_info().failed == 1


def test_it_passes_over_the_backoff(world: World, dependency: Dependency) -> None:
    def source(n: int) -> str:
        return dependency(n)

    f = world.decorate(source, default="default")
    f._oob_heal_core.parts.random = lambda: 1.0
    dependency.error = DownError("down")
    world.do(f(1))
    assert world.executor.run_next() is Outcome.FAILED
    dependency.error = None
    world.do(f(1))
    assert not world.executor.pending  # backing off
    before = world.clock()
    assert world.do(f.heal_now(1)) == "v"
    assert world.clock() == before  # at once
    assert dependency.calls == [1, 1]


def test_an_error_that_is_an_answer_is_raised_and_empties_the_key(
    world: World, dependency: Dependency
) -> None:
    def source(n: int) -> str:
        return dependency(n)

    f = world.decorate(source, drop_on=DownError)
    world.do(f.set("old", 1))
    world.clock.advance(1)
    dependency.error = DownError("gone")
    with pytest.raises(DownError):
        world.do(f.heal_now(1))
    assert world.do(f.peek(1)) is None
    assert f.cache_info().healed == 1


def test_overtaken_by_a_write_it_returns_the_newer_value(world: World) -> None:
    calls = []

    def source(n: int) -> str:
        calls.append(n)
        world.clock.advance(0.001)
        core = f._oob_heal_core
        core.shelf.ask("set", core.make_key((n,), {}), core.new_entry("newer", core.shelf.now()), 9)
        return "older"

    f = world.decorate(source)
    assert world.do(f.heal_now(1)) == "newer"
    assert calls == [1]


def test_what_was_set_before_it_was_asked_for_is_not_what_it_waited_for(
    world: World, dependency: Dependency
) -> None:  # the heal that set voided is under way still

    def source(n: int) -> str:
        return dependency(n)

    f = world.decorate(source, default="default")
    world.do(f(1))
    under_way = world.executor.step_next()
    under_way.next()  # it has its lease
    world.clock.advance(0.001)
    world.do(f.set("by hand", 1))
    world.clock.advance(0.001)
    assert world.do(f.heal_now(1)) == "v"
    assert len(dependency.calls) == 1
    under_way.run()


@pytest.mark.parametrize("backend", ["memory", "mapping", "store"])
def test_what_it_waited_for_is_good_enough_though_it_has_the_lease_by_then(
    backend: str, dependency: Dependency, monkeypatch: pytest.MonkeyPatch
) -> None:  # H19
    world = World(backend, "sync")

    def source(n: int) -> str:
        return dependency(n)

    f = world.decorate(source, default="default")
    f(1)
    under_way = world.executor.step_next()
    under_way.next()  # it has its lease
    world.clock.advance(0.001)
    acquire = world.backend.backend.acquire

    def ends_before(*args: Any, **options: Any) -> Any:
        monkeypatch.undo()
        under_way.run()
        return acquire(*args, **options)

    monkeypatch.setattr(world.backend.backend, "acquire", ends_before)
    assert f.heal_now(1) == "v"
    assert len(dependency.calls) == 1


def test_overtaken_by_an_invalidation_it_heals_again(world: World) -> None:
    answers = iter(["older", "newer"])

    def source(n: int) -> str:
        answer = next(answers)
        if answer == "older":
            world.clock.advance(0.001)
            core = f._oob_heal_core
            core.shelf.ask("delete", core.make_key((n,), {}))
        return answer

    f = world.decorate(source)
    assert world.do(f.heal_now(1)) == "newer"
    assert world.do(f(1)) == "newer"
    assert next(answers, None) is None


@pytest.mark.parametrize("verb", ["get", "acquire"])
def test_with_the_backend_away_it_is_rejected_and_nothing_is_called(
    world: World, dependency: Dependency, verb: str
) -> None:
    def source(n: int) -> str:
        return dependency(n)

    f = world.decorate(source)
    world.backend.fail(verb)
    with pytest.raises(HealRejectedError) as caught:
        world.do(f.heal_now(1))
    assert isinstance(caught.value.__cause__, ConnectionError)
    assert dependency.calls == []


def test_a_value_that_could_not_be_stored_is_a_backend_error(
    world: World, dependency: Dependency
) -> None:
    def source(n: int) -> str:
        return dependency(n)

    f = world.decorate(source)
    world.backend.fail("commit")
    with pytest.raises(BackendError) as caught:
        world.do(f.heal_now(1))
    assert isinstance(caught.value.__cause__, ConnectionError)
    assert f.cache_info().failed == 1


def test_it_joins_a_heal_of_another_process_until_heal_timeout(
    shared: World, dependency: Dependency
) -> None:
    def source(n: int) -> str:
        return dependency(n)

    there = shared.another_process()
    theirs = there.decorate(source, default="default")
    there.do(theirs(1))
    steps = there.executor.step_next()
    assert steps.next() == "acquire"
    ours = shared.decorate(source)
    before = shared.clock()
    with pytest.raises(HealTimeoutError):
        shared.do(ours.heal_now(1))
    assert shared.clock() - before == pytest.approx(30, abs=0.1)
    assert dependency.calls == []
    assert ours.cache_info().failed == 1
    assert steps.run() is not Outcome.HEALED  # past its own heal_timeout by now


def test_it_returns_what_a_heal_of_another_process_brings(
    shared: World, dependency: Dependency
) -> None:
    def source(n: int) -> str:
        return dependency(n)

    there = shared.another_process()
    theirs = there.decorate(source, default="default")
    there.do(theirs(1))
    steps = there.executor.step_next()
    steps.next()
    ours = shared.decorate(source)
    parts: Any = ours._oob_heal_core.parts
    pauses = iter([None, None, steps])

    def sleep(seconds: float) -> None:
        shared.clock.advance(seconds)
        if (heal := next(pauses, None)) is not None:
            in_threads(1, lambda _: heal.run())  # no loop runs in that thread

    async def asleep(seconds: float) -> None:
        sleep(seconds)

    parts.sleep, parts.asleep = sleep, asleep
    assert shared.do(ours.heal_now(1)) == "v"
    assert dependency.calls == [1]
    assert (ours.cache_info().skipped, theirs.cache_info().healed) == (1, 1)


def test_it_tells_the_error_of_the_heal_of_this_process_that_it_joined(
    world: World, dependency: Dependency
) -> None:
    def source(n: int) -> str:
        return dependency(n)

    f = world.decorate(source, default="default")
    world.do(f(1))
    steps = world.executor.step_next()
    steps.fail = DownError("down")
    steps.next()
    parts = f._oob_heal_core.parts

    def sleep(seconds: float) -> None:
        in_threads(1, lambda _: steps.run())

    async def asleep(seconds: float) -> None:
        sleep(seconds)

    parts.sleep, parts.asleep = sleep, asleep
    parts.random = lambda: 1.0
    with pytest.raises(DownError):
        world.do(f.heal_now(1))
    assert dependency.calls == []
    assert [(each.error, each.attempts) for each in world.cache.failing()] == [("DownError", 1)]


def test_a_function_slower_than_heal_timeout_is_a_timeout_and_stores_nothing(world: World) -> None:
    def source(n: int) -> str:
        world.clock.advance(31)
        return "late"

    f = world.decorate(source)
    with pytest.raises(HealTimeoutError):
        world.do(f.heal_now(1))
    assert world.do(f.peek(1)) is None


# H27
def test_inside_the_heal_of_its_own_key_it_never_recurses(world: World) -> None:
    seen: list[Any] = []

    async def ask() -> None:
        seen.append(await f.heal_now(1))

    def source(n: int) -> str:
        try:
            if world.colour == "sync":
                f.heal_now(n)
            else:
                ask().send(None)
        except CacheMissError as error:
            seen.append(error)
        return "v"

    f = world.decorate(source)
    assert world.do(f.heal_now(1)) == "v"
    assert [type(each) for each in seen] == [CacheMissError]
    assert isinstance(world.do(f.lookup(1)), Served)


def test_those_who_join_a_drop_take_its_error_and_do_not_call(world: World) -> None:  # H19 H06
    asked = world.backend.asked
    gone, calls = KeyError("gone"), []
    started, go_on = threading.Event(), threading.Event()

    def source(n: int) -> str:
        calls.append(n)
        started.set()
        assert go_on.wait(10)
        raise gone

    cache = HealingCache(backend=world.backend, namespace="drop")
    f: Any = cache(ttl=60, name="dropped", drop_on=KeyError)(source)
    errors: list[BaseException] = []

    def ask() -> None:
        try:
            f.heal_now(1)
        except KeyError as error:
            errors.append(error)

    first = threading.Thread(target=ask)
    first.start()
    assert started.wait(10)
    joiners = [threading.Thread(target=ask) for _ in range(4)]
    for joiner in joiners:
        joiner.start()
    wait_until(lambda: asked["acquire"] >= 5)
    go_on.set()
    for thread in (first, *joiners):
        thread.join(10)
    assert (len(errors), calls) == (5, [1])
