"""The table of rules: what a caller gets at every age, and what is published."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oob_heal import CacheMissError, Entry, Freshness, Reason
from oob_heal._decide import judge
from tests.conftest import Dependency, World

TICK = 2.0**-10  # s: about a millisecond, and exact in a float
DAY = 86_400.0


def cached(world: World, takes: float = 0, **options: Any) -> Any:
    """A function that returns "v" after some seconds by the world's clock."""

    def source(n: int) -> str:
        world.clock.advance(takes)
        return "v"

    return world.decorate(source, **options)


def test_an_absent_key_answers_with_the_default_and_publishes(
    world: World, dependency: Dependency
) -> None:
    def source(n: int) -> str:
        return dependency(n)

    f = world.decorate(source, default="default")
    assert world.do(f(1)) == "default"
    assert [heal.event.reason for heal in world.executor.pending] == [Reason.ABSENT]
    assert dependency.calls == []


def test_an_absent_key_without_a_default_is_a_clear_error(
    world: World, dependency: Dependency
) -> None:
    def source(n: int) -> str:
        return dependency(n)

    f = world.decorate(source)
    with pytest.raises(CacheMissError) as caught:
        world.do(f(1))
    assert caught.value.reason is Reason.ABSENT
    assert "source" in str(caught.value)
    assert "default=" in str(caught.value)


def test_a_value_is_fresh_then_stale_then_expired(world: World, dependency: Dependency) -> None:
    def source(n: int) -> str:
        return dependency(n)

    f = world.decorate(source, ttl=10, max_stale=5, default="default")
    world.do(f(1))
    world.executor.run_all()
    told = []
    for _ in range(4):
        told.append((world.do(f(1)), world.do(f.lookup(1)).freshness))
        world.clock.advance(5)
    assert told[:3] == [("v", Freshness.FRESH), ("v", Freshness.FRESH), ("v", Freshness.STALE)]
    # A store that keeps nothing past the hard limit has made it absent.
    gone = Freshness.ABSENT if world.kind == "store" else Freshness.EXPIRED
    assert told[3:] == [("default", gone)]
    assert [heal.event.reason for heal in world.executor.pending] == [Reason.STALE]


def test_both_edges_are_exact_without_jitter(world: World) -> None:
    f = cached(world, ttl=10, max_stale=5, default="default")
    f.heal(1)
    world.executor.run_all()
    world.clock.advance(10 - TICK)
    assert world.do(f.lookup(1)) == ("v", Freshness.FRESH, 10 - TICK, False)
    world.clock.advance(TICK)
    assert world.do(f.lookup(1)) == ("v", Freshness.STALE, 10, False)
    world.clock.advance(5 - TICK)
    assert world.do(f.lookup(1)) == ("v", Freshness.STALE, 15 - TICK, False)
    world.clock.advance(TICK)
    assert world.do(f(1)) == "default"
    assert world.do(f.lookup(1)).is_default


@pytest.mark.parametrize("spread", [0.0, 0.25, 0.5, 1 - TICK])
def test_jitter_shortens_freshness_by_up_to_its_share_and_never_moves_the_hard_limit(
    world: World, spread: float
) -> None:
    world.cache._parts.random = lambda: spread
    f = cached(world, ttl=16, max_stale=16, jitter=0.5, default="default")
    f.heal(1)
    world.executor.run_all()
    fresh_for = 16 - 16 * 0.5 * spread
    assert 8 <= fresh_for <= 16
    world.clock.advance(fresh_for - TICK)
    assert world.do(f.lookup(1)).freshness is Freshness.FRESH
    world.clock.advance(TICK)
    assert world.do(f.lookup(1)).freshness is Freshness.STALE
    world.clock.advance(32 - TICK - fresh_for)
    assert world.do(f(1)) == "v"
    world.clock.advance(TICK)
    assert world.do(f(1)) == "default"


def test_two_processes_agree_on_what_jitter_did(shared: World) -> None:
    there = shared.another_process()
    f, g = (cached(each, ttl=100, jitter=1.0) for each in (shared, there))
    for n in range(20):
        shared.do(f.set("v", n))
    for _ in range(10):
        shared.clock.advance(9)
        seen = [[shared.do(each.peek(n)).freshness for n in range(20)] for each in (f, g)]
        assert seen[0] == seen[1]
    assert Freshness.STALE in seen[0]


def test_a_key_marked_stale_is_stale_whatever_its_age(world: World) -> None:
    f = cached(world, ttl=10, max_stale=5)
    world.do(f.set("v", 1))
    world.clock.advance(1)
    world.do(f.mark_stale(1))
    assert world.do(f.lookup(1)) == ("v", Freshness.STALE, 1, False)
    assert [heal.event.reason for heal in world.executor.pending] == [Reason.STALE]
    world.executor.run_all()
    assert world.do(f.lookup(1)).freshness is Freshness.FRESH
    world.do(f.mark_stale(2))
    assert world.do(f.peek(2)) is None


