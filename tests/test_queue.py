"""QueueExecutor: the outbox, the lease that waits with its event, and what goes wrong."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from oob_heal import HealRejectedError, Outcome
from oob_heal._keys import key_text, scope_text
from oob_heal._worker import heal_of
from oob_heal.executors.queue import QueueExecutor
from oob_heal.ports import WAITS
from oob_heal.testing import ManualClock, Steps
from tests.conftest import World
from tests.test_poison import message
from tests.waiting import Gate, wait_until

Engine = queue.SimpleQueue


def prepared(world: World, executor: Any, **options: Any) -> Any:
    def source(n: int) -> str:
        return "v"

    return world.decorate(source, default="default", executor=executor, **options)


def took(engine: Engine[bytes], executor: QueueExecutor) -> bytes:
    """The event that was sent, once its publisher is done with it: time may pass then."""
    payload = engine.get(timeout=10)
    wait_until(lambda: executor.outbox.sending is None)
    return payload


def leases(world: World) -> int:
    assert world.store is not None
    return world.store.live_leases()


# H12: the caller sees nothing of a send that hangs; the outbox is bounded.
def test_a_send_that_hangs_is_no_callers_business_and_fills_a_bounded_outbox(shared: World) -> None:
    gate = Gate()
    executor = QueueExecutor(gate, outbox=6)  # one function has half of it
    function = prepared(shared, executor)
    assert shared.do(function(0)) == "default"
    gate.wait_for_calls()
    answers = Counter(shared.do(function(n)) for n in range(1, 100))
    assert answers == {"default": 99}
    info = function.cache_info()
    assert (info.healing, info.dropped) == (4, 96)
    executor.close(0.01)
    assert function.cache_info().lost == 4  # H14: what never left is told
    assert leases(shared) == 0  # H13: of the send that hangs, too
    with pytest.raises(HealRejectedError, match="closed"):
        executor.submit(object())
    gate.opened.set()


async def rejecting(payload: bytes) -> None:
    await asyncio.sleep(0)
    raise ConnectionError("the engine is away")


def raising(error: BaseException) -> Callable[[bytes], None]:
    def send(payload: bytes) -> None:
        raise error

    send.__name__ = type(error).__name__
    return send


SENDS = (
    rejecting,
    raising(OSError(111, "refused")),
    raising(SystemExit(3)),
    raising(KeyboardInterrupt()),
    raising(GeneratorExit()),
    raising(asyncio.CancelledError()),
)


@pytest.mark.parametrize("send", SENDS, ids=lambda send: send.__name__)
def test_a_send_that_fails_gives_the_lease_back_and_a_later_read_tries_again(
    shared: World, send: Any
) -> None:
    engine: Engine[bytes] = Engine()
    sends = [send, engine.put]

    def now_and_then(payload: bytes) -> Any:
        return sends.pop(0)(payload)

    with QueueExecutor(now_and_then) as executor:
        function = prepared(shared, executor)
        assert shared.do(function(1)) == "default"
        wait_until(lambda: function.cache_info().healing == 0)
        wait_until(lambda: leases(shared) == 0)
        info = function.cache_info()
        assert info.dropped + info.lost == 1
        shared.clock.advance(1)  # quiet for at most so long
        assert shared.do(function(1)) == "default"
        assert shared.cache.heal_message(engine.get(timeout=10)) is Outcome.HEALED
    assert shared.do(function(1)) == "v"


def test_the_lease_waits_with_its_event_and_the_worker_adopts_it_once(shared: World) -> None:
    engine: Engine[bytes] = Engine()
    worker, other = shared.another_process(), shared.another_process()
    prepared(worker, None)
    elsewhere = prepared(other, other.executor)
    with QueueExecutor(engine.put) as executor:
        function = prepared(shared, executor)
        shared.do(function(1))
        payload = took(engine, executor)
        assert leases(shared) == 1
        other.do(elsewhere(1))  # H19: queued here, so nobody else may heal it
        assert other.executor.run_next() is Outcome.REFUSED
        assert worker.cache.heal_message(payload) is Outcome.HEALED
        assert leases(shared) == 0
        assert worker.cache.heal_message(payload) is Outcome.SKIPPED
    assert shared.do(function(1)) == "v"
    for world in (worker, other):
        world.ledger_balances()


# H13, H14: an engine may lose what it took.
def test_an_event_that_the_engine_lost_costs_one_lease_and_one_read(shared: World) -> None:
    engine: Engine[bytes] = Engine()
    with QueueExecutor(engine.put, look_after=0.001) as executor:
        function = prepared(shared, executor)
        shared.do(function(1))
        took(engine, executor)  # lost
        shared.clock.advance(30)  # queue_timeout
        assert shared.do(function(1)) == "default"  # the one read
        payload = took(engine, executor)
        assert shared.cache.heal_message(payload) is Outcome.HEALED
        assert shared.do(function(1)) == "v"
        shared.clock.advance(100)
        wait_until(lambda: function.cache_info().healing == 0)
    info = function.cache_info()  # two events, and the heal of the one that came back here
    assert (info.healed + info.lost, info.healed >= 1) == (3, True)


# H13: the bound itself, on the store's clock: one lease, and the first read after it, in whatever
# process; no crash backs off for longer than the lease that it left.
@pytest.mark.parametrize("steps", range(5), ids=["dequeued", "acquire", "get", "call", "commit"])
def test_a_worker_that_dies_at_any_step_costs_one_lease_and_one_read(
    shared: World, steps: int
) -> None:
    engine: Engine[bytes] = Engine()
    worker = shared.another_process()
    prepared(worker, None)
    with QueueExecutor(engine.put) as executor:
        function = prepared(shared, executor, heal_timeout=30)
        shared.do(function(1))
        heal = heal_of(took(engine, executor), worker.cache._functions)
        assert heal is not None
        dies = Steps(heal)
        assert len([dies.next() for _ in range(steps)]) == steps
        shared.clock.advance((30 if steps == 0 else 31) - 2.0**-10)
        if steps < 4:
            shared.do(function(1))
            wait_until(lambda: function.cache_info().refused == 1)  # its lease holds
            shared.clock.advance(2.0**-10)
            assert shared.do(function(1)) == "default"  # the one read
            assert shared.cache.heal_message(took(engine, executor)) is Outcome.HEALED
        assert shared.do(function(1)) == "v"
        assert engine.empty()
        shared.clock.advance(100)


# H13: else each event of a key that is read all the time would find the lease with a later one.
def test_a_key_heals_though_the_queue_is_slower_than_queue_timeout(shared: World) -> None:
    engine: Engine[bytes] = Engine()
    worker, other = shared.another_process(), shared.another_process()
    for each in (worker, other):
        prepared(each, None)
    with QueueExecutor(engine.put, queue_timeout=30) as executor:
        function = prepared(shared, executor)
        shared.do(function(1))
        early = took(engine, executor)
        shared.clock.advance(30)
        shared.do(function(1))
        late = took(engine, executor)
        heal = heal_of(early, worker.cache._functions)
        assert heal is not None
        steps = Steps(heal)
        assert [steps.next(), steps.next()] == ["acquire", "get"]
        for payload in (early, late):  # H19: under way, and no more anybody's that brings an event
            assert other.cache.heal_message(payload) is Outcome.REFUSED
        assert steps.run() is Outcome.HEALED
        assert other.cache.heal_message(late) is Outcome.SKIPPED
        assert shared.do(function(1)) == "v"
        shared.clock.advance(100)
    for each in (worker, other):
        each.ledger_balances()


# H05, H19
def test_a_message_cannot_ask_for_a_lease_that_waits(shared: World) -> None:
    worker, other = shared.another_process(), shared.another_process()
    for each in (worker, other):
        prepared(each, None, name="price")
    hostile = message(["int", "1"], lease_token=WAITS)
    heal = heal_of(hostile, worker.cache._functions)
    assert heal is not None
    steps = Steps(heal)
    assert [steps.next(), steps.next()] == ["acquire", "get"]
    again = message(["int", "1"], lease_token="another event's")
    assert other.cache.heal_message(again) is Outcome.REFUSED
    assert steps.run() is Outcome.HEALED


def test_the_publishers_books_say_healed_once_the_worker_has(shared: World) -> None:
    engine: Engine[bytes] = Engine()
    worker = shared.another_process()
    prepared(worker, None)
    with QueueExecutor(engine.put, look_after=0.001) as executor:
        function = prepared(shared, executor)
        shared.do(function(1))
        worker.cache.heal_message(took(engine, executor))
        wait_until(lambda: function.cache_info().healed == 1)
    assert function.cache_info().healing == 0


def test_closing_sends_what_waits(shared: World) -> None:
    engine: Engine[bytes] = Engine()
    executor = QueueExecutor(engine.put)
    function = prepared(shared, executor)
    for n in range(50):
        shared.do(function(n))
    executor.close()
    assert engine.qsize() == 50
    shared.do(function(50))
    assert function.cache_info().dropped == 1


class Sent:
    """Stands in for a heal."""

    ended, group = False, "a"

    async def hand_on(self, send: Callable[[bytes], Any]) -> None:
        send(b"")
        self.ended = True


def test_dropping_it_open_warns() -> None:
    kept, sent = [QueueExecutor(lambda payload: None)], Sent()
    kept[0].submit(sent)
    wait_until(lambda: sent.ended and not kept[0].outbox.sending)
    with pytest.warns(ResourceWarning, match="close it"):
        kept.clear()


# H31
def test_without_a_thread_or_a_loop_for_the_publisher_heals_are_dropped_or_lost(
    shared: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine: Engine[bytes] = Engine()
    with QueueExecutor(engine.put) as executor:
        function = prepared(shared, executor)

        def cannot(*_: Any, **__: Any) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", cannot)
            assert shared.do(function(1)) == "default"
        assert function.cache_info().dropped == 1

        def no_descriptors(*_: Any, **__: Any) -> None:
            raise OSError(24, "Too many open files")

        with monkeypatch.context() as patch:
            patch.setattr("oob_heal.executors._outbox.asyncio.Runner", no_descriptors)
            assert shared.do(function(1)) == "default"
            wait_until(lambda: function.cache_info().lost == 1)
        assert shared.do(function(1)) == "default"
        assert shared.cache.heal_message(took(engine, executor)) is Outcome.HEALED


# H17: backoff is for a dependency that fails; an engine that is away says nothing of it.
def test_an_engine_that_is_away_costs_a_key_none_of_its_attempts(shared: World) -> None:
    with QueueExecutor(raising(OSError(111, "refused"))) as executor:
        function = prepared(shared, executor)
        for dropped in range(1, 6):
            assert shared.do(function(1)) == "default"
            wait_until(lambda expected=dropped: function.cache_info().dropped == expected)
            shared.clock.advance(1)  # quiet for at most so long
    assert shared.store is not None
    key = key_text(scope_text(function._oob_heal_core.scope), function.cache_key(1))
    lease = shared.store.acquire(key, 1)
    assert lease.attempt == 1


# H13, H28: what a queue loses is no crash of a healer, so nothing backs off from it.
def test_events_that_get_lost_cost_their_key_no_attempts_and_no_backoff(shared: World) -> None:
    engine: Engine[bytes] = Engine()
    with QueueExecutor(engine.put, queue_timeout=0.02) as executor:
        function = prepared(shared, executor)
        for _ in range(8):
            assert shared.do(function(1)) == "default"
            payload = took(engine, executor)  # lost
            wait_until(lambda: leases(shared) == 0)  # though the store's time stands
            shared.clock.advance(1)
        assert shared.do(function(1)) == "default"
        assert shared.cache.heal_message(took(engine, executor)) is Outcome.HEALED
        assert shared.cache.heal_message(payload) is Outcome.SKIPPED
    assert shared.do(function(1)) == "v"


# H28: nor do they where the publisher comes too late to take anything back, as one does whose sends
# are slow, or that has died.
def test_what_lapses_with_its_event_is_no_crash(shared: World) -> None:
    engine: Engine[bytes] = Engine()
    with QueueExecutor(engine.put, clock=ManualClock()) as executor:
        function = prepared(shared, executor)
        for _ in range(8):
            assert shared.do(function(1)) == "default"
            took(engine, executor)  # lost
            shared.clock.advance(30)
        assert shared.do(function(1)) == "default"
        heal = heal_of(took(engine, executor), shared.cache._functions)
        assert heal is not None
        assert Steps(heal).run() is Outcome.HEALED
        assert heal.lease is not None
        assert heal.lease.attempt == 1
        assert shared.cache.failing() == []
    assert shared.do(function(1)) == "v"
    shared.clock.advance(100)


def test_an_event_that_was_waited_for_too_long_still_heals_when_it_comes(shared: World) -> None:
    engine: Engine[bytes] = Engine()
    with QueueExecutor(engine.put, queue_timeout=0.02) as executor:
        function = prepared(shared, executor)
        shared.do(function(1))
        payload = took(engine, executor)
        wait_until(lambda: leases(shared) == 0)
        assert shared.cache.heal_message(payload) is Outcome.HEALED
        shared.clock.advance(100)


def test_the_lease_of_a_worker_is_not_taken_back_with_its_events(shared: World) -> None:
    engine: Engine[bytes] = Engine()
    worker = shared.another_process()
    with QueueExecutor(engine.put, queue_timeout=0.02) as executor:
        function = prepared(shared, executor)
        prepared(worker, None)
        shared.do(function(1))
        heal = heal_of(took(engine, executor), worker.cache._functions)
        assert heal is not None
        steps = Steps(heal)
        assert [steps.next(), steps.next()] == ["acquire", "get"]
        wait_until(lambda: not executor.outbox.sent.awaited)
        assert leases(shared) == 1
        assert steps.run() is Outcome.HEALED
        shared.clock.advance(100)
    worker.ledger_balances()
