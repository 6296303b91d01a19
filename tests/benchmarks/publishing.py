"""What the caller that publishes pays, by what carries its heal.

Law: as in ``speed``: rows of plain numbers. The median of a round, and the least of the rounds:
what a caller pays on a machine that has nothing else to do.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from heapq import heappush
from typing import Any

from oob_heal import HealingCache
from oob_heal.executors.threads import ThreadExecutor
from oob_heal.testing import ManualExecutor
from tests.benchmarks.speed import Row
from tests.benchmarks.timing import percentile

MANY = 500  # calls of one round, each of a key of its own


def publishing(quick: bool) -> Row:
    """Nanoseconds of a call that publishes."""
    rounds = 3 if quick else 40
    return {
        "sync, p50": {
            "the least, by hand": _by_hand(rounds),
            "an absent key": _manual(rounds, stale=False),
            "a stale key": _manual(rounds, stale=True),
            "threads, none is woken": _threads(rounds),
            "the hand-over to them alone": _hand_over(rounds),
            "after 2 ms of sleep, threads, one is woken": _rested(4 * rounds, woken=True),
            "after 2 ms of sleep, nobody is woken": _rested(4 * rounds, woken=False),
        },
        "async, p50": {"a task": asyncio.run(_tasks(rounds))},
    }


def _least(rounds: int, turn: Callable[[int], list[float]]) -> float:
    return min(percentile(sorted(turn(number)), 0.5) for number in range(rounds))


def _timed(f: Callable[[int], Any], numbers: range) -> list[float]:
    spent: list[float] = []
    for n in numbers:
        start = time.perf_counter_ns()
        f(n)
        spent.append(time.perf_counter_ns() - start)
    return spent


def _numbers(turn: int) -> range:
    return range(10_000 + MANY * turn, 10_000 + MANY * (turn + 1))


class _Least:
    """As little of a heal as there can be."""

    __slots__ = ("arguments", "key", "outcome")


def _by_hand(rounds: int) -> float:
    """A miss, a key, a mark and an account with a deadline each, and the hand-over: no rule, no
    observer, no refusal, and no second thing that can be plugged in."""
    tables: dict[type, dict[int, Any]] = {int: {}}
    marks: dict[Any, Any] = {}
    accounts: dict[int, Any] = {}
    deadlines: list[Any] = []
    waiting: deque[Any] = deque()
    number, lock, now = itertools.count(), threading.Lock(), time.monotonic

    def miss(a: int) -> int:
        key = ("scope", ((type(a), a),))
        heal = _Least()
        heal.key, heal.arguments, heal.outcome = key, (a,), None
        with lock:
            at = now()
            mark = marks.get(key)
            if mark is not None and at < mark[1]:
                return 0
            until = at + 60
            marks[key] = heal, until
            accounts[id(heal)] = heal, until
            heappush(deadlines, (until, next(number), key))
        waiting.append(heal)
        return 0

    def f(a: int) -> Any:
        try:
            value, until, _ = tables[type(a)][a]
            if now() < until:
                return value
        except KeyError:
            pass
        return miss(a)

    return _least(rounds, lambda turn: _timed(f, _numbers(turn)))


def _manual(rounds: int, *, stale: bool) -> float:
    executor = ManualExecutor()

    @HealingCache(ttl=3_600, executor=executor)(default=0, maxsize=200_000)
    def f(a: int) -> int:
        return a

    def turn(number: int) -> list[float]:
        for n in _numbers(number) if stale else ():
            f.set(n, n)
            f.mark_stale(n)
        spent = _timed(f, _numbers(number))
        executor.run_all()
        return spent

    return _least(rounds, turn)


def _busy(executor: Any, gate: threading.Event) -> tuple[Any, Any]:
    """A function whose heals wait behind one that runs until the gate opens, and one of them."""

    @HealingCache(ttl=3_600, executor=executor)(default=0, maxsize=200_000)
    def f(a: int) -> int:
        gate.wait()
        return a

    f(1)
    while executor.figures()["running"] < 1:
        time.sleep(0.001)
    taken: list[Any] = []
    f._oob_heal_core.executor, kept = ManualExecutor(), f._oob_heal_core.executor
    f(2)
    taken += f._oob_heal_core.executor.pending
    f._oob_heal_core.executor = kept
    return f, taken[0]


def _threads(rounds: int) -> float:
    gate = threading.Event()
    with ThreadExecutor(threads=1, queue=1_000_000, grace=0.0) as executor:
        f, _ = _busy(executor, gate)
        rounds = min(rounds, 9_000 // MANY)  # no more heals of one function wait at once
        best = _least(rounds, lambda number: _timed(f, _numbers(number)))
        executor.close(0.0)
        gate.set()
    return best


def _hand_over(rounds: int) -> float:
    gate = threading.Event()
    with ThreadExecutor(threads=1, queue=1_000_000, grace=0.0) as executor:
        _, heal = _busy(executor, gate)
        best = _least(rounds, lambda _: _timed(lambda _: executor.submit(heal), range(MANY)))
        nothing = _least(rounds, lambda _: _timed(lambda _: None, range(MANY)))
        executor.close(0.0)
        gate.set()
    return best - nothing


def _rested(calls: int, *, woken: bool) -> float:
    """Of a caller that slept meanwhile, as the thread did: whoever comes back finds cold caches."""
    with ThreadExecutor(threads=2) as threads:

        @HealingCache(ttl=3_600, executor=threads if woken else ManualExecutor())(default=0)
        def f(a: int) -> int:
            return a

        spent = []
        for n in range(calls):
            spent += _timed(f, range(n, n + 1))
            time.sleep(0.002)
    return percentile(sorted(spent), 0.5)


async def _tasks(rounds: int) -> float:
    @HealingCache(ttl=3_600)(default=0, maxsize=200_000)
    async def f(a: int) -> int:
        return a

    best = float("inf")
    for number in range(rounds):
        spent: list[float] = []
        for n in _numbers(number):
            start = time.perf_counter_ns()
            await f(n)
            spent.append(time.perf_counter_ns() - start)
        best = min(best, percentile(sorted(spent), 0.5))
        while f.cache_info().healing:
            await asyncio.sleep(0)
        await asyncio.sleep(0)  # and the loop lets go of its tasks
    return best
