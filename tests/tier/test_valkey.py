"""The tier over a real server, by its own clock: news, and what becomes of those that are lost."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from oob_heal import HealingCache
from oob_heal.backends import _redis_rounds
from oob_heal.backends.redis import RedisBackend
from oob_heal.backends.tiered import TieredBackend
from tests.children import ROOT, run_python
from tests.held import FULL
from tests.redis.servers import PATIENT, Server
from tests.waiting import wait_until

LOSING = """
import random, sys, time, redis
from oob_heal import HealingCache
from oob_heal.backends.redis import RedisBackend
from oob_heal.backends.tiered import TieredBackend

url, number, seconds, front_life = sys.argv[1], *map(float, sys.argv[2:])
KEYS, chance = 5, random.Random(number)
truth = redis.Redis.from_url(url)
shared = RedisBackend(url, deadline=10.0)
tier = TieredBackend(shared, front_life=front_life)
hear, heard, lost = tier._news._hear, 0, 0

def losing(verb, name, which=""):
    global heard, lost
    if verb != "missed" and chance.random() < 0.1:
        lost += 1
    else:
        heard += 1
        hear(verb, name, which)

tier._news._hear = losing
get, looks = tier.get, 0

def counted(key):
    global looks
    looks += 1
    return get(key)

tier.get = counted
cache = HealingCache(backend=tier)

@cache(ttl=3600, jitter=0, max_stale=3600, name="losing")
def source(n: int) -> int:
    raise RuntimeError("everything is written")

def now():
    return time.monotonic()  # one machine: the same for all processes

if number == 0:
    for n in range(KEYS):
        source.set(0, n)
truth.incr("ready")
while int(truth.get("ready")) < 4:
    time.sleep(0.002)
until, reads, writes = now() + seconds, 0, 0
while now() < until:
    n = chance.randrange(KEYS)
    if chance.random() < 0.02:
        with truth.lock(f"writing {n}", timeout=30, sleep=0.001):
            value = truth.incr("values")
            source.set(value, n)
            assert source(n) == value, "here it is known at once"
            truth.zadd(f"written {n}", {str(value): now()})
        writes += 1
        continue
    began = now()
    served = source(n)
    reads += 1
    # Written more than front_life before the read began, and newer than what was served: none.
    newest = truth.zrangebyscore(f"written {n}", "-inf", began - front_life)
    newest = max(map(int, newest), default=0)
    if served < newest:
        print(f"served {served} of {n}, and {newest} was written long before")
        sys.exit(1)
    time.sleep(0.0005)
