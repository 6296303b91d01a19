"""What RedisBackend promises beyond the contract of every backend."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
import redis.asyncio

from oob_heal import BackendError, HealingCache
from oob_heal._envelope import Sealed, seal
from oob_heal._keys import digest, key_text, scope_text
from oob_heal._model import Key, Lease, Refused, Scope, Why
from oob_heal.backends._redis_rounds import RENEW_EPOCH
from oob_heal.backends.redis import RedisBackend
from tests.redis.load import wait_for
from tests.redis.servers import PATIENT, Server, free_port

HERE = Scope("test", "redis.f", 0, "00")
SCOPE = scope_text(HERE)
EPOCH = f"oob1.{SCOPE}.epoch"


def key(n: int) -> str:
    return key_text(SCOPE, Key(HERE, digest(str(n))))


def entry(n: int, value: bytes = b"value", dated: float = 1.0) -> bytes:
    return seal(key(n), Sealed(value, dated, False, 0.0))


@pytest.fixture
def make(server: Server) -> Iterator[Callable[..., RedisBackend]]:
    """Backends of one server: each as another process has it."""
    made: list[RedisBackend] = []

    def another(url: str | None = None, **options: Any) -> RedisBackend:
        if not {"client", "make_client"} & options.keys():
            url = url or server.url
        made.append(RedisBackend(url, **({"deadline": PATIENT} | options)))
        return made[-1]

    yield another
    for backend in made:
        backend.close()


def sent_while(server: Server, work: Callable[[], Any]) -> dict[str, list[str]]:
    """What clients sent meanwhile, by connection; what scripts did is not among it."""
    with redis.Redis(port=server.port, socket_timeout=5) as client, client.monitor() as monitor:
        work()
        server.say("ECHO", "the end")
        found: dict[str, list[str]] = {}
        while True:
            told = monitor.next_command()
            if told["command"] == "ECHO the end":
                return found
            if told["client_type"] != "lua":
                address = f"{told['client_address']}:{told['client_port']}"
                found.setdefault(address, []).append(told["command"])


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_read_is_one_get_and_nothing_else_on_the_wire(
    server: Server, make: Callable[..., RedisBackend], colour: str
) -> None:
    backend = make()
    cache = HealingCache(backend=backend)

    @cache(ttl=60, name="one.get")
    def plain(n: int) -> int:
        return n

    @cache(ttl=60, name="one.get.too")
    async def coloured(n: int) -> int:
        return n

    async def read() -> None:
        for _ in range(50):
            assert await coloured(1) == 1

    def work() -> None:
        if colour == "async":
            asyncio.run(read())
        for _ in range(50 if colour == "sync" else 0):
            assert plain(1) == 1

    plain.set(1, 1)
    asyncio.run(coloured.set(1, 1))
    by_link = sent_while(server, work)
    callers = [sent for sent in by_link.values() if any("}." in command for command in sent)]
    assert len(callers) == 1, "one connection is enough for one caller"
    assert len(callers[0]) == 50
    assert all(command.startswith("GET {oob1.") for command in callers[0])


def test_nothing_lives_for_ever(server: Server, make: Callable[..., RedisBackend]) -> None:
    backend = make(longest_keep=60.0)
    backend.set(key(1), entry(1), float("inf"))
    lease = backend.acquire(key(2), 30)
    assert isinstance(lease, Lease)
    backend.commit(lease, entry(2), 1e18)
    failed = backend.acquire(key(3), 30)
    assert isinstance(failed, Lease)
    backend.release(failed, 10)
    backend.acquire(key(4), 30)
    backend.delete(key(4))
    backend.mark_stale(key(1))
    gone = backend.acquire(key(5), 30)
    assert isinstance(gone, Lease)
    backend.commit(gone, None, 5)
    backend.clear(SCOPE)
    lives = {name: server.say("PTTL", name) for name in server.say("KEYS", "*")}
    assert len(lives) >= 7
    assert 0 < lives.pop(EPOCH.encode()) <= 86_400_000
    assert all(0 < left <= 3_700_000 for left in lives.values()), lives
    entries = [left for name, left in lives.items() if b"}." in name]
    assert max(entries) <= 60_000


def test_a_short_longest_keep_has_no_epoch_end_by_itself(
    server: Server, make: Callable[..., RedisBackend]
) -> None:  # H07
    backend = make(longest_keep=3.0)
    backend.set(key(1), entry(1), 60)
    learned = server.say("PTTL", EPOCH)
    backend.clear(SCOPE)
    cleared = server.say("PTTL", EPOCH)
    assert min(learned, cleared) > 2_000 * RENEW_EPOCH, "or what was set is gone with it"


def test_longest_keep_cuts_no_lease_and_no_retry_time(
    make: Callable[..., RedisBackend],
) -> None:  # H13
    backend = make(longest_keep=2.0)
    failed, dropped = backend.acquire(key(1), 3_000), backend.acquire(key(2), 3_000)
    for lease in (failed, dropped):
        assert isinstance(lease, Lease)
        assert lease.until - lease.granted_at > 2_999
    assert isinstance(failed, Lease)
    assert isinstance(dropped, Lease)
    backend.release(failed, 2_000)
    assert backend.commit(dropped, None, 2_000)
    for lease in (failed, dropped):
        refused = backend.acquire(lease.key, 30)
        assert isinstance(refused, Refused)
        assert refused.until - lease.granted_at > 1_999


def test_a_clear_elsewhere_is_seen_within_a_second(make: Callable[..., RedisBackend]) -> None:
    here, there = make(), make()
    here.set(key(1), entry(1), 60)
    assert there.get(key(1)) == entry(1)
    here.clear(SCOPE)
    assert here.get(key(1)) is None, "at once, where it was asked for"
    assert wait_for(lambda: there.get(key(1)) is None, 1.0) <= 1.0


def test_a_heal_begun_before_a_clear_elsewhere_is_refused_at_once(
    make: Callable[..., RedisBackend],
) -> None:  # H07
    here, there = make(), make()
    lease = there.acquire(key(1), 30)
    assert isinstance(lease, Lease)
    here.clear(SCOPE)
    assert there.commit(lease, entry(1), 60) is False
    there.set(key(2), entry(2), 60)
    assert here.get(key(2)) == entry(2), "a write after the clear lands in the new epoch"


def test_what_was_cleared_never_comes_back_when_the_epoch_is_lost(
    server: Server, make: Callable[..., RedisBackend]
) -> None:  # H07
    old = make()
    old.set(key(1), entry(1), 60)
    old.clear(SCOPE)
    for lost in ("DEL", "SET"):
        words = (f"oob1.{SCOPE}.epoch",) + (("7",) if lost == "SET" else ())
        server.say(lost, *words)
        new = make()
        assert new.get(key(1)) is None
        old._keeper.ring()
        time.sleep(0.15)
        assert old.get(key(1)) is None
        assert new.get(key(1)) is None


def test_a_crashed_holder_leaves_its_lease_to_lapse_and_the_attempt_is_known(
    server: Server, make: Callable[..., RedisBackend]
) -> None:  # H13, H28
    import subprocess
    import sys

    code = (
        "import os, signal\nfrom oob_heal.backends.redis import RedisBackend\n"
        f"backend = RedisBackend({server.url!r}, deadline=5.0)\n"
        f"print(backend.acquire({key(1)!r}, 0.5).granted_at, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == -9, done.stderr
    backend = make()
    first = backend.acquire(key(1), 30)
    if isinstance(first, Refused):
        assert first.why is Why.HELD
        wait_for(lambda: isinstance(backend.acquire(key(1), 30), Lease), 0.7)
        first = backend.acquire(key(1), 30)
        assert isinstance(first, Refused)
        (attempts,) = server.say("HMGET", f"{{{key(1)}}}:l", "attempts")
        assert int(attempts) == 2, "the attempt of the process that died is counted"


def test_readers_with_any_wall_clock_agree_within_a_round_trip(
    make: Callable[..., RedisBackend], monkeypatch: pytest.MonkeyPatch
) -> None:  # H11
    right = make()
    right.get(key(1))
    wrong_clock = time.time
    monkeypatch.setattr(time, "time", lambda: wrong_clock() + 3_600)
    wrong = make()
    wrong.get(key(1))
    before = right.now()
    between = wrong.now()
    after = right.now()
    assert before - 0.01 <= between <= after + 0.01


def test_the_clock_moves_only_where_an_exchange_contradicts_it(
    make: Callable[..., RedisBackend],
) -> None:  # H11
    keeper = make()._keeper
    keeper.heard_time(10.0, 1_000.0, 12.0)
    assert keeper.offset == 989.0
    keeper.heard_time(20.0, 1_009.5, 22.0)
    assert keeper.offset == 989.0, "it may be so: nothing moves"
    keeper.heard_time(30.0, 1_020.0, 30.25)
    assert keeper.offset == 989.75, "it cannot be so: as little as needed"


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_server_that_was_never_there_costs_one_deadline_at_most(colour: str) -> None:  # H18
    with RedisBackend(f"redis://127.0.0.1:{free_port()}/0") as backend:
        for _ in range(5):
            start = time.monotonic()
            with pytest.raises(ConnectionError):
                asyncio.run(backend.aio.get(key(1))) if colour == "async" else backend.get(key(1))
            assert time.monotonic() - start < 0.25
        with pytest.raises(ConnectionError):
            backend.now()


def test_a_name_look_up_that_hangs_holds_no_caller_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # H18
    import socket

    unblock = threading.Event()
    real = socket.getaddrinfo

    def hangs(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host == "nowhere.invalid":
            unblock.wait(10)
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    backend = RedisBackend("redis://nowhere.invalid:6379/0")
    try:
        took = []
        for _ in range(3):
            start = time.monotonic()
            with pytest.raises(ConnectionError):
                backend.get(key(1))
            took.append(time.monotonic() - start)
        assert max(took) < 0.25
    finally:
        unblock.set()
        backend.close()


def test_a_restart_between_two_reads_is_nobodys_error(
    own_server: Callable[..., Server],
) -> None:  # H18
    server = own_server("redis")
    with RedisBackend(server.url, deadline=PATIENT) as backend:
        assert backend.get(key(1)) is None
        assert server.say("CLIENT", "KILL", "TYPE", "normal") >= 2
        assert backend.get(key(1)) is None, "a connection that was closed is replaced in the call"


@pytest.mark.parametrize("verb", ["acquire", "commit"])
def test_the_same_words_again_do_their_work_once(
    make: Callable[..., RedisBackend], monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:  # H42
    backend = make()
    monkeypatch.setattr(os, "urandom", lambda size: b"\7" * size)
    first = backend.acquire(key(1), 30)
    assert isinstance(first, Lease)
    if verb == "acquire":
        assert backend.acquire(key(1), 30) == first, "its reply was lost: the same grant"
    assert backend.commit(first, entry(1), 60) is True
    assert backend.commit(first, entry(1, b"again"), 60) is True
    assert backend.get(key(1)) == entry(1)


CANARY = "canary-Zb81"


def test_no_password_and_no_argument_shows(
    caplog: pytest.LogCaptureFixture, server: Server
) -> None:  # H36
    caplog.set_level(logging.DEBUG)
    said: list[str] = []

    def note(error: BaseException) -> None:
        said.append("".join(traceback.format_exception(error)))

    def lookup() -> Any:
        raise LookupError(f"no such host: {CANARY}")

    for given in (
        {"url": f"redis://user:{CANARY}@127.0.0.1:{server.port}/0"},
        {"url": f"redis://:{CANARY}@127.0.0.1:{free_port()}/0"},
        {"client": redis.Redis(port=server.port, username="user", password=CANARY)},
        {"make_client": lookup},
    ):
        with RedisBackend(**given, deadline=0.1) as backend:
            said += [repr(backend), repr(backend.aio), repr(vars(backend))]
            cache = HealingCache(backend=backend)

            @cache(ttl=1, name="secret", default=0)
            def secret(word: str) -> int:
                return 1

            assert secret(CANARY) == 0
            wait_for(lambda b=backend: b._keeper.pools[""].trouble, 5)  # type: ignore[misc]
            for write in (lambda f=secret: f.set(1, CANARY), lambda b=backend: b.get(key(1))):
                try:
                    write()
                except (BackendError, ConnectionError) as error:
                    note(error)
            cache.close()
    for bad in (
        f"redis://:{CANARY}/x@host:{CANARY}/0",
        f"http://{CANARY}",
        f"redis://h:1/{CANARY}",
    ):
        try:
            RedisBackend(bad)
        except ValueError as error:
            note(error)
    assert len(said) > 10
    shown = [line for line in said + caplog.messages if CANARY in line]
    assert shown == []


def test_a_client_gives_its_address_and_settings(
    server: Server, make: Callable[..., RedisBackend]
) -> None:
    with redis.Redis(port=server.port, db=3, decode_responses=True) as client:
        backend = make(client=client)
        backend.set(key(1), entry(1), 60)
        assert backend.get(key(1)) == entry(1)
        assert client.dbsize() == 2, "the entry and its scope's epoch"
        make(make_client=lambda: redis.Redis(port=server.port, db=3)).get(key(1))


def test_what_is_given_wrong_is_told_at_once() -> None:
    with pytest.raises(TypeError, match="a URL, or client=, or make_client="):
        RedisBackend()
    with pytest.raises(TypeError, match="serves both colours"):
        RedisBackend(client=redis.asyncio.Redis())
    with pytest.raises(TypeError, match="must be a redis"):
        RedisBackend(client=object())
    for wrong in (0, -1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match=r"deadline= must be (above 0|finite)"):
            RedisBackend("redis://", deadline=wrong)
    with pytest.raises(ValueError, match="at least 1"):
        RedisBackend("redis://", max_connections=0)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_deadline_beyond_all_measure_is_a_long_one(
    make: Callable[..., RedisBackend], colour: str
) -> None:  # H43
    backend = make(deadline=1e18)
    backend.set(key(1), entry(1), 60)
    read = asyncio.run(backend.aio.get(key(1))) if colour == "async" else backend.get(key(1))
    assert read == entry(1)


def test_closed_it_says_so_and_leaves_nothing_open(server: Server) -> None:
    before = set(threading.enumerate())
    backend = RedisBackend(server.url, deadline=PATIENT)
    backend.set(key(1), entry(1), 60)
    backend.close()
    with pytest.raises(ConnectionError, match="closed"):
        backend.get(key(1))
    wait_for(lambda: before.issuperset(threading.enumerate()), 10)
    backend.close()


def test_dropped_open_it_warns_and_ends_its_thread(server: Server) -> None:
    before = set(threading.enumerate())
    backend = RedisBackend(server.url, deadline=PATIENT)
    backend.get(key(1))
    with pytest.warns(ResourceWarning, match="dropped open"):
        del backend
    wait_for(lambda: before.issuperset(threading.enumerate()), 3)
