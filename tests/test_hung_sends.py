"""A send that hangs: it is given up in time, and the executor goes on sending."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any

import pytest

from oob_heal import HealRejectedError, Outcome
from oob_heal.executors import _outbox
from oob_heal.executors.queue import QueueExecutor
from oob_heal.testing import ManualClock
from tests.conftest import World
from tests.test_queue import Engine, leases, prepared
from tests.waiting import Gate, wait_until


async def never(payload: bytes) -> None:
    await asyncio.Event().wait()


def stubborn(gate: Gate) -> Callable[[bytes], Any]:
    async def send(payload: bytes) -> None:
        while not gate.opened.is_set():
            try:
                await asyncio.sleep(0.005)
            except asyncio.CancelledError:  # what a careless client does
                pass

    return send


def in_turn(*sends: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    left = list(sends)

    def send(payload: bytes) -> Any:
        return left.pop(0)(payload)

    return send


def heals_after(shared: World, function: Any, engine: Engine[bytes]) -> None:
    """The key whose send hung, and another one, are sent, and heal."""
    shared.clock.advance(1)  # quiet for at most so long
    for n in (1, 2):
        assert shared.do(function(n)) == "default"
        assert shared.cache.heal_message(engine.get(timeout=10)) is Outcome.HEALED
        assert shared.do(function(n)) == "v"


# H12, H13, H14: a client without a timeout of its own is the usual one.
def test_an_async_send_that_hangs_is_cut_short_and_its_heal_dropped(shared: World) -> None:
    engine: Engine[bytes] = queue.SimpleQueue()
    send = in_turn(never, engine.put, engine.put)
    with QueueExecutor(send, send_timeout=0.01, clock=ManualClock()) as executor:
        function = prepared(shared, executor)
        assert shared.do(function(1)) == "default"
        wait_until(lambda: function.cache_info().dropped == 1)
        wait_until(lambda: leases(shared) == 0)
        heals_after(shared, function, engine)
        assert not executor.outbox.hung


@pytest.mark.parametrize("kind", ["blocks its thread", "swallows its cancellation"])
def test_a_send_that_cannot_be_cut_short_is_given_up_and_another_thread_sends(
    shared: World, kind: str
) -> None:
    engine: Engine[bytes] = queue.SimpleQueue()
    gate, clock = Gate(), ManualClock()
    hangs = gate if kind.startswith("blocks") else stubborn(gate)
    send = in_turn(hangs, engine.put, engine.put)
    with QueueExecutor(send, send_timeout=0.01, clock=clock) as executor:
        function = prepared(shared, executor)
        assert shared.do(function(1)) == "default"

        def given_up() -> bool:
            clock.advance(0.02)
            executor.sweep()
            return bool(executor.outbox.hung)

        wait_until(given_up)
        wait_until(lambda: leases(shared) == 0)
        wait_until(lambda: function.cache_info().lost == 1)
        heals_after(shared, function, engine)
        assert len(executor.outbox.hung) == 1
        gate.opened.set()
        wait_until(lambda: not executor.outbox.hung)


# Nobody calls sweep but in tests: the watch does.
def test_the_watch_gives_up_by_itself_what_hangs_and_what_waits_is_sent(shared: World) -> None:
    engine: Engine[bytes] = queue.SimpleQueue()
    gate = Gate()
    send = in_turn(gate, engine.put, engine.put)
    with QueueExecutor(send, send_timeout=0.05) as executor:
        function = prepared(shared, executor)
        for n in range(3):
            assert shared.do(function(n)) == "default"
        assert {engine.get(timeout=10), engine.get(timeout=10)}
        wait_until(lambda: function.cache_info().lost == 1)
        gate.opened.set()


# H16, for publishers
def test_beyond_the_limit_of_hung_publishers_heals_are_dropped_until_one_comes_back(
    shared: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_outbox, "HUNG_AT_MOST", 2)
    gate, clock = Gate(), ManualClock()
    with QueueExecutor(gate, clock=clock) as executor:
        function = prepared(shared, executor)
        for n in range(2):
            assert shared.do(function(n)) == "default"
            gate.wait_for_calls()
            if n == 1:
                assert shared.do(function(10)) == "default"  # it waits behind the last
            clock.advance(5)
            executor.sweep()  # unless the watch has come first
            wait_until(lambda n=n: len(executor.outbox.hung) == n + 1)
        with pytest.raises(HealRejectedError, match="hang"):
            executor.submit(object())
        assert shared.do(function(2)) == "default"
        assert function.cache_info().dropped == 1
        wait_until(lambda: function.cache_info().lost == 3)  # two hang, and one waited
        gate.opened.set()
        wait_until(lambda: not executor.outbox.hung)
        assert shared.do(function(2)) == "default"
        gate.wait_for_calls()
    assert function.cache_info().dropped == 1


# H13
def test_a_send_that_outlasts_the_close_is_cut_off_with_its_lease_and_watched_no_more(
    shared: World,
) -> None:
    gate, clock, goes_on, over = Gate(), ManualClock(), threading.Event(), threading.Event()

    async def rest() -> None:
        goes_on.set()
        while not over.is_set():
            await asyncio.sleep(0.005)

    def send(payload: bytes) -> Any:
        gate(payload)
        return rest()

    executor = QueueExecutor(send, clock=clock)
    function = prepared(shared, executor)
    assert shared.do(function(1)) == "default"
    gate.wait_for_calls()
    assert leases(shared) == 1
    executor.close(0.0)
    assert (function.cache_info().lost, leases(shared)) == (1, 0)
    gate.opened.set()
    goes_on.wait(10)
    clock.advance(1000)
    assert executor.sweep() == 0
    over.set()
