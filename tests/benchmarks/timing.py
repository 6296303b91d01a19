"""Nanoseconds, side by side: many short rounds in turn, and the least of each.

Law: other work on the machine only ever adds to a round, so the least of many is nearest to the
truth; taking turns lets slow spells fall on all alike.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any


def side_by_side(
    calls: Mapping[str, Callable[[int], float]], rounds: int, least: float = 0.004
) -> dict[str, float]:
    """The least seconds a call, by name. ``calls[name](n)`` makes n calls and returns seconds."""
    sizes = {name: _size(call, least) for name, call in calls.items()}
    best = dict.fromkeys(calls, float("inf"))
    collects = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, call in calls.items():
                best[name] = min(best[name], call(sizes[name]) / sizes[name])
    finally:
        if collects:
            gc.enable()
    return best


def _size(call: Callable[[int], float], least: float) -> int:
    """How many calls make a round that is long enough to time."""
    size = 1
    while call(size) < least and size < 1_000_000:
        size *= 2
    return size


def loop_of(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[[int], float]:
    """Times n calls of a function with these arguments, by a loop of its own code."""
    spelled = ", ".join(
        [*(f"a{i}" for i in range(len(args))), *(f"{name}=k_{name}" for name in kwargs)]
    )
    space: dict[str, Any] = {"fn": fn, "perf_counter": time.perf_counter, "repeat": range}
    space |= {f"a{i}": each for i, each in enumerate(args)}
    space |= {f"k_{name}": each for name, each in kwargs.items()}
    names = ", ".join(f"{name}={name}" for name in space)
    code = (
        f"def timed(n, {names}):\n"
        f"    start = perf_counter()\n"
        f"    for _ in repeat(n):\n"
        f"        fn({spelled})\n"
        f"    return perf_counter() - start\n"
    )
    exec(code, space)
    timed: Callable[[int], float] = space["timed"]
    return timed


def awaiting(fn: Callable[..., Awaitable[Any]], *args: Any) -> Callable[[int], float]:
    """Times n awaited calls inside one run of an event loop."""

    async def run(n: int) -> float:
        start = time.perf_counter()
        for _ in range(n):
            await fn(*args)
        return time.perf_counter() - start

    return lambda n: asyncio.run(run(n))


def percentile(sorted_values: list[float], share: float) -> float:
    """The value below which this share lies."""
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]
