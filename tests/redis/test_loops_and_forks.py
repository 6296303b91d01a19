"""One backend in threads, in loops that come and go, under trio, and on both sides of a fork."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
import trio
import uvloop

from oob_heal.backends.redis import RedisBackend
from tests.amounts import FULL
from tests.redis.servers import Server
from tests.redis.test_backend import SCOPE, entry, key

ROOT = Path(__file__).resolve().parents[2]

FORKS = """
import logging, os, sys, threading, time, warnings
logging.getLogger("oob_heal").setLevel(logging.ERROR)  # 16 threads of new keys may be shed
warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads: what is tested
from oob_heal import HealingCache
from oob_heal.backends.redis import RedisBackend

backend = RedisBackend(sys.argv[1], deadline=5.0)
cache = HealingCache(backend=backend)

@cache(ttl=3600, name="forked", default=-1)
def source(n: int) -> int:
    return n

end = threading.Event()

def work(number):
    n = number * 1_000_000
    while not end.is_set():
        n += 1
        source(n)
        time.sleep(0.002)

threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(16)]
for thread in threads:
    thread.start()
time.sleep(0.2)
for generation in range(int(sys.argv[2])):
    children = []
    for child in range(8):
        pid = os.fork()
        if pid == 0:
            n = -1 - generation * 8 - child
            start = time.monotonic()
            source(n)
            while source.peek(n) is None:
                if time.monotonic() - start > 1.0 + float(sys.argv[3]):
                    os._exit(3)
                time.sleep(0.002)
            links = sum(len(pool.links) for pool in backend._keeper.pools.values())
            os._exit(0 if links <= 4 else 4)
        children.append(pid)
    for pid in children:
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0, os.waitstatus_to_exitcode(status)
end.set()
for thread in threads:
    thread.join(5)
source(0)
cache.close()
backend.close()
"""


@pytest.fixture
def backend(valkey: Server) -> Iterator[RedisBackend]:
    with RedisBackend(valkey.url, deadline=5.0) as made:
        yield made


async def read_and_write(backend: RedisBackend, n: int) -> None:
    await backend.aio.set(key(n), entry(n), 60)
    assert await backend.aio.get(key(n)) == entry(n)


def test_connections_outlive_the_loops_that_used_them(backend: RedisBackend) -> None:  # H23
    for n in range(5):
        asyncio.run(read_and_write(backend, n))
        uvloop.run(read_and_write(backend, n))
        trio.run(read_and_write, backend, n)
        assert backend.get(key(n)) == entry(n)
    assert len(backend._keeper.pools[""].links) == 1


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_more_callers_than_connections_wait_their_turn(backend: RedisBackend, kind: str) -> None:
    backend._keeper.pools[""].most = 3
    backend.set(key(1), entry(1), 60)
    right = []

    async def read() -> None:
        right.append(await backend.aio.get(key(1)) == entry(1))

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(300):
                group.start_soon(read)

    threads = [
        threading.Thread(target=lambda: right.append(backend.get(key(1)) == entry(1)))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    anyio.run(main, backend=kind)
    for thread in threads:
        thread.join(10)
    assert right == [True] * 316
    assert len(backend._keeper.pools[""].links) <= 3


def test_a_caller_that_is_cancelled_in_the_queue_passes_its_turn_on(backend: RedisBackend) -> None:
    pool = backend._keeper.pools[""]
    pool.most = 1
    backend.get(key(1))
    lent = pool.idle.pop()

    async def main() -> None:
        first = asyncio.create_task(backend.aio.get(key(1)))
        second = asyncio.create_task(backend.aio.get(key(1)))
        await asyncio.sleep(0.01)
        pool.give(lent)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert await asyncio.wait_for(second, 2) is None

    asyncio.run(main())


def test_two_deadlines_of_waiting_are_one(valkey: Server) -> None:  # H18
    with RedisBackend(valkey.url) as backend:
        backend.get(key(1))
        pool = backend._keeper.pools[""]
        pool.most = 1
        pool.idle.pop()
        with pytest.raises(ConnectionError, match="no connection"):
            backend.get(key(1))
        with pytest.raises(ConnectionError, match="no connection"):
            asyncio.run(backend.aio.get(key(1)))
        assert pool.trouble is None, "being busy is not the server's fault"


@pytest.mark.timeout(1_000 if FULL else 60)
def test_both_sides_of_a_fork_go_on(valkey: Server) -> None:  # H22
    # Each child heals within 1 s; 2 s more for a machine whose two cores run 25 processes.
    words = [sys.executable, "-c", FORKS, valkey.url, "200" if FULL else "4", "2.0"]
    done = subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, timeout=900 if FULL else 50, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_scope_that_is_cleared_by_an_async_caller_is_cleared(backend: RedisBackend) -> None:
    backend.set(key(1), entry(1), 60)
    asyncio.run(backend.aio.clear(SCOPE))
    assert backend.get(key(1)) is None
