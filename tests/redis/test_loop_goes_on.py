"""The first contact with a server is made out of band, and no event loop waits for it.

The loop itself lets the server be reached, once the call under test has had its turn: if that call
kept the loop, there would be no contact, and it would fail at its deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from oob_heal import HealingCache
from oob_heal.backends.redis import RedisBackend
from oob_heal.backends.tiered import TieredBackend
from tests.redis.servers import Server

DEADLINE = 8.0  # s: these tests are not about time


class Gate:
    """A backend whose server is reached once it is open, and an async function over it."""

    def __init__(self, server: Server, tiered: bool, stack: contextlib.ExitStack) -> None:
        self.opened = threading.Event()
        stack.callback(self.opened.set)
        self.shared = stack.enter_context(RedisBackend(server.url, deadline=DEADLINE))
        source: Any = self.shared._keeper.source
        connect = source.connect
        source.connect = lambda *args: (self.opened.wait(2 * DEADLINE), connect(*args))[1]
        tier = stack.enter_context(TieredBackend(self.shared)) if tiered else None
        self.cache = HealingCache(backend=tier or self.shared)

        @self.cache(ttl=60, name="first", default=0)
        async def f(n: int) -> int:
            return n + 1

        self.f = f

    async def once_the_loop_turned(self, call: Awaitable[Any]) -> Any:
        """What a call brings, if the loop goes on while it waits."""
        task = asyncio.ensure_future(call)
        for _ in range(3):
            await asyncio.sleep(0)
        assert not task.done(), "there was no contact yet"
        self.opened.set()
        return await task


@pytest.fixture(params=[False, True], ids=["redis", "tier"])
def gate(request: pytest.FixtureRequest, valkey: Server) -> Iterator[Gate]:
    with contextlib.ExitStack() as stack:
        yield Gate(valkey, request.param, stack)


def test_a_first_set_waits_for_contact_in_its_task_alone(gate: Gate) -> None:
    async def main() -> None:
        await gate.once_the_loop_turned(gate.f.set(7, 1))
        assert await gate.f(1) == 7
        await gate.cache.aclose()

    asyncio.run(main())


@pytest.mark.parametrize("member", ["lookup", "peek", "invalidate", "mark_stale", "heal_now"])
def test_every_first_call_waits_for_contact_in_its_task_alone(gate: Gate, member: str) -> None:
    async def main() -> None:
        await gate.once_the_loop_turned(getattr(gate.f, member)(1))
        await gate.cache.aclose()

    asyncio.run(main())


def test_a_first_heal_is_accepted_at_once_and_heals_whatever_is_there(gate: Gate) -> None:
    with contextlib.closing(asyncio.new_event_loop()) as loop:

        async def main() -> None:
            accepted: Callable[..., bool] = gate.f.heal
            assert accepted(1)
            assert gate.f.cache_info().healing == 1
            gate.opened.set()
            while gate.f.cache_info().healing:
                await asyncio.sleep(0.001)
            assert await gate.f(1) == 2
            assert gate.f.cache_info().healed == 1
            (figures,) = gate.cache.figures().functions
            assert figures.time_to_heal.total == figures.heal_duration.total
            await gate.cache.aclose()

        loop.run_until_complete(main())


def test_a_first_heal_replaces_an_entry_that_is_fresh(gate: Gate, valkey: Server) -> None:
    gate.opened.set()

    async def main() -> None:
        await gate.f.set(100, 1)
        await gate.cache.aclose()

    asyncio.run(main())
    with contextlib.ExitStack() as stack:
        fresh_process = Gate(valkey, False, stack)

        async def again() -> None:
            assert fresh_process.f.heal(1)
            fresh_process.opened.set()
            while fresh_process.f.cache_info().healing:
                await asyncio.sleep(0.001)
            assert await fresh_process.f(1) == 2
            await fresh_process.cache.aclose()

        asyncio.run(again())
