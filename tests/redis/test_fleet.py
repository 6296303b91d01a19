"""Where processes meet: one heal a key for all of them.  # H19"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from oob_heal import HealingCache
from oob_heal.backends.redis import RedisBackend
from tests.redis.servers import PATIENT, Server
from tests.waiting import in_threads, wait_until

ROOT = Path(__file__).resolve().parents[2]

PROCESS = """
import sys, time, redis
from oob_heal import HealingCache
from oob_heal.backends.redis import RedisBackend

url, rounds = sys.argv[1], int(sys.argv[2])
tally = redis.Redis.from_url(url)
backend = RedisBackend(url, deadline=10.0)
cache = HealingCache(backend=backend)

@cache(ttl=3600, name="fleet.source", default=-1)
def source(n: int) -> int:
    tally.hincrby("calls", str(n), 1)
    return n

tally.incr("ready")
while int(tally.get("ready")) < int(sys.argv[3]):
    time.sleep(0.002)
for n in range(rounds):
    source(n)
    until = time.monotonic() + 20
    while source.peek(n) is None:
        assert time.monotonic() < until, "it never healed"
        time.sleep(0.001)
cache.close()
backend.close()
"""


def test_sixteen_threads_on_fifty_keys_heal_each_once(server: Server) -> None:
    with (
        RedisBackend(server.url, deadline=PATIENT) as backend,
        HealingCache(backend=backend) as cache,
    ):
        calls: Counter[int] = Counter()

        @cache(ttl=3600, name="fleet.threads", default=-1)
        def source(n: int) -> int:
            calls[n] += 1
            return n

        def work(number: int) -> None:
            for n in range(50):
                source((n + number) % 50)

        in_threads(16, work)
        wait_until(lambda: all(source.peek(n) is not None for n in range(50)))
        in_threads(16, work)
        assert calls == dict.fromkeys(range(50), 1)


def test_eight_processes_heal_each_key_of_two_hundred_rounds_once(valkey: Server) -> None:
    words = [sys.executable, "-c", PROCESS, valkey.url, "200", "8"]
    fleet = [subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(8)]
    try:
        ended = [process.communicate(timeout=50)[1] for process in fleet]
    finally:
        for process in fleet:
            process.kill()
            process.wait()
    assert [process.returncode for process in fleet] == [0] * 8, ended
    calls = valkey.say("HGETALL", "calls")
    assert {int(n): int(count) for n, count in calls.items()} == dict.fromkeys(range(200), 1)
