"""Real servers, one of each kind for the whole run, empty at the start of each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oob_heal.backends.redis import RedisBackend
from tests.redis.servers import KINDS, PATIENT, Server


@pytest.fixture(scope="session")
def _running() -> Iterator[dict[str, Server]]:
    running: dict[str, Server] = {}
    yield running
    for server in running.values():
        server.close()


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, _running: dict[str, Server]) -> Server:
    """A server that other tests use, too: leave it running. Once for each kind."""
    kind = request.param
    if kind not in _running:
        _running[kind] = Server(kind)
    _running[kind].say("FLUSHALL")
    return _running[kind]


@pytest.fixture
def valkey(_running: dict[str, Server]) -> Server:
    """As ``server``, of one kind: for what does not depend on the kind."""
    if "valkey" not in _running:
        _running["valkey"] = Server("valkey")
    _running["valkey"].say("FLUSHALL")
    return _running["valkey"]


@pytest.fixture
def own_server() -> Iterator[Any]:
    """Makes servers of this test's own, to be killed and paused: ``own_server("redis")``."""
    made: list[Server] = []

    def make(kind: str, *options: str) -> Server:
        made.append(Server(kind, *options))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture
def another(valkey: Server) -> Iterator[Callable[[], RedisBackend]]:
    """Makes backends on one server, each as of a process of its own."""
    made: list[RedisBackend] = []

    def make() -> RedisBackend:
        made.append(RedisBackend(valkey.url, deadline=PATIENT))
        return made[-1]

    yield make
    for backend in made:
        backend.close()
