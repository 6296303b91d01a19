"""A hit on Redis beside a bare redis-py GET of the same bytes; run it as a script.

Prints ratios, side by side in one run, for Redis and Valkey, sync and async: the backend's own
read, and the whole decorated call with key, seal and codec. The budget is 1.15 for the former.
"""

from __future__ import annotations

import asyncio
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import redis
import redis.asyncio

from oob_heal import HealingCache
from oob_heal.backends.redis import RedisBackend
from tests.redis.servers import KINDS, Server, binary

ROUNDS, CALLS = 15, 1_500


def timed(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - start) / CALLS * 1e6


async def atimed(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    for _ in range(CALLS):
        await call()
    return (time.perf_counter() - start) / CALLS * 1e6


def show(kind: str, colour: str, rounds: list[tuple[float, float, float]]) -> None:
    bare, read, call = (statistics.median(each) for each in zip(*rounds, strict=True))
    ratios = [statistics.median(row[i] / row[0] for row in rounds) for i in (1, 2)]
    print(
        f"{kind:7} {colour:6} bare GET {bare:6.1f} us   backend.get {read:6.1f} us = "
        f"{ratios[0]:.2f} x   decorated call {call:6.1f} us = {ratios[1]:.2f} x"
    )


def main() -> None:
    version = platform.python_version()
    print(f"CPython {version}, redis-py {redis.__version__}, median of {ROUNDS} x {CALLS} calls")
    for kind in KINDS:
        if binary(kind) is None:
            print(f"{kind}: absent")
            continue
        server = Server(kind)
        try:
            measure(kind, server)
        finally:
            server.close()


def measure(kind: str, server: Server) -> None:
    with RedisBackend(server.url, deadline=5.0) as backend, HealingCache(backend=backend) as cache:

        @cache(ttl=3600, name="hit")
        def plain(n: int) -> str:
            return "x" * 200

        @cache(ttl=3600, name="ahit")
        async def coloured(n: int) -> str:
            return "x" * 200

        client = redis.Redis(port=server.port)
        plain.heal_now(1)
        asyncio.run(coloured.heal_now(1))
        f: Any = plain
        shelf = f._oob_heal_core.shelf
        (key,) = shelf._outward("get", (plain.cache_key(1),))
        sealed = backend.get(key)
        assert sealed is not None
        client.set("bare", sealed)
        show(
            kind,
            "sync",
            [
                (
                    timed(lambda: client.get("bare")),
                    timed(lambda: backend.get(key)),
                    timed(lambda: plain(1)),
                )
                for _ in range(ROUNDS)
            ],
        )
        client.close()

        async def both() -> list[tuple[float, float, float]]:
            aclient = redis.asyncio.Redis(port=server.port)
            rows = [
                (
                    await atimed(lambda: aclient.get("bare")),
                    await atimed(lambda: backend.aio.get(key)),
                    await atimed(lambda: coloured(1)),
                )
                for _ in range(ROUNDS)
            ]
            await aclient.aclose()
            return rows

        show(kind, "async", asyncio.run(both()))


if __name__ == "__main__":
    main()
