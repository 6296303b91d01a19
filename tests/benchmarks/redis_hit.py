"""A hit on Redis beside a bare redis-py GET of the same bytes; run it as a script.

Prints ratios, side by side in one run, for Redis and Valkey, sync and async: the backend's own
read, and the whole decorated call with key, seal and codec. The budget is 1.15 for the former;
``tests/redis/test_hit.py`` counts what is asked, and runs this for a moment.
"""

from __future__ import annotations

import asyncio
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import redis
import redis.asyncio

from oob_heal import HealingCache
from oob_heal.backends.redis import RedisBackend
from tests.redis.servers import KINDS, Server, binary

ROUNDS, CALLS = 15, 1_500
BUDGET = 1.15  # of a bare GET

Row = tuple[float, float, float]  # us: a bare GET, the backend's read, the whole call


class Ratios(NamedTuple):
    """Medians of many rounds: us of a bare GET, and how many of it the others take."""

    bare: float
    read: float
    call: float


def ratios(rounds: list[Row]) -> Ratios:
    """Each round is its own yardstick, so that a busy moment disturbs all three."""
    bare, *others = zip(*rounds, strict=True)
    read, call = (
        statistics.median(b / a for a, b in zip(bare, each, strict=True)) for each in others
    )
    return Ratios(statistics.median(bare), read, call)


def timed(call: Callable[[], Any], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls * 1e6


async def atimed(call: Callable[[], Any], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        await call()
    return (time.perf_counter() - start) / calls * 1e6


def main() -> int:
    """Print the ratios; 1 if one is over the budget."""
    version = platform.python_version()
    print(f"CPython {version}, redis-py {redis.__version__}, median of {ROUNDS} x {CALLS} calls")
    over = False
    for kind in KINDS:
        if binary(kind) is None:
            print(f"{kind}: absent")
            continue
        server = Server(kind)
        try:
            for colour, found in measure(server, ROUNDS, CALLS).items():
                over |= found.read > BUDGET
                print(
                    f"{kind:7} {colour:6} bare GET {found.bare:6.1f} us   backend.get "
                    f"{found.read:.2f} x   decorated call {found.call:.2f} x"
                )
        finally:
            server.close()
    print(f"budget of backend.get: {BUDGET} x: {'MISSED' if over else 'held'}")
    return int(over)


def measure(server: Server, rounds: int, calls: int) -> dict[str, Ratios]:
    """The same bytes read in three ways, turn by turn, by each colour."""
    with RedisBackend(server.url, deadline=5.0) as backend, HealingCache(backend=backend) as cache:

        @cache(ttl=3600, name="hit")
        def plain(n: int) -> str:
            return "x" * 200

        @cache(ttl=3600, name="ahit")
        async def coloured(n: int) -> str:
            return "x" * 200

        plain.heal_now(1)
        asyncio.run(coloured.heal_now(1))
        f: Any = plain
        (key,) = f._oob_heal_core.shelf._outward("get", (plain.cache_key(1),))
        sealed = backend.get(key)
        assert sealed is not None
        with redis.Redis(port=server.port) as client:
            client.set("bare", sealed)
            ways = (lambda: client.get("bare"), lambda: backend.get(key), lambda: plain(1))
            sync: list[Any] = [tuple(timed(way, calls) for way in ways) for _ in range(rounds)]

        async def in_a_loop() -> list[Any]:
            async with redis.asyncio.Redis(port=server.port) as client:
                ways = (
                    *(lambda: client.get("bare"), lambda: backend.aio.get(key)),
                    lambda: coloured(1),
                )
                return [[await atimed(way, calls) for way in ways] for _ in range(rounds)]

        return {"sync": ratios(sync), "async": ratios(asyncio.run(in_a_loop()))}


if __name__ == "__main__":
    sys.exit(main())
