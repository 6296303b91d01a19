"""What a hit asks of the server, counted there; what it costs is the benchmark's, which runs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import redis

from oob_heal import HealingCache
from oob_heal.backends.redis import RedisBackend
from tests.benchmarks.redis_hit import measure
from tests.redis.servers import PATIENT, Server

READS = 50


def asked(server: Server) -> Counter[str]:
    """How often the server did each command."""
    with redis.Redis(port=server.port) as client:
        seen: Any = client.info("commandstats")
    return Counter({name: told["calls"] for name, told in seen.items()})


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_read_is_one_command_and_nothing_else(server: Server, colour: str) -> None:
    with (
        RedisBackend(server.url, deadline=PATIENT) as backend,
        HealingCache(backend=backend) as cache,
    ):

        @cache(ttl=3_600, name="hit")
        def f(n: int) -> str:
            return "x" * 200

        f.heal_now(1)
        held: Any = f
        (key,) = held._oob_heal_core.shelf._outward("get", (f.cache_key(1),))
        assert backend.get(key) is not None

        async def in_a_loop() -> None:
            for _ in range(READS):
                await backend.aio.get(key)

        def here() -> None:
            for _ in range(READS):
                backend.get(key)

        reads: Callable[[], Any] = here if colour == "sync" else lambda: asyncio.run(in_a_loop())
        before = asked(server)
        reads()
        done = asked(server) - before
        assert done.pop("cmdstat_get") == READS
        assert done.total() < READS, f"beside the rounds: {done}"


def test_the_benchmark_of_a_hit_runs(server: Server) -> None:
    assert set(measure(server, rounds=1, calls=3)) == {"sync", "async"}
