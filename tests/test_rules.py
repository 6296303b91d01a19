"""The table of rules: what a caller gets at every age, and what is published."""

from __future__ import annotations

import pytest

from oob_heal import CacheMissError, Freshness, Reason
from tests.conftest import Dependency, World


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
