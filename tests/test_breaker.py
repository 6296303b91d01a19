"""A dependency in trouble: how many heals call it at once, when it is left alone, who probes it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from oob_heal import Backoff, Breaker, CacheMissError, Dependency, HealingCache, Outcome
from oob_heal._model import Entry
from oob_heal.executors.queue import QueueExecutor
from oob_heal.testing import ManualClock, ManualExecutor
from tests.conftest import Dependency as Source
from tests.conftest import World

TICK = 2.0**-10  # s: exact in a float
DB = Dependency("db", concurrency=3, breaker=Breaker(failures=3, open_for=2))
SHORT = Backoff(TICK, 1, TICK)  # keys are ready again at once: what holds them back is the breaker


def decorated(world: World, source: Source, **options: Any) -> Any:
    """A function over the source; what is drawn is half of what it may be."""
    world.cache._parts.random = lambda: 0.5

    def heals(n: int) -> Any:
        return source(n)

    options = {"dependency": DB, "backoff": SHORT, "default": None, **options}
    return world.decorate(heals, **options)


def outcome(world: World, f: Any, n: int) -> Outcome | None:
    """How a heal of this key ends, asked for now."""
    assert f.heal(n), "its key is quiet"
    return world.executor.run_next()


def opened(world: World, f: Any, source: Source) -> None:
    """Three keys fail, and the breaker is open for 1.5 s."""
    source.error = OSError("down")
    for n in range(3):
        assert outcome(world, f, n) is Outcome.FAILED
    assert guard(f).state == "open"


def guard(f: Any) -> Any:
    return f._oob_heal_core.guard


# H17
def test_when_different_keys_fail_in_a_row_no_more_calls_are_made(
    world: World, dependency: Source
) -> None:
    f = decorated(world, dependency)
    opened(world, f, dependency)
    assert guard(f).open_until == world.clock() + 1.5
    calls = len(dependency.calls)
    for n in range(10, 60):
        assert outcome(world, f, n) is Outcome.REFUSED
    assert len(dependency.calls) == calls
    info = f.cache_info()
    assert (info.failed, info.refused, info.healing) == (3, 50, 0)
    assert [each.key for each in world.cache.failing()] == [f.cache_key(n) for n in range(3)]


def test_one_key_that_fails_stops_no_other(world: World, dependency: Source) -> None:
    f = decorated(world, dependency)
    dependency.error = OSError("down")
    for _ in range(20):
        assert outcome(world, f, 1) is Outcome.FAILED
        world.clock.advance(1)
    dependency.error = None
    assert outcome(world, f, 2) is Outcome.HEALED


def test_a_heal_that_is_turned_away_is_no_attempt_and_its_key_is_quiet_for_a_second_at_most(
    world: World, dependency: Source
) -> None:
    f = decorated(world, dependency)
    opened(world, f, dependency)
    for _ in range(30):
        assert outcome(world, f, 7) is Outcome.REFUSED
        assert not f.heal(7)
        world.clock.advance(1)
        if guard(f).state != "open":
            break
    dependency.error = None
    f.heal(7)
    heal = world.executor.pending[0]
    assert world.executor.run_next() is Outcome.HEALED
    assert heal.lease.attempt == 1
    if world.store is not None:
        assert world.store.live_leases() == 0


def test_one_probes_and_the_others_wait_for_what_it_finds(world: World, dependency: Source) -> None:
    f = decorated(world, dependency)
    opened(world, f, dependency)
    world.clock.advance(1.5)
    f.heal(10)
    probe = world.executor.step_next()
    assert [probe.next(), probe.next(), probe.due] == ["acquire", "get", "call"]
    assert guard(f).state == "half-open"
    for n in range(20, 30):
        assert outcome(world, f, n) is Outcome.REFUSED
    assert probe.run() is Outcome.FAILED
    assert guard(f).state == "open"
    assert guard(f).open_until == world.clock() + 1.5
    world.clock.advance(1.5)
    dependency.error = None
    assert outcome(world, f, 11) is Outcome.HEALED


# H17: no burst at recovery.
def test_after_a_good_probe_it_opens_up_one_by_one(world: World, dependency: Source) -> None:
    f = decorated(world, dependency)
    opened(world, f, dependency)
    dependency.error = None
    world.clock.advance(1.5)
    assert outcome(world, f, 10) is Outcome.HEALED
    begun = []
    for n in range(20, 25):
        f.heal(n)
        steps = world.executor.step_next()
        if steps.heal.outcome is None:
            begun.append(steps)
    assert (len(begun), guard(f).in_flight) == (2, 2)
    assert [steps.run() for steps in begun] == [Outcome.HEALED] * 2
    assert guard(f).state == "closed"
    assert guard(f).in_flight == 0


@pytest.mark.parametrize("hint", [20, dt.timedelta(seconds=20), "20"])
def test_an_error_that_says_when_to_come_back_is_heeded_by_its_key_and_by_all(
    world: World, dependency: Source, hint: Any
) -> None:
    f = decorated(world, dependency)
    dependency.error = OSError("busy")
    dependency.error.retry_after = hint  # type: ignore[attr-defined]
    assert outcome(world, f, 1) is Outcome.FAILED
    assert world.cache.failing()[0].next_try == 20
    dependency.error = None
    world.clock.advance(20 - TICK)
    assert outcome(world, f, 2) is Outcome.REFUSED
    world.clock.advance(TICK)
    assert outcome(world, f, 1) is Outcome.HEALED


def test_no_error_may_ask_for_longer_than_declared(world: World, dependency: Source) -> None:
    f = decorated(world, dependency)
    dependency.error = OSError("busy")
    dependency.error.retry_after = 86_400  # type: ignore[attr-defined]
    assert outcome(world, f, 1) is Outcome.FAILED
    dependency.error = None
    world.clock.advance(60)
    assert outcome(world, f, 1) is Outcome.HEALED


# H17
def test_no_more_heals_call_at_once_than_declared(world: World, dependency: Source) -> None:
    f = decorated(world, dependency)
    for n in range(10):
        f.heal(n)
    begun = [world.executor.step_next() for _ in range(10)]
    inside = [steps for steps in begun if steps.heal.outcome is None]
    assert (len(inside), guard(f).in_flight) == (3, 3)
    assert f.cache_info().refused == 7
    assert [steps.run() for steps in inside] == [Outcome.HEALED] * 3
    world.clock.advance(1)
    assert outcome(world, f, 9) is Outcome.HEALED


def test_functions_that_give_one_dependency_share_its_breaker(
    world: World, dependency: Source
) -> None:
    f = decorated(world, dependency)
    by_value = decorated(world, dependency, name="g")
    by_name = decorated(world, dependency, name="h", dependency="db")
    other = decorated(world, dependency, name="i", dependency=None)
    opened(world, f, dependency)
    assert outcome(world, by_value, 1) is Outcome.REFUSED
    assert outcome(world, by_name, 1) is Outcome.REFUSED
    assert outcome(world, other, 1) is Outcome.FAILED


def test_two_values_under_one_name_are_a_type_error(world: World, dependency: Source) -> None:
    decorated(world, dependency)
    decorated(
        world, dependency, name="g", dependency=Dependency("db", concurrency=3, breaker=DB.breaker)
    )
    with pytest.raises(TypeError, match="two things of 'db'"):
        decorated(world, dependency, name="h", dependency=Dependency("db", concurrency=4))
    with pytest.raises(TypeError, match="dependency="):
        decorated(world, dependency, name="h", dependency=7)


def test_what_is_an_answer_is_no_failure(world: World, dependency: Source) -> None:
    f = decorated(world, dependency, drop_on=KeyError)
    dependency.error = KeyError("gone")
    for n in range(10):
        assert outcome(world, f, n) is Outcome.HEALED
    assert guard(f).state == "closed"


def test_a_call_inside_a_heal_that_has_nothing_to_serve_is_another_dependencys_trouble(
    world: World, dependency: Source
) -> None:
    f = decorated(world, dependency)
    dependency.error = CacheMissError("inner", None)  # type: ignore[arg-type]
    for n in range(10):
        assert outcome(world, f, n) is Outcome.FAILED
    assert guard(f).state == "closed"


def test_a_call_that_came_back_too_late_is_a_failure(world: World, dependency: Source) -> None:
    f = decorated(world, dependency, heal_timeout=5)
    for n in range(3):
        f.heal(n)
        steps = world.executor.step_next()
        assert [steps.next(), steps.next()] == ["acquire", "get"]
        world.clock.advance(5)
        assert steps.run() is Outcome.FAILED
    assert guard(f).state == "open"


def test_heal_now_passes_over_an_open_breaker_and_what_it_brings_is_believed(
    world: World, dependency: Source
) -> None:
    f = decorated(world, dependency)
    opened(world, f, dependency)
    dependency.error = None
    assert world.do(f.heal_now(1)) == "v"
    assert guard(f).state == "half-open"
    assert outcome(world, f, 20) is Outcome.HEALED


# H13: a permit ends by itself, as a lease does.
def test_the_place_of_a_heal_that_vanished_is_free_again_when_its_lease_is(
    world: World, dependency: Source
) -> None:
    f = decorated(world, dependency, heal_timeout=5)
    kept = []
    for n in range(3):
        f.heal(n)
        kept.append(world.executor.step_next())  # as in a process whose threads were killed
    f.heal(4)
    assert world.executor.run_next() is Outcome.REFUSED
    world.clock.advance(6)
    assert outcome(world, f, 5) is Outcome.HEALED
    assert len(kept) == 3


# H24
def test_a_heal_that_is_cut_off_gives_its_place_back(world: World, dependency: Source) -> None:
    f = decorated(world, dependency)
    for n in range(10):
        f.heal(n)
        steps = world.executor.step_next()
        assert [steps.next(), steps.next(), guard(f).in_flight] == ["acquire", "get", 1]
        steps.cut_off()
        assert steps.run() is Outcome.LOST
        assert guard(f).in_flight == 0
    assert guard(f).state == "closed"


# Between processes.


def two(shared: World, source: Source, **options: Any) -> tuple[World, Any, Any]:
    there = shared.another_process()
    return there, decorated(shared, source, **options), decorated(there, source, **options)


# H17
def test_what_one_process_found_holds_in_every_process(shared: World, dependency: Source) -> None:
    there, f, g = two(shared, dependency)
    opened(shared, f, dependency)
    calls = len(dependency.calls)
    assert outcome(there, g, 9) is Outcome.REFUSED
    shared.clock.advance(1.5 - TICK)
    assert outcome(there, g, 10) is Outcome.REFUSED
    assert len(dependency.calls) == calls


def test_of_all_processes_one_probes(shared: World, dependency: Source) -> None:
    there, f, g = two(shared, dependency)
    opened(shared, f, dependency)
    assert outcome(there, g, 9) is Outcome.REFUSED
    shared.clock.advance(1.5)
    f.heal(10)
    probe = shared.executor.step_next()
    assert [probe.next(), probe.next(), probe.due] == ["acquire", "get", "call"]
    for n in range(20, 25):
        assert outcome(there, g, n) is Outcome.REFUSED
    assert probe.run() is Outcome.FAILED
    calls = len(dependency.calls)
    shared.clock.advance(1.5 - TICK)
    assert outcome(there, g, 30) is Outcome.REFUSED
    assert outcome(shared, f, 30) is Outcome.REFUSED
    assert len(dependency.calls) == calls


def test_what_a_probe_found_well_is_well_in_every_process(
    shared: World, dependency: Source
) -> None:
    there, f, g = two(shared, dependency)
    opened(shared, f, dependency)
    assert outcome(there, g, 9) is Outcome.REFUSED
    shared.clock.advance(1.5)
    dependency.error = None
    assert outcome(shared, f, 10) is Outcome.HEALED
    shared.clock.advance(1)
    assert outcome(there, g, 11) is Outcome.HEALED
    assert shared.store is not None
    assert shared.store.live_leases() == 0


def test_a_probe_whose_process_was_killed_is_followed_by_another(
    shared: World, dependency: Source
) -> None:  # H13
    there, f, g = two(shared, dependency, heal_timeout=5)
    opened(shared, f, dependency)
    shared.clock.advance(1.5)
    f.heal(10)
    kept = shared.executor.step_next()
    shared.clock.advance(6)
    dependency.error = None
    outcome(there, g, 11)  # it learns of the breaker here, at the latest
    shared.clock.advance(1)
    assert outcome(there, g, 12) is Outcome.HEALED
    assert kept.heal.outcome is None


def test_a_store_that_is_away_when_the_breaker_opens_costs_nobody_anything(
    shared: World, dependency: Source
) -> None:
    f = decorated(shared, dependency)
    for n in range(2):
        dependency.error = OSError("down")
        assert outcome(shared, f, n) is Outcome.FAILED
    f.heal(3)
    steps = shared.executor.step_next()
    assert [steps.next(), steps.next()] == ["acquire", "get"]
    shared.backend.fail("acquire", "commit")
    assert steps.run() is Outcome.FAILED
    shared.backend.recover()
    assert outcome(shared, f, 4) is Outcome.REFUSED


# What stands in the store is believed for as long as a breaker may be open, and no longer.


def told_in_the_store(world: World, f: Any, value: Any, **facts: Any) -> None:
    """Another process, or whoever writes there, says this of the breaker."""
    ward, now = f._oob_heal_core.ward, world.clock()
    ward.shelf.ask("set", ward.key, Entry(value, now + facts.pop("ahead", 0.0), **facts), 7200.0)


# H11: the store's clock was set back by an hour.
def test_a_breaker_that_was_told_in_the_future_is_probed_all_the_same(
    shared: World, dependency: Source
) -> None:
    f = decorated(shared, dependency)
    told_in_the_store(shared, f, 2.0, ahead=3600.0)
    assert outcome(shared, f, 1) is Outcome.HEALED


# H13
@pytest.mark.parametrize("value", [10**400, 1e300, -1e300, -(10**400), True, "x", None, [1]])
def test_no_odd_number_in_the_store_stops_a_dependency_for_good(
    shared: World, dependency: Source, value: Any
) -> None:
    f = decorated(shared, dependency)
    told_in_the_store(shared, f, value)
    outcome(shared, f, 1)
    shared.clock.advance(60)  # the longest hint
    assert outcome(shared, f, 2) is Outcome.HEALED


# A worker behind a queue.


def test_a_worker_that_turns_a_heal_away_gives_the_publishers_lease_back(
    shared: World, dependency: Source
) -> None:
    sent: list[bytes] = []
    worker = shared.another_process()
    f = decorated(shared, dependency, executor=QueueExecutor(sent.append))
    g = decorated(worker, dependency, name=f._oob_heal_core.scope.name)
    f.heal(7)
    core = f._oob_heal_core
    core.executor.close()
    assert len(sent) == 1
    opened(worker, g, dependency)
    assert shared.store is not None
    assert shared.store.live_leases() == 1
    assert worker.cache.heal_message(sent[0]) is Outcome.REFUSED
    assert shared.store.live_leases() == 0
    assert g.cache_info().refused == 1


def test_while_it_is_open_nothing_is_sent(shared: World, dependency: Source) -> None:
    sent: list[bytes] = []
    worker = shared.another_process()
    with QueueExecutor(sent.append) as executor:
        f = decorated(shared, dependency, executor=executor)
        g = decorated(worker, dependency, name=f._oob_heal_core.scope.name)
        opened(worker, g, dependency)
        for n in range(10):
            f.heal(n + 10)
    assert sent == []
    assert f.cache_info().refused == 10


def test_a_test_that_overrides_a_part_meets_no_open_breaker() -> None:
    executor = ManualExecutor()
    cache = HealingCache(ttl=60, executor=executor, clock=ManualClock(), dependency=DB)

    @cache(default=None)
    def f(n: int) -> int:
        raise OSError

    for n in range(3):
        f(n)
    executor.run_all()
    assert guard(f).state == "open"
    with cache.override(executor=executor):
        assert guard(f).state == "closed"
    assert guard(f).state == "open"
