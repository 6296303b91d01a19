"""Over TLS, on a real Redis with a certificate of the test's own, in both colours.

Valkey's wheel is built without TLS; Debian's redis-server has it.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import redis
import trustme

from oob_heal import HealingCache
from oob_heal._model import Lease
from oob_heal.backends.redis import RedisBackend
from tests.redis.load import wait_for
from tests.redis.proxy import Proxy
from tests.redis.servers import Server, needed
from tests.redis.test_backend import entry, key
from tests.waiting import in_threads

LARGE = os.urandom(1_000_000)  # a command, and a reply, of many TLS records
DEADLINE = 0.25  # s, where time is what is tested
IN_TIME = 0.6  # s


class TlsServer(Server):
    """A Redis that speaks TLS and nothing else; ``url`` trusts its certificate."""

    def __init__(self, folder: Path, *options: str) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        issued = authority.issue_cert("localhost", "127.0.0.1")
        issued.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
        self.authority = folder / "ca.pem"
        pair = ("--tls-cert-file", f"{folder}/server.pem", "--tls-key-file", f"{folder}/server.pem")
        trusts = ("--tls-ca-cert-file", f"{folder}/ca.pem", "--tls-auth-clients", "no")
        super().__init__("redis", *pair, *trusts, *options)
        self.url = self.through(self.port)

    def through(self, port: int) -> str:
        """The URL, by way of another port."""
        return f"rediss://localhost:{port}/0?ssl_ca_certs={self.authority}"

    def command(self) -> list[str]:
        words = super().command()
        words[1:3] = ["--port", "0", "--tls-port", str(self.port)]
        return words

    def answers(self) -> bool:
        try:
            return bool(self.say("PING"))
        except redis.ConnectionError:
            return False

    def say(self, *words: str) -> Any:
        with redis.Redis.from_url(self.through(self.port), socket_timeout=5) as client:
            return client.execute_command(*words)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    without_key = [needed("redis"), "--port", "0", "--tls-port", "1"]  # ends at once, either way
    told = subprocess.run(without_key, capture_output=True, timeout=10, check=False)
    if b"Bad directive" in told.stdout + told.stderr:
        pytest.skip("this redis-server is built without TLS")
    server = TlsServer(tmp_path_factory.mktemp("tls"))
    yield server
    server.close()


@pytest.fixture
def backend(tls: TlsServer) -> Iterator[RedisBackend]:
    tls.say("FLUSHALL")
    with RedisBackend(tls.url, deadline=5.0) as made:
        yield made


def test_both_colours_read_and_write_over_tls(backend: RedisBackend) -> None:
    async def write_and_read(n: int) -> None:
        await backend.aio.set(key(n), entry(n, LARGE), 60)
        assert await backend.aio.get(key(n)) == entry(n, LARGE)

    backend.set(key(1), entry(1, LARGE), 60)
    assert backend.get(key(1)) == entry(1, LARGE)
    asyncio.run(write_and_read(2))
    anyio.run(write_and_read, 3, backend="trio")
    assert backend.get(key(3)) == entry(3, LARGE)
    lease = backend.acquire(key(4), 30)
    assert isinstance(lease, Lease)
    assert backend.commit(lease, entry(4), 60) is True
    assert backend.get(key(4)) == entry(4)


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_an_entry_larger_than_the_sockets_buffer_is_written_over_tls(
    backend: RedisBackend, kind: str
) -> None:
    backend.set(key(1), entry(1), 60)
    (link,) = backend._keeper.pools[""].idle
    link.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    anyio.run(backend.aio.set, key(1), entry(1, LARGE), 60, backend=kind)
    assert backend.get(key(1)) == entry(1, LARGE)
    assert backend._keeper.pools[""].links == {link}


def test_what_tls_says_before_the_first_reply_is_not_taken_for_one(backend: RedisBackend) -> None:
    backend.get(key(1))
    pool = backend._keeper.pools[""]
    new = backend._keeper.source.connect("", 5.0)
    pool.add(new)
    assert select.select([new.sock], [], [], 5)[0] == [new.sock], "TLS 1.3 sends tickets"
    pool.look_over(trim=False)
    assert new in pool.links
    assert backend.get(key(1)) is None


def test_threads_and_tasks_over_tls_heal_each_key_once(backend: RedisBackend) -> None:  # H19
    calls: list[int] = []
    with HealingCache(backend=backend) as cache:

        @cache(ttl=3600, name="tls.source", default=-1)
        def source(n: int) -> int:
            calls.append(n)
            return n

        in_threads(16, lambda _: [source(n) for n in range(20)])
        wait_for(lambda: all(source.peek(n) is not None for n in range(20)), 10)
        in_threads(16, lambda _: [source(n) for n in range(20)])
    assert sorted(calls) == list(range(20))


def test_an_authority_that_is_not_trusted_is_a_server_that_is_away(
    tls: TlsServer, tmp_path: Path
) -> None:  # H18
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "another.pem"))
    for url in (
        f"rediss://localhost:{tls.port}/0?ssl_ca_certs={tmp_path}/another.pem",
        f"rediss://localhost:{tls.port}/0",
        f"redis://localhost:{tls.port}/0",
    ):
        with RedisBackend(url, deadline=DEADLINE) as backend:
            for _ in range(3):
                started = time.monotonic()
                with pytest.raises(ConnectionError) as caught:
                    backend.get(key(1))
                assert time.monotonic() - started <= IN_TIME
            assert "localhost" not in str(caught.value)
            wait_for(lambda b=backend: b._keeper.pools[""].trouble is not None, 5)  # type: ignore[misc]


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("mode", ["hole", "drip"])
def test_over_tls_a_call_ends_in_time_and_finds_the_server_again(
    tls: TlsServer, mode: str, colour: str
) -> None:  # H18
    proxy = Proxy(tls.port)
    with RedisBackend(tls.through(proxy.port), deadline=DEADLINE) as backend:
        wait_for(lambda: answers(backend), 10)
        proxy.mode = mode

        def ask() -> None:
            asyncio.run(backend.aio.get(key(1))) if colour == "async" else backend.get(key(1))

        for _ in range(3):
            started = time.monotonic()
            with pytest.raises(ConnectionError):
                ask()
            assert time.monotonic() - started <= IN_TIME
        proxy.mode = "pass"
        wait_for(lambda: answers(backend), 10)
    proxy.close()


def answers(backend: RedisBackend) -> bool:
    try:
        backend.get(key(1))
    except ConnectionError:
        return False
    return True


# A connection that is reset while TLS begins: the ssl module leaves its socket to be collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_over_tls_a_killed_server_is_found_again(tls: TlsServer, tmp_path: Path) -> None:  # H18
    server = TlsServer(tmp_path)
    try:
        with RedisBackend(server.url, deadline=DEADLINE) as backend:
            wait_for(lambda: answers(backend), 10)
            server.kill()
            wait_for(lambda: not answers(backend), 2)
            server.start()
            wait_for(lambda: answers(backend), 10)
    finally:
        server.close()
