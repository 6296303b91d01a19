"""pytest-benchmark suites: ``pytest -n 0 tests/benchmarks/bench_hit.py``, with the extra ``bench``.

Not part of the usual run: what it shows is time, which is nobody's promise on a shared machine.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from oob_heal import HealingCache
from oob_heal.testing import ManualExecutor

pytest.importorskip("pytest_benchmark")


def two(a: Any, unit: str = "kg") -> Any:
    return a


@functools.lru_cache(10_000)
def with_lru_cache(a: Any, unit: str = "kg") -> Any:
    return a


def ours() -> Any:
    f = HealingCache(ttl=3_600, executor=ManualExecutor())(default=0)(two)
    f.set(5, 5)
    f(5)
    return f


@pytest.mark.benchmark(group="a hit")
@pytest.mark.parametrize("make", [ours, lambda: with_lru_cache], ids=["oob_heal", "lru_cache"])
def test_a_hit(benchmark: Any, make: Callable[[], Any]) -> None:
    f = make()
    f(5)
    assert benchmark(f, 5) == 5


@pytest.mark.benchmark(group="a read under a heal")
@pytest.mark.parametrize("state", ["fresh", "stale", "absent"])
def test_a_read_while_a_heal_is_under_way(benchmark: Any, state: str) -> None:
    f = ours()
    if state == "stale":
        f.mark_stale(5)
    key = 6 if state == "absent" else 5
    f(key), f(key)
    assert benchmark(f, key) == (0 if state == "absent" else 5)


@pytest.mark.benchmark(group="the caller that publishes")
def test_publishing(benchmark: Any) -> None:
    executor = ManualExecutor()
    f = HealingCache(ttl=3_600, executor=executor)(default=0)(two)
    keys = iter(range(10**9))
    assert benchmark.pedantic(lambda: f(next(keys)), rounds=5_000) == 0
    executor.run_all()