def test_without_max_stale_nothing_stale_is_ever_served_and_jitter_does_nothing(
    world: World,
) -> None:
    world.cache._parts.random = lambda: 0.5
    f = cached(world, ttl=10, max_stale=0, jitter=1.0, default="default")
    world.do(f.set("v", 1))
    world.clock.advance(10 - TICK)
    assert world.do(f.lookup(1)).freshness is Freshness.FRESH
    world.clock.advance(TICK)
    assert world.do(f(1)) == "default"
    world.do(f.set("v", 2))
    world.do(f.mark_stale(2))
    assert world.do(f(2)) == "default"
    assert world.executor.pending[-1].event.reason is Reason.EXPIRED


@pytest.mark.parametrize("max_stale", [None, float("inf")])
def test_max_stale_none_serves_for_as_long_as_the_backend_keeps(
    world: World, max_stale: float | None
) -> None:
    f = cached(world, ttl=10, max_stale=max_stale, default="default")
    world.do(f.set("v", 1))
    world.clock.advance(30 * DAY - TICK)
    assert world.do(f.lookup(1)).freshness is Freshness.STALE
    world.clock.advance(TICK)
    assert world.do(f(1)) == ("default" if world.kind == "store" else "v")
    world.clock.advance(1_000 * DAY)
    assert world.do(f(1)) == ("default" if world.kind == "store" else "v")


def test_an_infinite_ttl_is_fresh_until_it_is_marked(world: World) -> None:
    f = cached(world, ttl=float("inf"), max_stale=0, jitter=0.5, default="default")
    g = cached(world, ttl=float("inf"), name="g")
    world.do(f.set("v", 1))
    world.do(g.set("v", 1))
    world.clock.advance(30 * DAY - TICK)
    assert world.do(f.lookup(1)).freshness is Freshness.FRESH
    world.do(f.mark_stale(1))
    world.do(g.mark_stale(1))
    assert world.do(f(1)) == "default"
    assert world.do(g.lookup(1)).freshness is Freshness.STALE


def test_age_counts_from_the_start_of_the_heal_and_from_the_write_for_set(
    world: World,
) -> None:
    f = cached(world, ttl=10, takes=3)
    f.heal(1)
    world.clock.advance(7)  # waiting in the executor is not the heal
    world.executor.run_all()
    assert world.do(f.lookup(1)) == ("v", Freshness.FRESH, 3, False)
    world.clock.advance(7)
    assert world.do(f.lookup(1)).freshness is Freshness.STALE
    world.do(f.set("w", 1))
    assert world.do(f.lookup(1)) == ("w", Freshness.FRESH, 0, False)


def test_a_backend_that_cannot_be_read_answers_as_with_none_and_publishes_nothing(
    world: World,
) -> None:
    f = cached(world)
    g = cached(world, name="g", default="default")
    world.do(f.set("v", 1))
    world.do(g.set("v", 1))
    world.backend.fail("get")
    with pytest.raises(CacheMissError) as caught:
        world.do(f(1))
    assert caught.value.reason is Reason.UNAVAILABLE
    assert world.do(g(1)) == "default"
    assert world.do(g.lookup(1)) == ("default", Freshness.ABSENT, None, True)
    assert world.do(g.peek(1)) is None
    assert (f.cache_info().absent, g.cache_info().absent) == (1, 2)
    world.backend.recover()
    assert world.executor.pending == ()
    assert world.backend.asked["acquire"] == 0
    assert world.do(f(1)) == world.do(g(1)) == "v"


@settings(deadline=None)
@given(
    age=st.floats(0, 100),
    ttl=st.floats(0.001, 50) | st.just(float("inf")),
    max_stale=st.floats(0, 50),
    jitter=st.floats(0, 1),
    spread=st.floats(0, 1, exclude_max=True),
    marked=st.booleans(),
)
def test_what_is_served_is_what_the_rules_say(
    age: float, ttl: float, max_stale: float, jitter: float, spread: float, marked: bool
) -> None:
    world = World("memory", "sync")

    world.cache._parts.random = lambda: spread
    f = cached(world, ttl=ttl, max_stale=max_stale, jitter=jitter, default="default")
    f.set("v", 1)
    if marked:
        f.mark_stale(1)
    entry = Entry("v", world.clock(), marked, spread)
    world.clock.advance(age)
    verdict = judge(entry, world.clock(), f._oob_heal_core.policy)
    kept = verdict.freshness in (Freshness.FRESH, Freshness.STALE)
    assert f(1) == ("v" if kept else "default")
    assert f.cache_info().hits == (verdict.freshness is Freshness.FRESH)
    assert len(world.executor.pending) == (verdict.reason is not None)
    assert (verdict.freshness is Freshness.FRESH) <= (world.clock() < entry.dated + ttl)
    assert kept <= (world.clock() < entry.dated + ttl + max_stale)
    assert kept or marked or not world.clock() < entry.dated + ttl + max_stale
