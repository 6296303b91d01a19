"""The tier over a real server: contract, reference model, orders, and processes that lose news.

In the usual run a part of them: 6 examples of the machine, every 48th of the 1,680 orders.
OOB_HEAL_FULL=1 runs 500 and all.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from oob_heal import HealingCache, Outcome
from oob_heal.backends import _redis_news, _redis_rounds
from oob_heal.backends.redis import RedisBackend
from oob_heal.backends.tiered import TieredBackend
from oob_heal.testing import BackendContract, ManualExecutor
from tests import test_orders as orders
from tests.children import ROOT, run_python
from tests.model.backends import BACKENDS
from tests.model.machine import Machine
from tests.redis.conftest import _running, own_server, valkey  # noqa: F401
from tests.redis.servers import Server
from tests.redis.test_contract import PATIENT, names
from tests.redis.test_model import InSync
from tests.redis.timed import Timed, under_the_tests_clock
from tests.test_state_machine import LOOK
from tests.tier.model import TimedTier
from tests.waiting import wait_until

FULL = os.environ.get("OOB_HEAL_FULL") == "1"
PLANTED = bool(os.environ.get("OOB_HEAL_PLANTED"))
EXAMPLES = 500 if FULL else 60 if PLANTED else 6
EVERY = 1 if FULL else 48


@pytest.mark.usefixtures("_timed")
@pytest.mark.parametrize("promised", names())
def test_the_tier_promises_that(valkey: Server, promised: str) -> None:  # noqa: F811
    with contextlib.ExitStack() as stack:
        places: list[Timed] = []

        def make(*_: Any) -> TieredBackend:
            return stack.enter_context(TieredBackend(places[-1].backend()))

        def fresh(*_: Any) -> TieredBackend:
            places.append(Timed(valkey))
            stack.callback(places[-1].close)
            return make()

        def advance(seconds: float) -> None:
            places[-1].clock.advance(seconds)

        contract = BackendContract(fresh, advance=advance, second=make)
        (promise,) = [each for each in contract.promises() if str(each) == promised]
        promise()


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    with contextlib.closing(asyncio.new_event_loop()) as made:
        yield made


@pytest.fixture
def _timed(monkeypatch: pytest.MonkeyPatch) -> None:
    under_the_tests_clock(monkeypatch)
    monkeypatch.setattr(_redis_news, "TURN", 0.002)
    monkeypatch.setattr(_redis_news, "AGAIN", 0.002)


@pytest.mark.timeout(1_800 if FULL else 60)
@pytest.mark.usefixtures("_timed")
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_whatever_happens_the_tier_does_what_the_model_says(
    valkey: Server,  # noqa: F811
    colour: str,
    loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # H06 H07 H13 H14 H18 H19 H28 H42
    places: list[TimedTier] = []

    def place() -> TimedTier:
        while places:
            places.pop().close()
        places.append(TimedTier(valkey))
        return places[-1]

    monkeypatch.setitem(BACKENDS, "tier", place)

    class Looking(Machine):
        pass

    Looking.kind, Looking.colour, Looking.loop = "tier", colour, loop
    try:
        run_state_machine_as_test(Looking, settings=settings(LOOK, max_examples=EXAMPLES))
    finally:
        for each in places:
            each.close()


class CaughtUp:
    """A decorated function whose front has heard all there is before each call."""

    def __init__(self, table: Table, f: Any) -> None:
        self._table = table
        self._f = f

    def __call__(self, *args: Any) -> Any:
        self._table.catch_up()
        return self._f(*args)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            self._table.catch_up()
        return getattr(self._f, name)


class Table(orders.Table):
    """Three processes with fronts on one real server."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop | None) -> None:
        self.place = TimedTier(server)
        self.clock = self.place.clock
        self.truth = Counter()
        self.loop = loop
        self.cores: list[Any] = []
        self.processes = [self._process(self.place.over(self.place.backend())) for _ in range(3)]
        self.leases = self  # type: ignore[assignment]

    def catch_up(self) -> None:
        self.place.catch_up([self])

    def __len__(self) -> int:
        return self.place.live_leases()

    def _process(self, backend: Any) -> orders.Process:
        process = super()._process(backend) if self.loop is None else self._coloured(backend)
        self.cores.append(process.f._oob_heal_core)
        return process._replace(f=CaughtUp(self, process.f))

    def _coloured(self, backend: Any) -> orders.Process:
        executor = ManualExecutor()
        cache = HealingCache(backend=backend, executor=executor, clock=self.clock)

        @cache(
            ttl=orders.TTL,
            max_stale=None,
            jitter=0,
            name="source",
            default=None,
            drop_on=orders.GoneError,
        )
        async def source(n: int) -> int:
            return self.truth[n]

        assert self.loop is not None
        return orders.Process(InSync(source, self.loop), executor)


