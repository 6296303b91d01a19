"""Where a send of the user's own runs: what it may do there, whatever its colour."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from oob_heal import Outcome
from oob_heal.executors.queue import QueueExecutor
from tests.conftest import World
from tests.test_queue import Engine, prepared


def needs_no_loop(engine: Engine[bytes]) -> Callable[[bytes], Any]:
    def send(payload: bytes) -> None:
        asyncio.run(asyncio.sleep(0))  # as Django's tasks do: they refuse where a loop runs
        engine.put(payload)

    return send


def needs_its_loop(engine: Engine[bytes]) -> Callable[[bytes], Any]:
    async def send(payload: bytes) -> None:
        asyncio.get_running_loop().call_soon(engine.put, payload)
        await asyncio.sleep(0)

    return send


def gives_an_awaitable(engine: Engine[bytes]) -> Callable[[bytes], Any]:
    def send(payload: bytes) -> Any:
        return needs_its_loop(engine)(payload)

    return send


@pytest.mark.parametrize("kind", [needs_no_loop, needs_its_loop, gives_an_awaitable])
def test_a_sync_send_meets_no_running_loop_and_an_async_one_runs_in_it(
    shared: World, kind: Callable[[Engine[bytes]], Any]
) -> None:
    engine: Engine[bytes] = Engine()
    with QueueExecutor(kind(engine)) as executor:
        function = prepared(shared, executor)
        for n in (1, 2):  # the loop is as it was, for the next one
            assert shared.do(function(n)) == "default"
            assert shared.cache.heal_message(engine.get(timeout=10)) is Outcome.HEALED
            assert shared.do(function(n)) == "v"
