"""Through Sentinel and in a Cluster: ``make_client=`` says where the servers are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.sentinel import Sentinel

from oob_heal import HealingCache
from oob_heal._model import Lease, Refused
from oob_heal.backends._redis_known import epoch_key
from oob_heal.backends._redis_source import slot_of
from oob_heal.backends.redis import RedisBackend
from oob_heal.testing import BackendContract
from tests.redis.load import wait_for
from tests.redis.servers import Server, free_port
from tests.redis.test_backend import SCOPE, entry, key
from tests.redis.test_contract import names
from tests.redis.test_ended_epochs import deaf

HALVES = ((0, 8191), (8192, 16383))


@pytest.fixture(scope="module")
def cluster() -> Iterator[list[Server]]:
    """Two servers, each with half of the slots."""
    made: list[Server] = []
    try:
        for low, high in HALVES:
            options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
            made.append(Server("valkey", *options, "--cluster-node-timeout", "2000"))
            made[-1].say("CLUSTER", "ADDSLOTSRANGE", str(low), str(high))
        bus = made[1].options[made[1].options.index("--cluster-port") + 1]
        made[0].say("CLUSTER", "MEET", "127.0.0.1", str(made[1].port), bus)
        wait_for(lambda: all(knows_all(server) for server in made), 15)
        yield made
    finally:
        for server in made:
            server.close()


def knows_all(server: Server) -> bool:
    info: bytes = server.say("CLUSTER", "INFO")
    return b"cluster_state:ok" in info and b"cluster_known_nodes:2" in info


def clustered(servers: list[Server], *, whole: bool = True, **options: Any) -> RedisBackend:
    def make_client() -> Any:
        port = servers[0].port
        return redis.RedisCluster(host="127.0.0.1", port=port, require_full_coverage=whole)

    return RedisBackend(make_client=make_client, **({"deadline": 5.0} | options))


@pytest.mark.parametrize(
    "promised", [name for name in names() if not name.startswith("what is declared shared")]
)
def test_a_cluster_promises_that(cluster: list[Server], promised: str) -> None:
    made: list[RedisBackend] = []

    def make(*_: Any) -> RedisBackend:
        for server in cluster:
            server.say("FLUSHALL")
        made.append(clustered(cluster))
        return made[-1]

    contract = BackendContract(make, advance=time.sleep, unit=0.1)
    (promise,) = [each for each in contract.promises() if str(each) == promised]
    try:
        promise()
    finally:
        for backend in made:
            backend.close()


def test_keys_stand_on_every_server_of_a_cluster(cluster: list[Server]) -> None:
    for server in cluster:
        server.say("FLUSHALL")
    with clustered(cluster) as backend:
        for n in range(40):
            backend.set(key(n), entry(n), 60)
        assert all(backend.get(key(n)) == entry(n) for n in range(40))
        assert all(server.say("DBSIZE") > 5 for server in cluster)
        backend.clear(SCOPE)
        assert all(backend.get(key(n)) is None for n in range(40))


def test_who_has_not_heard_of_a_clear_of_a_cluster_sees_what_is_written_since(
    cluster: list[Server],
) -> None:  # H07
    for server in cluster:
        server.say("FLUSHALL")
    with clustered(cluster) as here, clustered(cluster) as there:
        for n in range(40):
            here.set(key(n), entry(n), 60)
        assert all(there.get(key(n)) == entry(n) for n in range(40))
        deaf(there)
        here.clear(SCOPE)
        for n in range(40):
            here.delete(key(n))
        assert all(there.get(key(n)) is None for n in range(40))


def test_one_server_of_a_cluster_that_is_away_takes_no_other_with_it(
    cluster: list[Server],
) -> None:  # H18
    for server in cluster:
        server.say("FLUSHALL")
    with clustered(cluster, deadline=0.05) as backend:
        wait_for(lambda: answered(backend, 0), 5)
        for n in range(40):
            backend.set(key(n), entry(n), 60)
        epochs_on = backend._keeper.place(f"oob1.{SCOPE}.epoch".encode())
        here = [n for n in range(40) if backend._keeper.place(key(n).encode()) is epochs_on]
        there = [n for n in range(40) if n not in here]
        name = next(name for name, pool in backend._keeper.pools.items() if pool is not epochs_on)
        away = next(server for server in cluster if name.endswith(f":{server.port}"))
        away.pause()
        try:
            for n in there:
                started = time.monotonic()
                with pytest.raises(ConnectionError):
                    backend.get(key(n))
                assert time.monotonic() - started < 0.25
            assert all(backend.get(key(n)) == entry(n) for n in here)
        finally:
            away.resume()
        wait_for(lambda: all(answered(backend, n) for n in there), 2)


def test_a_key_whose_slot_no_server_of_a_cluster_has_is_away_alone(
    own_server: Callable[..., Server],
) -> None:  # H18
    bus = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    server = own_server("valkey", *bus, "--cluster-require-full-coverage", "no")
    server.say("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
    wait_for(lambda: b"cluster_state:ok" in server.say("CLUSTER", "INFO"), 15)
    slot = slot_of(epoch_key("lost"))
    with clustered([server], whole=False) as backend:
        backend.set(key(1), entry(1), 60)
        assert backend.get("oob1.lost.1") is None
        keeper = backend._keeper
        pool = keeper.place(epoch_key("lost"))
        server.say("CLUSTER", "DELSLOTS", str(slot))
        pool.has_moved()  # as the server says of any other key
        wait_for(lambda: slot not in keeper.slots, 5)
        with pytest.raises(ConnectionError, match="no server"):
            backend.get("oob1.lost.1")
        good_until = pool.good_until
        wait_for(lambda: pool.good_until > good_until, 5)
        assert backend.get(key(1)) == entry(1)


def node_id(server: Server) -> str:
    told: bytes = server.say("CLUSTER", "MYID")
    return told.decode("ascii")


def test_a_slot_that_moves_to_another_server_is_found_there(cluster: list[Server]) -> None:  # H18
    for server in cluster:
        server.say("FLUSHALL")
    with clustered(cluster) as backend:
        wait_for(lambda: answered(backend, 0), 5)
        slot = slot_of(key(1).encode())
        old = cluster[0 if slot <= HALVES[0][1] else 1]
        new = cluster[1 - cluster.index(old)]
        backend.set(key(1), entry(1), 60)
        lease = backend.acquire(key(1), 30)
        assert isinstance(lease, Lease)
        try:
            move_slot(slot, old, new)
            wait_for(lambda: answered(backend, 1), 2)
            assert backend.get(key(1)) == entry(1)
            assert isinstance(backend.acquire(key(1), 30), Refused), "the lease went with it"
            assert backend.commit(lease, entry(1, b"moved"), 60) is True
            assert asyncio.run(backend.aio.get(key(1))) == entry(1, b"moved")
            assert new.say("CLUSTER", "COUNTKEYSINSLOT", str(slot)) >= 2
        finally:
            move_slot(slot, new, old)


def move_slot(slot: int, old: Server, new: Server) -> None:
    """As ``redis-cli --cluster reshard`` does it."""
    new.say("CLUSTER", "SETSLOT", str(slot), "IMPORTING", node_id(old))
    old.say("CLUSTER", "SETSLOT", str(slot), "MIGRATING", node_id(new))
    names = old.say("CLUSTER", "GETKEYSINSLOT", str(slot), "100")
    if names:
        old.say("MIGRATE", "127.0.0.1", str(new.port), "", "0", "5000", "KEYS", *names)
    for server in (new, old):
        server.say("CLUSTER", "SETSLOT", str(slot), "NODE", node_id(new))


def answered(backend: RedisBackend, n: int) -> bool:
    try:
        backend.get(key(n))
    except ConnectionError:
        return False
    return True


@pytest.fixture
def sentinels(tmp_path: Path, own_server: Callable[..., Server]) -> Iterator[Any]:
    """A primary, a replica, and a sentinel that watches over them."""
    primary = own_server("redis", "--repl-diskless-sync-delay", "0")
    replica = own_server("redis", "--replicaof", "127.0.0.1", str(primary.port))
    wait_for(lambda: replica.say("INFO", "replication")["master_link_status"] == "up", 10)
    settings = tmp_path / "sentinel.conf"
    settings.write_text(
        f"sentinel monitor fleet 127.0.0.1 {primary.port} 1\n"
        "sentinel down-after-milliseconds fleet 500\nsentinel failover-timeout fleet 3000\n"
    )
    watch = SentinelServer(str(settings))
    try:
        watching: Any = Sentinel([("127.0.0.1", watch.port)], socket_timeout=0.5)  # type: ignore[no-untyped-call]
        wait_for(lambda: len(watch.say_slaves()) == 1, 15)
        yield primary, replica, watching
        for client in watching.sentinels:
            client.close()
    finally:
        watch.close()


class SentinelServer(Server):
    """A redis-server that watches over others."""

    def __init__(self, settings: str) -> None:
        self.settings = settings
        super().__init__("redis")

    def command(self) -> list[str]:
        return [self.program, self.settings, "--sentinel", "--port", str(self.port)]

    def say_slaves(self) -> list[Any]:
        with redis.Redis(port=self.port) as client:
            return list(client.sentinel_slaves("fleet"))


def test_sentinel_leads_to_the_new_primary(sentinels: Any) -> None:  # H18
    primary, _, watching = sentinels
    with RedisBackend(make_client=lambda: watching.master_for("fleet"), deadline=0.25) as backend:
        cache = HealingCache(backend=backend)

        @cache(ttl=60, name="sentinel.source", default=-1)
        def source(n: int) -> int:
            return n

        wait_for(lambda: answered(backend, 1), 5)
        asyncio.run(backend.aio.set(key(1), entry(1), 60))
        primary.kill()
        assert source(2) == -1, "no foreign exception while nobody is primary"
        wait_for(lambda: source(3) == 3, 12)
        assert isinstance(backend.acquire(key(9), 5), Lease)
        cache.close()
