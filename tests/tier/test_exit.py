"""A process over a backend that processes share, forked and at its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from oob_heal.backends.redis import RedisBackend
from oob_heal.backends.tiered import TieredBackend
from tests.children import run_python
from tests.redis.servers import PATIENT, Server
from tests.waiting import wait_until

SCRIPT = """
import threading, time
from oob_heal import HealingCache, _lifecycle
from oob_heal.backends.redis import RedisBackend
from oob_heal.backends.sqlite import SqliteBackend
from oob_heal.backends.tiered import TieredBackend

class Unlucky(list):  # a weak set has no order of its own: here what is made first comes first
    add = list.append

_lifecycle._closing = Unlucky()
backend = {backend}
cache = HealingCache(backend=backend)
begun = threading.Event()

@cache(ttl=3600, name="last", default=None)
def f(n: int) -> int:
    begun.set()
    time.sleep(0.1)
    return n

f(1)
assert begun.wait(10)
"""
MADE = {
    "redis": "RedisBackend({at!r}, deadline=10.0)",
    "tier": "TieredBackend(RedisBackend({at!r}, deadline=10.0))",
    "sqlite": "SqliteBackend({at!r}, deadline=10.0)",
}


@pytest.mark.parametrize("kind", MADE)
def test_what_is_still_healing_at_the_end_of_a_process_is_stored(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:  # H14 H25
    at = str(tmp_path / "c.db") if kind == "sqlite" else request.getfixturevalue("valkey").url
    made = MADE[kind].format(at=at)
    run_python(SCRIPT.format(backend=made))
    again = SCRIPT.split("f(1)", maxsplit=1)[0] + "print(f.peek(1).value)\n"
    assert run_python(again.format(backend=made)) == "1\n"


def test_a_tier_whose_ear_is_connecting_is_closed_within_its_grace(
    valkey: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # H25
    answers, connecting = threading.Event(), threading.Event()
    with RedisBackend(valkey.url, deadline=PATIENT) as shared:
        shared.now()
        really = shared._keeper.source.connect

        def hangs(name: str, timeout: float) -> object:
            if threading.current_thread().name == "oob-heal-news":
                connecting.set()
                answers.wait(10)
            return really(name, timeout)

        monkeypatch.setattr(shared._keeper.source, "connect", hangs)
        tier = TieredBackend(shared)
        tier.follow("scope")
        assert connecting.wait(10)
        listening = tier._news._thread
        start = time.monotonic()
        tier.close(0)
        assert time.monotonic() - start < 0.5
        answers.set()
        wait_until(lambda: not listening.is_alive())
        assert tier._news._line is None


FORKED = """
import os, signal, sys, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads: what is tested
from oob_heal import HealingCache
from oob_heal.backends.redis import RedisBackend
from oob_heal.backends.tiered import TieredBackend

shared = RedisBackend({url!r}, deadline=5.0)
tier = TieredBackend(shared)
cache = HealingCache(backend=tier)

@cache(ttl=3600, name="forked.away", default=-1)
def f(n: int) -> int:
    return n

f.set(1, 1)
while not len(tier.near):  # news that begin just now keep the first answer out of the front
    assert f(1) == 1
os.kill({server}, signal.SIGKILL)
pid = os.fork()
if pid == 0:
    os._exit(0 if f(1) == 1 else 3)
_, status = os.waitpid(pid, 0)
assert os.waitstatus_to_exitcode(status) == 0, os.waitstatus_to_exitcode(status)
cache.close()
tier.close()
shared.close()
"""


def test_a_child_forked_while_the_store_is_away_serves_what_is_in_front(
    own_server: Callable[..., Server],
) -> None:  # H18 H22
    server = own_server("valkey")
    assert server.process is not None
    run_python(FORKED.format(url=server.url, server=server.process.pid), silent=False)
