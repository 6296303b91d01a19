"""A connection whose caller went away is never used again: no one gets another's reply.  # H03

Two positive controls: a link that is kept is noticed here (a planted fault), and on demand
(OOB_HEAL_FULL=1) a redis-py that keeps its connections goes through the same proxy.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oob_heal.backends.redis import RedisBackend
from tests.amounts import FULL
from tests.redis.proxy import Proxy
from tests.redis.servers import Server
from tests.redis.test_backend import entry, key

KEYS = 20
CANCELLED = 2_000
AT_ONCE = 25
OLD = "redis==4.5.1"  # before its 4.5.3, which closes them: CVE-2023-28858


@pytest.fixture
def delayed(valkey: Server) -> Iterator[tuple[RedisBackend, Proxy]]:
    """A backend behind a proxy, with entries in it."""
    proxy = Proxy(valkey.port)
    with RedisBackend(proxy.url, deadline=40.0) as backend:
        for n in range(KEYS):
            backend.set(key(n), entry(n, b"%d" % n), 600)
        yield backend, proxy
    proxy.close()


@pytest.mark.timeout(180)  # each cancelled caller costs a connection
def test_two_thousand_cancelled_callers_leave_no_foreign_reply(
    delayed: tuple[RedisBackend, Proxy],
) -> None:
    backend, proxy = delayed
    chance = random.Random(3)
    proxy.delay = lambda: chance.random() * 0.001
    seen = {"cancelled": 0, "answered": 0}

    async def read(n: int) -> None:
        got = await backend.aio.get(key(n))
        assert got == entry(n, b"%d" % n), "another key's reply"
        seen["answered"] += 1

    async def cancelled(number: int) -> None:
        task = asyncio.create_task(read(number % KEYS))
        await asyncio.sleep(chance.random() * 0.004)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            seen["cancelled"] += 1

    async def worker(number: int) -> None:
        while seen["cancelled"] < CANCELLED:
            await cancelled(number)
            await read((number + 1) % KEYS)

    async def main() -> None:
        await asyncio.gather(*(worker(number) for number in range(AT_ONCE)))

    asyncio.run(main())
    print(f"ours: {seen}, 0 foreign")
    assert seen["cancelled"] >= CANCELLED
    assert seen["answered"] >= CANCELLED


@pytest.mark.timeout(300)
@pytest.mark.skipif(not FULL, reason="on demand: OOB_HEAL_FULL=1")
def test_the_same_proxy_makes_an_old_redis_py_hand_out_foreign_values(
    valkey: Server, tmp_path: Path
) -> None:
    """The positive control: else the test above could pass by asking too gently."""
    python = str(tmp_path / "bin" / "python")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path)], check=True)
    install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", OLD]
    if subprocess.run(install, check=False, capture_output=True).returncode:
        pytest.skip(f"{OLD} does not install here")
    proxy = Proxy(valkey.port)
    chance = random.Random(3)
    proxy.delay = lambda: chance.random() * 0.001
    for n in range(KEYS):
        valkey.say("SET", f"k{n}", str(n))
    script = str(Path(__file__).with_name("old_client.py"))
    done = subprocess.run(
        [python, "-I", script, str(proxy.port), str(CANCELLED)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    proxy.close()
    seen = json.loads(done.stdout)
    print(f"{OLD}: {seen}")
    assert seen["cancelled"] >= CANCELLED
    assert seen["foreign"] > 0


def test_callers_that_ran_out_of_time_leave_no_foreign_reply(valkey: Server) -> None:
    proxy = Proxy(valkey.port)
    chance = random.Random(4)
    with RedisBackend(valkey.url, deadline=5.0) as direct:
        for n in range(KEYS):
            direct.set(key(n), entry(n, b"%d" % n), 600)
    backend = RedisBackend(proxy.url, deadline=0.02)
    late, right = [0], [0]
    wrong: list[Any] = []

    def work(number: int) -> None:
        n = number
        while (late[0] < 20 or right[0] < 200) and time.monotonic() < until:
            n = (n + 1) % KEYS
            try:
                got = backend.get(key(n))
            except ConnectionError as error:
                late[0] += "TimeoutError" in str(error)
                time.sleep(0.002)
                continue
            if got != entry(n, b"%d" % n):
                wrong.append((n, got))
            right[0] += 1

    until = time.monotonic() + 20
    proxy.delay = lambda: 0.03 if chance.random() < 0.05 else 0.0
    threads: list[Any] = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    backend.close()
    proxy.close()
    assert wrong == []
    assert late[0] >= 20
    assert right[0] >= 200
