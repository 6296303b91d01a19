"""A worker's first heal: nobody waits for it, so it may wait for its connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oob_heal import HealingCache, Outcome
from oob_heal.backends import _redis_keeper
from oob_heal.backends._redis_keeper import Keeper
from oob_heal.backends._redis_source import Source
from oob_heal.backends.redis import RedisBackend
from oob_heal.backends.tiered import TieredBackend
from tests.redis.servers import Server, free_port
from tests.test_poison import message

DEADLINE = 0.2  # s
HELD_UP = 3 * DEADLINE  # s that a connection takes


@pytest.fixture
def slow_to_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = Source.connect

    def slowly(*args: Any) -> Any:
        time.sleep(HELD_UP)
        return connect(*args)

    monkeypatch.setattr(Source, "connect", slowly)
    monkeypatch.setattr(_redis_keeper, "FIRST_CONTACT", 60.0)  # s: for a busy machine


@pytest.fixture(params=["redis", "tier"])
def worker_over(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Makes ``heal(payload)`` of a process that has not yet met its server."""
    made: list[Any] = []

    def make(url: str, colour: str) -> Callable[[bytes], Outcome | None]:
        backend: Any = RedisBackend(url, deadline=DEADLINE)
        made.append(backend)
        if request.param == "tier":
            backend = TieredBackend(backend)
            made.append(backend)
        cache = HealingCache(backend=backend, namespace="test", ttl=60)
        made.append(cache)
        if colour == "sync":

            @cache(name="price", default=-1)
            def price(n: int) -> int:
                return n

            kept.append(price)
            return cache.heal_message

        @cache(name="price", default=-1)
        async def aprice(n: int) -> int:
            return n

        kept.append(aprice)
        return lambda payload: asyncio.run(cache.aheal_message(payload))

    kept: list[Any] = []
    yield make
    for each in reversed(made):
        each.close()


# H13: refused for want of a connection, its message would be gone until the lease ends.
@pytest.mark.usefixtures("slow_to_connect")
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_workers_first_heal_waits_for_a_connection_that_outlasts_the_deadline(
    valkey: Server, worker_over: Callable[..., Any], colour: str
) -> None:
    heal = worker_over(valkey.url, colour)
    assert heal(message(["int", "1"])) is Outcome.HEALED


# H18: a backlog is not worked off at a second a message.
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_server_that_is_not_there_is_waited_for_once_whatever_the_messages(
    worker_over: Callable[..., Any], colour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited_until, patient_until = set(), Keeper._patient_until

    def noted(keeper: Keeper) -> float:
        waited_until.add(patient_until(keeper))
        return patient_until(keeper)

    monkeypatch.setattr(Keeper, "_patient_until", noted)
    heal = worker_over(f"redis://127.0.0.1:{free_port()}", colour)
    assert {heal(message(["int", format(n, "x")])) for n in range(3)} == {Outcome.FAILED}
    assert len(waited_until) == 1