print(reads, looks, writes, heard, lost)
cache.close()
tier.close()
shared.close()
"""


@pytest.mark.timeout(120)
def test_four_processes_that_lose_a_tenth_of_the_news_serve_nothing_older_than_front_life(
    valkey: Server,
) -> None:
    seconds, front_life = ("30", "0.5") if FULL else ("1.5", "0.2")
    fleet = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", LOSING, valkey.url, str(n), seconds, front_life],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(4)
    ]
    said = [process.communicate(timeout=100) for process in fleet]
    assert [err for _, err in said] == [""] * 4, said
    assert [process.returncode for process in fleet] == [0] * 4, said
    reads, looks, writes, heard, lost = (
        sum(each) for each in zip(*(map(int, out.split()) for out, _ in said), strict=True)
    )
    assert min(writes, heard, lost) > 0
    assert 0 < looks < reads / 2, "the fronts were hardly asked"


def test_news_reach_another_process_before_its_front_life(valkey: Server) -> None:
    with contextlib.ExitStack() as stack:
        fs = []
        for _ in range(2):
            shared = stack.enter_context(RedisBackend(valkey.url, deadline=PATIENT))
            tier = stack.enter_context(TieredBackend(shared, front_life=3_600))
            cache = stack.enter_context(HealingCache(backend=tier))

            @cache(ttl=3_600, name="told", default=0)
            def f(n: int) -> int:
                return 1

            fs.append(f)
        here, there = fs
        here.set(2, 1)
        wait_until(lambda: there(1) == 2)
        followed = there._oob_heal_core.shelf.backend._news
        wait_until(lambda: followed._line is not None and followed._line.asked)
        there(1)
        for value in range(3, 20):
            here.set(value, 1)
            wait_until(lambda value=value: there(1) == value)
        here.invalidate(1)
        wait_until(lambda: there.peek(1) is None)
        here.set(5, 1)
        wait_until(lambda: there(1) == 5)
        here.cache_clear()
        wait_until(lambda: there.peek(1) is None)


def test_a_writers_own_news_leave_in_its_front_what_it_read(valkey: Server) -> None:
    with (
        RedisBackend(valkey.url, deadline=PATIENT) as shared,
        TieredBackend(shared, front_life=3_600) as tier,
        HealingCache(backend=tier) as cache,
    ):

        @cache(ttl=3_600, name="own.news", default=0)
        def f(n: int) -> int:
            return 1

        heard: list[tuple[str, str]] = []
        hear = tier._news._hear
        tier._news._hear = lambda verb, *about: (hear(verb, *about), heard.append((verb, *about)))
        f.set(1, 0)
        f(0)
        wait_until(lambda: any(verb == "missed" for verb, *_ in heard))
        for n in range(1, 11):
            f.set(n, n)
            assert f(n) == n
        wait_until(lambda: sum(verb == "set" for verb, *_ in heard) >= 10)
        zero = f.cache_key(0)  # it may have been read after what was missed
        assert [key.token for key in tier.near._held if key != zero and tier.near.young(key)] == [
            *(f.cache_key(n).token for n in range(1, 11))
        ]


def test_a_front_whose_news_broke_off_looks_at_everything_again(
    own_server: Any,
) -> None:
    server = own_server("valkey")
    with (
        RedisBackend(server.url, deadline=PATIENT) as shared,
        TieredBackend(shared, front_life=3_600) as tier,
        HealingCache(backend=tier) as cache,
    ):

        @cache(ttl=3_600, name="broken.off", default=0)
        def f(n: int) -> int:
            return 1

        f.set(2, 1)
        assert f(1) == 2
        wait_until(lambda: tier._news._line is not None and tier._news._line.asked)
        f(1)
        server.kill()
        assert f(1) == 2, "while the server is away the front serves"
        server.start()  # empty: a flush is told by nobody
        wait_until(lambda: f.peek(1) is None)


@contextlib.contextmanager
def listening(server: Server) -> Iterator[tuple[TieredBackend, Any, Any]]:
    """A tier that hears the news, a function over it that answers 2 for 1, and the same function of
    a process without a front."""
    with (
        RedisBackend(server.url, deadline=PATIENT) as shared,
        TieredBackend(shared, front_life=3_600) as tier,
        HealingCache(backend=tier) as cache,
        RedisBackend(server.url, deadline=PATIENT) as elsewhere,
        HealingCache(backend=elsewhere) as other,
    ):

        @cache(ttl=3_600, name="listening", default=0)
        def f(n: int) -> int:
            return 1

        theirs = other(ttl=3_600, name="listening", default=0)(f.__wrapped__)
        f.set(2, 1)
        assert f(1) == 2
        wait_until(lambda: tier._news._line is not None and tier._news._line.asked)
        yield tier, f, theirs


def test_what_was_written_while_nobody_listened_is_looked_for_when_somebody_does_again(
    valkey: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with listening(valkey) as (tier, f, theirs):
        with monkeypatch.context() as deaf:
            deaf.setattr(tier._news, "_connect", lambda: None)
            tier._news._line.link.sock.shutdown(socket.SHUT_RDWR)
            wait_until(lambda: tier._news._line is None)
            assert f(1) == 2
            theirs.set(3, 1)
            assert f(1) == 2, "nobody told it"
            theirs.cache_clear()
            wait_until(lambda: f.peek(1) is None)  # by the keeper's rounds, within a second
            f.set(4, 1)
            assert f(1) == 4
            theirs.set(5, 1)
        wait_until(lambda: f(1) == 5)


def test_a_clear_elsewhere_is_known_by_its_news_alone(
    valkey: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_redis_rounds, "REFRESH", 60.0)
    monkeypatch.setattr(_redis_rounds, "BELIEVED", 600.0)
    with listening(valkey) as (_, f, theirs):
        f(1)
        theirs.cache_clear()
        wait_until(lambda: f.peek(1) is None)


def test_dropping_a_tier_that_listens_warns(valkey: Server) -> None:
    with RedisBackend(valkey.url, deadline=PATIENT) as shared:
        tier = TieredBackend(shared)
        tier.follow("scope")
        with pytest.warns(ResourceWarning, match="dropped open"):
            del tier


FORKED = """
import os, sys, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads: what is tested
from oob_heal import HealingCache
from oob_heal.backends.redis import RedisBackend
from oob_heal.backends.tiered import TieredBackend

shared = RedisBackend({url!r}, deadline=10.0)
tier = TieredBackend(shared, front_life=3600)
cache = HealingCache(backend=tier)

@cache(ttl=3600, name="forked.tier", default=-1)
def f(n: int) -> int:
    return n

def becomes(value):
    until = time.monotonic() + 10
    while f(1) != value:
        assert time.monotonic() < until, f"it is {{f(1)}}, not {{value}}"
        time.sleep(0.001)

def listening():
    until = time.monotonic() + 10
    while tier._news._line is None or not tier._news._line.asked:
        assert time.monotonic() < until, "nobody listens"
        time.sleep(0.001)
    time.sleep(0.05)

f.set(1, 1)
becomes(1)
listening()
for generation in range(3):
    told, tells = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 3
        try:
            becomes(generation + 1)  # what the parent held, and a look
            listening()
            os.write(tells, b"r")
            becomes(generation + 2)  # news, heard by the child's own ear
            code = 0
        finally:
            os._exit(code)
    os.read(told, 1)
    f.set(generation + 2, 1)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, os.waitstatus_to_exitcode(status)
    becomes(generation + 2)
cache.close()
tier.close()
shared.close()
"""


def test_both_sides_of_a_fork_hear_the_news(valkey: Server) -> None:  # H22
    assert run_python(FORKED.format(url=valkey.url)) == ""
