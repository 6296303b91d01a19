"""The benchmarks in smoke mode: what must hold on any machine is counted, never timed."""

from __future__ import annotations

import functools
import gc
import sys
import tracemalloc
from typing import Any

import pytest

from oob_heal import HealingCache
from oob_heal.testing import ManualExecutor
from tests.benchmarks import eviction
from tests.benchmarks.peers import OURS, PEERS
from tests.benchmarks.timing import loop_of, side_by_side
from tests.benchmarks.trouble import stampede_of_tasks, stampede_of_threads


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_stampede_leads_to_one_call() -> None:  # H19
    assert stampede_of_threads(OURS, 50) == 1
    assert stampede_of_tasks(OURS, 200) == 1


@pytest.mark.parametrize("state", ["fresh", "stale", "absent"])
def test_a_read_leaves_nothing_behind(state: str) -> None:
    cache = HealingCache(ttl=3_600, executor=ManualExecutor())

    @cache(default=0)
    def f(a: Any) -> Any:
        return a

    f.set(5, 5)
    if state == "stale":
        f.mark_stale(5)
    key = 6 if state == "absent" else 5
    for _ in range(100):
        f(key)
    tracemalloc.start()
    try:
        f(key)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(1_000):
            f(key)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 1_000, f"{grown} bytes for 1,000 reads"


def test_a_hit_runs_no_function_of_the_librarys_but_its_own() -> None:
    cache = HealingCache(ttl=3_600, executor=ManualExecutor())

    @cache(default=0)
    def f(a: Any) -> Any:
        return a

    f.set(5, 5)
    f(5)
    f.set(6, 6)
    f.mark_stale(6)
    for n in (6, 6, 7, 7):
        f(n)
    called: list[str] = []

    def note(frame: Any, event: str, _: Any) -> None:
        if event == "call":
            called.append(frame.f_code.co_name)

    gc.disable()  # its callback is a call, too
    sys.setprofile(note)
    try:
        f(5), f(6), f(7)
    finally:
        sys.setprofile(None)
        gc.enable()
    assert called == ["f", "f", "f"]


def test_what_is_read_stays_longer_than_under_lru() -> None:
    trace = eviction.with_scans(eviction.zipf(0.9, 10_000, 60_000), 0.1, run=200)
    ours, lru = eviction.ours(trace, 1_000), eviction.lru(trace, 1_000)
    assert ours >= lru + 0.04
    assert eviction.optimal(trace, 1_000) >= ours


def test_every_peer_is_built_or_reported() -> None:
    for peer in PEERS:
        assert peer.version or peer.package
    best = side_by_side({"noop": loop_of(abs, 5)}, 1, 0.0001)
    assert best["noop"] > 0


@pytest.mark.parametrize("name", ["cachetools", "cachebox", "lru_cache, typed", "oob_heal"])
def test_who_takes_a_tuple_of_one_for_a_tuple_of_true(name: str) -> None:
    """As the page on performance says; cachebox is tried where it is installed."""

    def same(a: Any) -> Any:
        return a

    if name == "oob_heal":
        f: Any = HealingCache(ttl=60)()(same)
        f.set((1,), (1,))
        f.set((True,), (True,))
    elif name == "lru_cache, typed":
        f = functools.lru_cache(typed=True)(same)
    else:
        cached = pytest.importorskip(name)
        f = cached.cached(cached.TTLCache(10, 60))(same)
    told = f((1,))[0], f((True,))[0]
    assert told == (1, 1)
    assert (told[1] is True) == (name == "oob_heal")
