"""Parts swapped in a test: ``override`` and ``heal_inline``, on any cache and the default one."""

from __future__ import annotations

from typing import Any

import pytest

from oob_heal import CacheMissError, Freshness, HealingCache, default_cache, healing_cache
from oob_heal.backends.memory import MemoryBackend
from oob_heal.testing import FlakyBackend, ManualClock, ManualExecutor, SharedStore, heal_inline
from tests.conftest import Dependency, World


def test_override_swaps_each_part_and_puts_it_back(world: World, dependency: Dependency) -> None:
    def source(n: int) -> str:
        return dependency(n)

    f = world.decorate(source, default="default", ttl=10)
    world.do(f.set("mine", 1))
    world.do(f(2))
    heard: list[Any] = []
    store = SharedStore()
    executor, backend = ManualExecutor(), FlakyBackend(store.backend())
    with world.cache.override(executor=executor) as cache:
        assert cache is world.cache
        assert world.do(f(1)) == "mine"
        world.do(f(3))
        with cache.override(backend=backend, observers=[heard.append]):  # nested
            assert world.do(f(1)) == "default"
            assert f.cache_info().healing == 1
            executor.run_all()
            assert world.do(f(1)) == "v"
            assert backend.asked["commit"] >= 1
        assert world.do(f(1)) == "mine"
    clock = ManualClock()
    with world.cache.override(clock=clock, backend={}, executor=executor):
        world.do(f.set("theirs", 1))
        clock.advance(10)
        assert world.do(f.lookup(1)).freshness is Freshness.STALE
    assert world.do(f.lookup(1)) == ("mine", Freshness.FRESH, 0, False)
    assert [heal.key for heal in world.executor.pending] == [f.cache_key(2)]
    assert {happening.function for happening in heard} == {f.cache_key(1).scope.label}
    world.executor.run_all()
    assert world.do(f(2)) == "v"


def test_a_function_decorated_inside_an_override_gets_the_caches_parts_afterwards() -> None:
    executor, backend = ManualExecutor(), MemoryBackend()
    cache = HealingCache(ttl=60, executor=executor, backend=backend)
    with cache.override(backend={}), cache.override(executor=ManualExecutor()):

        @cache(default=0)
        def f(n: int) -> int:
            return n

        f.set(7, 1)
        assert (f(1), f(2)) == (7, 0)
    assert (f(1), len(executor.pending), backend.currsize(f.cache_key(1).scope)) == (0, 1, 0)
    executor.run_all()
    assert (f(1), f.cache_info().healed) == (1, 1)


def test_healing_cache_belongs_to_the_default_cache() -> None:
    executor = ManualExecutor()
    with default_cache.override(executor=executor, backend=FlakyBackend(MemoryBackend())):

        @healing_cache(ttl=60, default=0)
        def f(n: int) -> int:
            raise ConnectionError

        assert f(1) == 0
        executor.run_all()
        assert [each.function for each in default_cache.failing()] == [f.cache_key(1).scope.label]
        f.set(7, 1)
        default_cache.clear()
        assert f.peek(1) is None


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_heal_inline_answers_the_call_that_missed(colour: str, dependency: Dependency) -> None:
    def source(n: int) -> str:
        return dependency(n)

    for backend in ("memory", "store"):
        world = World(backend, colour)
        f = world.decorate(source)
        with heal_inline(), heal_inline():
            assert world.do(f(1)) == "v"
            dependency.error = ConnectionError()
            with pytest.raises(CacheMissError):
                world.do(f(2))
            dependency.error = None
        with pytest.raises(CacheMissError):
            world.do(f(3))
        assert (f.cache_info().healed, f.cache_info().failed) == (1, 1)