@pytest.mark.timeout(1_800 if FULL else 60)
@pytest.mark.usefixtures("_timed")
@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize(
    "actors",
    [*(("heal", "heal", write) for write in orders.WRITES), ("heal", "drop", "set")],
    ids="-".join,
)
def test_a_write_during_two_heals_wins_in_every_order(
    valkey: Server,  # noqa: F811
    actors: tuple[str, ...],
    colour: str,
    loop: asyncio.AbstractEventLoop,
) -> None:  # H06, H07
    table = Table(valkey, loop if colour == "async" else None)
    outcomes: Counter[Outcome] = Counter()
    chosen = orders.ORDERS[::EVERY]
    try:
        for n, order in enumerate(chosen):
            outcomes += orders.Race(table, n, actors, stale=True).run(order)
            if n % 10 == 9:  # the leases of old keys would have to be counted at every step
                table.place.client.delete("none", *table.place.client.keys("*:l"))
    finally:
        table.place.close()
    assert outcomes.total() == 2 * len(chosen)
    assert min(outcomes[Outcome.HEALED], outcomes[Outcome.REFUSED]) > len(chosen) / 4


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
    valkey: Server,  # noqa: F811
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


def test_news_reach_another_process_before_its_front_life(valkey: Server) -> None:  # noqa: F811
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


def test_a_writers_own_news_leave_in_its_front_what_it_read(valkey: Server) -> None:  # noqa: F811
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
        assert [key.token for key in tier.near._held if tier.near.young(key)] == [
            *(f.cache_key(n).token for n in range(1, 11))
        ]


def test_a_front_whose_news_broke_off_looks_at_everything_again(
    own_server: Any,  # noqa: F811
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


def test_what_was_written_while_nobody_listened_is_looked_for_when_somebody_does_again(
    valkey: Server,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        RedisBackend(valkey.url, deadline=PATIENT) as shared,
        TieredBackend(shared, front_life=3_600) as tier,
        HealingCache(backend=tier) as cache,
        RedisBackend(valkey.url, deadline=PATIENT) as elsewhere,
        HealingCache(backend=elsewhere) as other,
    ):

        @cache(ttl=3_600, name="deaf", default=0)
        def f(n: int) -> int:
            return 1

        theirs = other(ttl=3_600, name="deaf", default=0)(f.__wrapped__)
        f.set(2, 1)
        assert f(1) == 2
        wait_until(lambda: tier._news._line is not None and tier._news._line.asked)
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
    valkey: Server,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_redis_rounds, "REFRESH", 60.0)
    monkeypatch.setattr(_redis_rounds, "BELIEVED", 600.0)
    with (
        RedisBackend(valkey.url, deadline=PATIENT) as shared,
        TieredBackend(shared, front_life=3_600) as tier,
        HealingCache(backend=tier) as cache,
        RedisBackend(valkey.url, deadline=PATIENT) as elsewhere,
        HealingCache(backend=elsewhere) as other,
    ):

        @cache(ttl=3_600, name="cleared", default=0)
        def f(n: int) -> int:
            return 1

        theirs = other(ttl=3_600, name="cleared", default=0)(f.__wrapped__)
        f.set(2, 1)
        assert f(1) == 2
        wait_until(lambda: tier._news._line is not None and tier._news._line.asked)
        f(1)
        theirs.cache_clear()
        wait_until(lambda: f.peek(1) is None)


def test_dropping_a_tier_that_listens_warns(valkey: Server) -> None:  # noqa: F811
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


def test_both_sides_of_a_fork_hear_the_news(valkey: Server) -> None:  # noqa: F811  # H22
    assert run_python(FORKED.format(url=valkey.url)) == ""
