"""Hostile messages on a real engine, ten for each good one between them.  # H05"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.amounts import FULL
from tests.engines.conftest import FIRST, heals
from tests.test_poison import message
from tests.waiting import wait_until

GOOD = 1_000 if FULL else 100  # tests/test_poison.py has all of them, without an engine
HOSTILE = 10 * GOOD
EVIL = 10**6  # arguments of what must not be called lie beyond it


def told(n: int, **changed: Any) -> str:
    """A message of this shop about a key."""
    return message(["int", format(n, "x")], **{"namespace": "engines", **changed}).decode()


def hostile(chance: random.Random, turn: int) -> Any:
    """What nobody should heal from."""
    n = EVIL + turn
    names = ("os.system", "__import__", "__class__", "builtins.eval", "price.__globals__", "", "x")
    kinds: list[Callable[[], Any]] = [
        lambda: told(n, name=chance.choice(names)),
        lambda: told(n, version=chance.choice([1, -1, 2**40])),
        lambda: told(n, namespace=chance.choice(["", "engine", "engines ", "../engines"])),
        lambda: told(n, oob=chance.choice([0, 2, 99])),
        lambda: told(n, arguments={}),  # wrong arity
        lambda: told(n, arguments={"n": ["int", "1"], "m": ["int", "1"]}),
        lambda: told(n, arguments={"m": ["int", format(n, "x")]}),
        lambda: told(n, key="oob1.somebody-elses"),  # a key of its own choice
        lambda: told(n, arguments={"n": chance.choice([n, None, ["int", "zz"], ["cls", "os"]])}),
        lambda: told(n)[: chance.randrange(1, 60)],
        lambda: told(n).replace('"reason"', '"\\u0000"'),
        lambda: "".join(chr(chance.randrange(32, 0xD000)) for _ in range(chance.randrange(200))),
        lambda: chance.choice([None, True, 7, 1.5, [], {}, [told(n)], {"payload": told(n)}]),
        lambda: told(0),  # a replay
        lambda: "[" * 50_000,
    ]
    if turn % (HOSTILE // 4) == 0:
        return "x" * 10_000_000
    return chance.choice(kinds)()


def _raw(place: str, url: str, task: str) -> Callable[..., Any]:
    """Runs a coroutine function with a send that puts anything before the workers."""

    async def celery(work: Callable[..., Any]) -> None:
        from celery import Celery

        with Celery("hostile", broker=url) as app:

            async def send(payload: Any) -> None:
                app.send_task(task, args=(payload,), ignore_result=True)

            await work(send)

    async def taskiq(work: Callable[..., Any]) -> None:
        from taskiq.kicker import AsyncKicker

        from tests.engines.shop import taskiq_broker

        broker = taskiq_broker(url)
        await broker.startup()
        await work(AsyncKicker(task, broker, {}).kiq)
        await broker.shutdown()

    return celery if place.startswith("celery") else taskiq


@pytest.mark.timeout(1_200 if FULL else 600)
@pytest.mark.parametrize("place", FIRST)
def test_hostile_messages_call_nothing_and_the_good_ones_between_them_heal(
    shop_on: Callable[..., Any], place: str
) -> None:
    shop, workers, _ = shop_on(place, 2, heal_timeout=30.0)
    chance = random.Random(5)
    shop.price.set(0, 0)  # what is replayed has healed

    task = shop.executor.task
    sends = _raw(place, workers.words[1], task)

    async def send_all(send: Callable[[Any], Any]) -> None:
        for turn in range(HOSTILE):
            await send(hostile(chance, turn))
            if turn % (HOSTILE // GOOD) == 0:
                await send(told(1 + turn // (HOSTILE // GOOD)))

    asyncio.run(sends(send_all))
    wait_until(lambda: all(map(shop.price.peek, range(1, GOOD + 1))), limit=600 if FULL else 300)
    assert workers.alive(), workers.said()
    assert set(shop.tally.hgetall("calls")) == {b"%d" % n for n in (-1, *range(1, GOOD + 1))}
    assert set(shop.tally.hvals("calls")) == {b"1"}
    heals(shop, GOOD + 1, workers)
