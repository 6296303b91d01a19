"""A hit in front of a shared backend beside a hit in memory; run it as a script.

Prints the ratio of the fastest of many rounds, side by side in one run, sync and async. The budget
is 1.2; ``tests/tier/test_hit.py`` holds it in small.
"""

from __future__ import annotations

import asyncio
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from oob_heal import HealingCache
from oob_heal.backends.redis import RedisBackend
from oob_heal.backends.tiered import TieredBackend
from tests.redis.servers import Server

ROUNDS, CALLS = 40, 5_000
BUDGET = 1.2  # of a hit in memory


def timed(f: Callable[[int], Any], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        f(1)
    return (time.perf_counter() - start) / calls * 1e9


async def atimed(f: Callable[[int], Any], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        await f(1)
    return (time.perf_counter() - start) / calls * 1e9


def measure(url: str, rounds: int = ROUNDS, calls: int = CALLS) -> dict[str, tuple[float, float]]:
    """By colour: ns of a hit in memory and of one in front, each the best of the rounds."""
    with (
        RedisBackend(url, deadline=5) as shared,
        TieredBackend(shared, front_life=3_600) as tier,
        HealingCache(ttl=3_600) as memory,
        HealingCache(ttl=3_600, backend=tier) as fronted,
    ):

        def plain(n: int) -> int:
            return n

        async def coloured(n: int) -> int:
            return n

        found = {}
        for colour, fn in (("sync", plain), ("async", coloured)):
            pair = [memory(name=colour)(fn), fronted(name=colour)(fn)]
            best = [float("inf")] * 2

            async def go(pair: list[Any] = pair, best: list[float] = best) -> None:
                for f in pair:
                    done = f.set(1, 1), f(1), f(1)
                    for each in done if fn is coloured else ():
                        await each
                for _ in range(rounds):
                    for i, f in enumerate(pair):
                        took = await atimed(f, calls) if fn is coloured else timed(f, calls)
                        best[i] = min(best[i], took)

            asyncio.run(go())
            found[colour] = (best[0], best[1])
        return found


def main() -> int:
    missed = 0
    server = Server("valkey")
    try:
        print(f"Python {platform.python_version()}")
        for colour, (memory, front) in measure(server.url).items():
            missed += front / memory > BUDGET
            print(
                f"{colour}: memory {memory:.0f} ns, in front {front:.0f} ns: {front / memory:.2f}"
            )
    finally:
        server.close()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
