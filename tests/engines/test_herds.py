"""Many who read one key, one who dies after asking, and one message that comes many times."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.engines.conftest import FIRST, ROOT, heals
from tests.engines.test_kills import FULL, nobody_waited_for_more_than_a_lease, was_called
from tests.waiting import wait_until

TIMES = 50 if FULL else 10
PROCESSES = 8
DUPLICATES = 50


class Herd:
    """Request processes on demand."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.engines.herd", *words],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def send(self, how: str, n: int, count: int = 1) -> list[int]:
        """What they ended with."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{how} {n} {count}\n")
        self.process.stdin.flush()
        return [int(each) for each in self.process.stdout.readline().split()]

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def herd_of() -> Iterator[Callable[..., Herd]]:
    made: list[Herd] = []

    def make(workers: Any) -> Herd:
        made.append(Herd(*workers.words))
        return made[-1]

    yield make
    for each in made:
        each.close()


# H13: the lease that the request's process took ends by itself, or the worker adopts it.
@pytest.mark.timeout(900 if FULL else 600)
@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("place", FIRST)
def test_a_request_process_killed_as_it_sends_its_event_costs_one_lease_and_one_read(
    shop_on: Callable[..., Any], herd_of: Callable[..., Herd], place: str, how: str
) -> None:
    shop, workers, _ = shop_on(place, 1)
    herd = herd_of(workers)
    slowest = 0.0
    for n in range(TIMES):
        assert herd.send(how, n) == [signal.SIGKILL]
        slowest = max(slowest, heals(shop, n, workers))
        assert was_called(shop.tally, n, 1)
        assert nobody_waited_for_more_than_a_lease(shop, n), shop.told(n)
    print(place, how, f"{slowest:.2f} s")


# H19
@pytest.mark.timeout(600)
@pytest.mark.parametrize("place", FIRST)
def test_eight_processes_that_read_one_stale_key_send_about_one_message_and_make_one_call(
    shop_on: Callable[..., Any], herd_of: Callable[..., Herd], place: str
) -> None:
    shop, workers, _ = shop_on(place, 2)
    herd = herd_of(workers)
    for n in range(3):
        shop.price.set(n, n)
        shop.price.mark_stale(n)
        shop.tally.delete("sent")
        assert herd.send("reads", n, PROCESSES) == [0] * PROCESSES
        assert was_called(shop.tally, n, 1)
        assert int(shop.tally.get("sent")) <= 2


# H19
@pytest.mark.timeout(600)
@pytest.mark.parametrize("place", FIRST)
def test_fifty_duplicates_of_one_message_make_one_call(
    shop_on: Callable[..., Any], place: str
) -> None:
    shop, workers, _ = shop_on(place, 3)
    send = shop.executor.outbox.send

    async def many(payload: bytes) -> None:
        for _ in range(DUPLICATES):
            sent = await asyncio.to_thread(send, payload)
            if inspect.isawaitable(sent):
                await sent

    shop.executor.outbox.send, shop.executor.outbox.send_timeout = many, 60.0
    shop.price(1)
    wait_until(lambda: shop.tally.hget("took", "1") == b"%d" % DUPLICATES, limit=200)
    assert was_called(shop.tally, 1, 1)
    shop.executor.outbox.send = send
    heals(shop, 2, workers)
