"""A breaker that processes share on a real server: one finds out, one probes, all go on.

Two caches with the server's time in the test's hands, and two processes with none.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from oob_heal import Breaker, Dependency, HealingCache, Outcome
from oob_heal.backends.redis import RedisBackend
from oob_heal.testing import ManualExecutor
from tests.children import ROOT
from tests.model.shared_breaker import PROMISES
from tests.redis.servers import PATIENT, Server
from tests.redis.timed import Timed, under_the_tests_clock
from tests.waiting import wait_until


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_two_caches_on_one_server_share_a_breaker(
    server: Server, colour: str, promise: Any, monkeypatch: pytest.MonkeyPatch
) -> None:  # H17
    under_the_tests_clock(monkeypatch)
    with contextlib.closing(Timed(server)) as place:
        promise(place, colour)


OTHER = """
import sys
import redis
from oob_heal import Breaker, Dependency, HealingCache
from oob_heal.backends.redis import RedisBackend
from oob_heal.testing import ManualExecutor

tally = redis.Redis.from_url(sys.argv[1])
executor = ManualExecutor()
backend = RedisBackend(sys.argv[1], deadline=10.0)
cache = HealingCache(backend=backend, executor=executor, namespace="breaker")
DB = Dependency("db", breaker=Breaker(failures=1, open_for=float(sys.argv[2])))

@cache(ttl=3600, name="f", default=-1, dependency=DB)
def f(n: int) -> int:
    tally.incr("calls")
    return n

for line in sys.stdin:
    f.heal(int(line))
    print(executor.run_next().value if executor.pending else "quiet", flush=True)
"""


@contextlib.contextmanager
def another_process(server: Server, open_for: float) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-c", OTHER, server.url, str(open_for)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def heals(process: subprocess.Popen[str], n: int) -> str:
    """How a heal of this key ends there."""
    assert process.stdin is not None
    assert process.stdout is not None
    print(n, file=process.stdin, flush=True)
    return process.stdout.readline().strip()


@pytest.mark.parametrize("open_for", [3_600.0, 1e-6], ids=["open", "half-open"])
def test_of_two_processes_one_finds_out_and_one_probes(
    valkey: Server, open_for: float
) -> None:  # H17
    db = Dependency("db", breaker=Breaker(failures=1, open_for=open_for))
    executor, failing = ManualExecutor(), [True]
    with (
        another_process(valkey, open_for) as other,
        RedisBackend(valkey.url, deadline=PATIENT) as backend,
        HealingCache(backend=backend, executor=executor, namespace="breaker") as cache,
    ):

        @cache(ttl=3_600, name="f", default=-1, dependency=db, heal_timeout=600)
        def f(n: int) -> int:
            if failing:
                raise ConnectionError
            return n

        f.heal(0)
        assert executor.run_next() is Outcome.FAILED
        if open_for < 1:  # its time is over already, and the probe is under way
            f.heal(1)
            probe = executor.step_next()
            while probe.due != "call":
                assert probe.next() is not None
        assert [heals(other, n) for n in range(10, 15)] == ["refused"] * 5
        assert valkey.say("GET", "calls") is None
        if open_for < 1:
            failing.clear()
            assert probe.run() is Outcome.HEALED
            numbers = iter(range(100, 100_000))
            wait_until(lambda: heals(other, next(numbers)) == "healed")
            f.heal(2)
            assert executor.run_next() is Outcome.HEALED
