"""What is written is announced to whoever listens, from inside the script that writes it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from oob_heal.backends.redis import RedisBackend
from oob_heal.ports import WHICH_AT
from tests.redis.servers import PATIENT, Server
from tests.redis.test_backend import SCOPE, entry, key


@pytest.fixture
def backend(server: Server) -> Iterator[RedisBackend]:
    with RedisBackend(server.url, deadline=PATIENT) as made:
        yield made


def heard(pubsub: Any, count: int) -> list[str]:
    """So many messages, and none after them."""
    found: list[str] = []
    until = time.monotonic() + PATIENT
    while len(found) < count and time.monotonic() < until:
        message = pubsub.get_message(ignore_subscribe_messages=True, timeout=0.1)
        if message is not None:
            found.append(message["data"].decode())
    assert pubsub.get_message(timeout=0.01) is None
    return found


def test_every_write_is_announced_once_and_no_read_and_no_lease_is(
    server: Server, backend: RedisBackend
) -> None:
    digest = key(1).rpartition(".")[2]
    which, marked = (f"{mark:02x}{entry(1)[WHICH_AT].hex()}" for mark in (0, 1))
    with redis.Redis(port=server.port) as client, client.pubsub() as pubsub:
        pubsub.subscribe(f"oob1.{SCOPE}.news")
        assert pubsub.get_message(timeout=PATIENT) is not None
        backend.set(key(1), entry(1), 60)
        backend.get(key(1))
        backend.mark_stale(key(1))
        lease = backend.acquire(key(1), 60)
        assert backend.commit(lease, entry(1), 60)  # type: ignore[arg-type]
        assert backend.commit(lease, entry(1), 60)  # type: ignore[arg-type]
        backend.release(backend.acquire(key(1), 60))  # type: ignore[arg-type]
        gone = backend.acquire(key(1), 60)
        assert backend.commit(gone, None, 0)  # type: ignore[arg-type]
        backend.delete(key(1))
        backend.clear(SCOPE)
        *keyed, cleared = heard(pubsub, 6)
        assert keyed == [
            f"set {digest} {which}",
            f"mark_stale {digest} {marked}",
            f"commit {digest} {which}",
            f"delete {digest}",
            f"delete {digest}",
        ]
        assert cleared == f"clear {backend._keeper.epochs[SCOPE].number}"  # type: ignore[union-attr]


def test_whoever_may_not_publish_writes_all_the_same(server: Server) -> None:
    server.say("ACL", "SETUSER", "mute", "on", ">word", "~*", "resetchannels", "+@all")
    url = server.url.replace("redis://", "redis://mute:word@")
    with RedisBackend(url, deadline=PATIENT) as backend:
        backend.set(key(1), entry(1), 60)
        assert backend.get(key(1)) == entry(1)
        backend.clear(SCOPE)
        assert backend.get(key(1)) is None
