"""Whatever befalls the server, callers have their answer, and the dependency its peace.  # H18

Each fault lasts seconds in the usual run and a minute with OOB_HEAL_FULL=1, under 200 callers a
second in both colours. The usual run shares its machine with who knows whom: it asserts what
does not depend on that (no error, the dependency's load, that the breaker opens, that all heals)
and bounds the slowest answer far above the deadline; the shares in milliseconds are the minute's.
A yardstick beside the callers tells what the machine adds to any wait. To see the minute's figures:

    OOB_HEAL_FULL=1 pytest tests/redis/test_faults.py -rP
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from oob_heal.backends.redis import RedisBackend
from tests.amounts import FULL, PLANTED
from tests.redis.load import (
    KEYS,
    RATE,
    TTL,
    Load,
    Yardstick,
    descriptors,
    overloaded,
    percentile,
    share,
    wait_for,
)
from tests.redis.proxy import Proxy
from tests.redis.servers import Server, free_port

LASTS = 60.0 if FULL else 1.2  # s of each fault
CALM = 2.0 if FULL else 0.2  # s before it
FRESH_WITHIN = 2.0 if FULL else 8.0 if PLANTED else 15.0  # s after it
WARM_WITHIN = 30.0  # s before it, which is no part of what is tried
SLOWEST = 0.5 if FULL else 5.0  # s
DISTURBED = 0.005  # s: half of what 60 ms leave above the deadline


class Site:
    """What a fault may be done to."""

    def __init__(self, server: Server, proxy: Proxy) -> None:
        self.server = server
        self.proxy = proxy


def for_a_while(again: Callable[[], Any], every: float) -> None:
    until = time.monotonic() + LASTS
    while time.monotonic() < until:
        again()
        time.sleep(every)


def killed(site: Site) -> None:
    site.server.kill()
    time.sleep(LASTS)
    site.server.start()


def stopped(site: Site) -> None:
    site.server.pause()
    time.sleep(LASTS)
    site.server.resume()


def client_pause(site: Site) -> None:
    site.server.say("CLIENT", "PAUSE", str(int(LASTS * 1000)), "ALL")
    time.sleep(LASTS)


def black_hole(site: Site) -> None:
    site.proxy.mode = "hole"
    time.sleep(LASTS)
    site.proxy.mode = "pass"


def reset(site: Site) -> None:
    site.proxy.cut()
    time.sleep(LASTS)
    site.proxy.mode = "pass"


def drip(site: Site) -> None:
    site.proxy.mode = "drip"
    time.sleep(LASTS)
    site.proxy.mode = "pass"


def maxmemory(site: Site) -> None:
    site.server.say("CONFIG", "SET", "maxmemory", "1")
    time.sleep(LASTS)
    site.server.say("CONFIG", "SET", "maxmemory", "0")


def script_flush(site: Site) -> None:
    with redis.Redis(port=site.server.port) as client:
        for_a_while(lambda: client.execute_command("SCRIPT", "FLUSH"), 0.02)


def flushall(site: Site) -> None:
    for_a_while(lambda: site.server.say("FLUSHALL"), LASTS)


def readonly(site: Site) -> None:
    site.server.say("REPLICAOF", "127.0.0.1", str(free_port()))
    time.sleep(LASTS)
    site.server.say("REPLICAOF", "NO", "ONE")


def wrong_type(site: Site) -> None:
    spoil = "for _, k in ipairs(redis.call('KEYS', '*')) do redis.call('DEL', k) "
    site.server.say("EVAL", spoil + "redis.call('LPUSH', k, 'another') end", "0")
    time.sleep(LASTS)


def flapping(site: Site) -> None:
    for _ in range(max(2, round(LASTS))):
        site.server.pause()
        time.sleep(0.5)
        site.server.resume()
        time.sleep(0.5)


FAULTS = [
    killed, stopped, client_pause, black_hole, reset, drip,
    maxmemory, script_flush, flushall, readonly, wrong_type, flapping,
]  # fmt: skip
KEEPS_READING = {"maxmemory", "script_flush", "flushall", "readonly", "wrong_type"}


@contextmanager
def loaded(server: Server) -> Iterator[tuple[Site, Load]]:
    """A service under load, warm, behind a proxy."""
    proxy = Proxy(server.port)
    backend = RedisBackend(proxy.url)
    load = Load(backend)
    load.start()
    try:
        wait_for(load.freshness(), WARM_WITHIN)
        yield Site(server, proxy), load
    finally:
        load.stop()
        backend.close()
        proxy.close()


@pytest.mark.timeout(200)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_callers_have_their_answer_while_redis_is(
    own_server: Callable[..., Server], fault: Callable[[Site], None]
) -> None:  # H18
    for left in (2, 1, 0):
        yardstick = Yardstick()
        try:
            trial(own_server, fault, yardstick)
            break
        except AssertionError as error:
            machine = percentile(yardstick.took or [0.0], 99.9)
            print(f"{fault.__name__}: {error}; p99.9 of the yardstick {machine * 1e3:.1f} ms")
            if not left or not (overloaded() or machine > DISTURBED):
                raise  # else once more: it was the machine, perhaps


def trial(
    own_server: Callable[..., Server], fault: Callable[[Site], None], yardstick: Yardstick
) -> None:
    with loaded(own_server("valkey")) as (site, load), yardstick:
        time.sleep(CALM)
        files, threads = descriptors(load.backend), threading.active_count()
        yardstick.took.clear()
        asked, began = len(load.asked), time.monotonic()
        calls = len(load.calls)
        fault(site)
        ended = time.monotonic()
        back = wait_for(load.freshness(), FRESH_WITHIN)
        wait_for(lambda: descriptors(load.backend) <= files + 8, FRESH_WITHIN)
        lasted = time.monotonic() - began
        met = load.calls[calls:]
        healed = len(load.asked) - asked
        grown = threading.active_count() - threads
        opened = descriptors(load.backend) - files
        bare = list(yardstick.took)
    print(
        f"{fault.__name__}: fresh after {back:.2f} s, {healed} heals in {lasted:.1f} s, "
        f"{grown:+} threads, {opened:+} descriptors; yardstick: {share(bare, 0.001):.2%} within "
        f"1 ms, p99.9 {percentile(bare, 99.9) * 1e3:.1f} ms, worst {max(bare) * 1e3:.1f} ms"
    )
    judge(fault.__name__, met, lasted, ended)
    extra = KEYS * 2 * (2 if fault in (flushall, wrong_type) else 1)
    assert healed <= 2 * KEYS * lasted / TTL + extra, "the dependency's load rose"
    assert grown <= 4, f"{grown} threads more than before"


def judge(name: str, met: list[Any], lasted: float, ended: float) -> None:
    errors = {repr(call.error) for call in met if call.error is not None}
    assert not errors, f"callers met {errors}"
    assert len(met) >= (0.8 if FULL else 0.2) * RATE * lasted, (
        f"only {len(met)} callers came in {lasted:.1f} s"
    )
    took = [call.took for call in met]
    p999, worst = percentile(took, 99.9), max(took)
    at_once = [call.took for call in met if call.away and call.at < ended]
    print(
        f"{name}: {len(met)} callers, {share(took, 0.06):.2%} within 60 ms, p99.9 "
        f"{p999 * 1e3:.1f} ms, worst {worst * 1e3:.1f} ms; {len(at_once)} while away, "
        f"{share(at_once, 0.001):.1%} of them within 1 ms"
    )
    assert worst <= SLOWEST, f"the slowest caller waited {worst:.3f} s"
    if FULL:
        assert share(took, 0.06) >= 0.99
        assert p999 <= 0.06
    if name not in KEEPS_READING:
        assert at_once, "the breaker never opened"
    if FULL and at_once:
        assert share(at_once, 0.001) >= 0.95  # the rest waited for this machine, not for redis
