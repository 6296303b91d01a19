"""The outbox between a miss and its engine: fair, bounded, and outliving whatever it meets."""

from __future__ import annotations

import asyncio
import gc
import queue
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from oob_heal import Outcome
from oob_heal.executors._outbox import Outbox
from oob_heal.executors._sent import Sent
from oob_heal.executors.queue import QueueExecutor
from oob_heal.testing import ManualClock
from tests.conftest import World
from tests.waiting import LIMIT, Gate, wait_until


class Asked:
    """Stands in for a heal that an engine was sent."""

    group, ended = "a", False

    def __init__(self, settles: Callable[[], bool] = lambda: False) -> None:
        self.settles = settles
        self.looks = 0

    async def hand_on(self, send: Callable[[bytes], Any]) -> None:
        send(b"")

    async def settle(self) -> bool:
        self.looks += 1
        return self.settles()

    async def take_back(self) -> None: ...


# H21, H20: a flood of keys never seen is shed for a key that is known.
def test_a_refresh_goes_before_the_heals_of_keys_never_seen_which_give_way(shared: World) -> None:
    gate = Gate()
    sent: list[bytes] = []

    def send(payload: bytes) -> None:
        gate()
        sent.append(payload)

    with QueueExecutor(send, outbox=8, clock=ManualClock()) as executor:

        def source(n: int) -> str:
            return "v"

        f = shared.decorate(source, name="f", default="default", executor=executor)
        for n in range(3):
            shared.do(f.set("old", n))
            shared.do(f.mark_stale(n))
        shared.do(f(100))
        gate.wait_for_calls()
        for n in range(101, 121):
            assert shared.do(f(n)) == "default"
        assert f.cache_info().dropped == 16  # of one function, half of the places
        for n in range(3):
            assert shared.do(f(n)) == "old"
        assert f.cache_info().dropped == 19
        gate.opened.set()
        wait_until(lambda: len(sent) == 5)
    assert [b'"stale"' in payload for payload in sent] == [False, True, True, True, False]


# H16: one function's flood leaves the others their half.
def test_no_function_has_more_than_half_of_the_outbox(shared: World) -> None:
    gate = Gate()
    with QueueExecutor(gate, outbox=8, clock=ManualClock()) as executor:
        assert executor.share == 4

        def source(n: int) -> str:
            return "v"

        f = shared.decorate(source, name="f", default="default", executor=executor)
        g = shared.decorate(source, name="g", default="default", executor=executor)
        for n in range(20):
            shared.do(f(n))
        for n in range(4):
            shared.do(g(n))
        assert g.cache_info().dropped == 0
        gate.opened.set()


# H27, H12: whoever publishes would wait for a lock whose holder waits for itself.
def test_what_the_outbox_forgets_dies_when_its_lock_is_free() -> None:
    outbox = Outbox(lambda payload: None, 1, 60.0, 5.0, 30.0, ManualClock())
    free: list[bool] = []

    class Dying(Asked):
        def __del__(self) -> None:
            free.append(outbox.lock.acquire(timeout=0.5))
            if free[-1]:
                outbox.lock.release()

    for turn in range(13):
        outbox.put(Dying())
        wait_until(lambda turn=turn: outbox.sending is None and not len(outbox.waiting))
    wait_until(lambda: len(free) >= 2)
    assert len(outbox.sent) == outbox.sent.awaited == 10
    assert set(free) == {True}
    outbox.close(0)


# H14: a send may need the very loop in which the executor is closed.
def test_closed_without_blocking_the_loop_it_sends_what_waits() -> None:
    async def main() -> None:
        loop, sent = asyncio.get_running_loop(), 0

        async def here() -> None:
            nonlocal sent
            sent += 1

        async def send(payload: bytes) -> None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(here(), loop))

        class Awaited(Asked):
            async def hand_on(self, send: Callable[[bytes], Any]) -> None:
                await send(b"")
                self.ended = True

        async with QueueExecutor(send, clock=ManualClock(), grace=30.0) as executor:
            for _ in range(20):
                executor.submit(Awaited())
        assert sent == 20

    asyncio.run(main())


def test_a_heal_that_was_sent_keeps_none_of_its_arguments(shared: World) -> None:
    engine: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    class Session: ...

    with QueueExecutor(engine.put, clock=ManualClock()) as executor:

        def source(n: int, session: Any = None) -> str:
            return "v"

        f = shared.decorate(source, name="f", default=None, executor=executor, ignore="session")
        session = Session()
        dead = weakref.ref(session)
        shared.do(f(1, session))
        del session
        payload = engine.get(timeout=10)
        wait_until(lambda: len(executor.outbox.sent))
        wait_until(lambda: gc.collect() >= 0 and dead() is None)
        assert f.cache_info().healing == 1
        assert shared.cache.heal_message(payload) is Outcome.HEALED


# H26, H13: else nothing was ever sent again, and nobody would know.
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_the_publisher_outlives_whatever_a_backend_raises(error: type[BaseException]) -> None:
    def raises() -> bool:
        raise error

    sent = threading.Semaphore(0)
    executor = QueueExecutor(lambda payload: sent.release(), look_after=0.001)
    first = Asked(raises)
    executor.submit(first)
    wait_until(lambda: first.looks)
    publisher = executor.outbox.publisher
    executor.submit(Asked())
    assert sent.acquire(timeout=10)
    assert sent.acquire(timeout=10)
    assert executor.outbox.publisher is publisher
    executor.close()


class Broken(Asked):
    """Raises as it is handed on, whatever it is."""

    was_cut_off = False

    async def hand_on(self, send: Callable[[bytes], Any]) -> None:
        raise SystemExit

    def cut_off(self) -> None:
        self.was_cut_off = self.ended = True


def test_a_heal_that_cannot_be_handed_on_leaves_the_others_their_publisher() -> None:  # H26
    sent = threading.Semaphore(0)
    with QueueExecutor(lambda payload: sent.release(), clock=ManualClock()) as executor:
        broken, whole = Broken(), Asked(lambda: True)
        executor.submit(broken)
        executor.submit(whole)
        wait_until(lambda: broken.was_cut_off)
        publisher = executor.outbox.publisher
        assert publisher is not None
        assert sent.acquire(timeout=LIMIT)
        assert executor.outbox.publisher is publisher
        whole.ended = True


# H26: what waits behind it is sent by the same publisher, not lost with it.
@pytest.mark.parametrize("error", [ValueError, SystemExit, asyncio.CancelledError])
def test_whatever_send_raises_what_waits_behind_it_is_sent(
    shared: World, error: type[BaseException]
) -> None:
    gate = Gate()
    sent: list[bytes] = []

    def send(payload: bytes) -> None:
        gate()
        if gate.calls == 1:
            raise error
        sent.append(payload)

    with QueueExecutor(send, clock=ManualClock()) as executor:

        def source(n: int) -> str:
            return "v"

        f = shared.decorate(source, name="f", default="default", executor=executor)
        shared.do(f(1))
        gate.wait_for_calls()
        shared.do(f(2))
        gate.opened.set()
        wait_until(lambda: len(sent) == 1 or f.cache_info().lost == 2)
        assert len(sent) == 1
        shared.do(f.set("v", 2))


# H14: the books tell soon what a worker has healed, however long others are put off.
def test_a_key_just_sent_is_looked_at_before_one_that_was_put_off() -> None:
    sent, first, second = Sent(threading.Lock(), 1.0, 30.0, 100), Asked(), Asked()
    sent.put(first, 0.0)
    asyncio.run(sent.look(1.0))  # not healed: again at 3
    sent.put(second, 1.0)
    assert sent.due() == 2.0
    asyncio.run(sent.look(2.0))
    assert (first.looks, second.looks) == (1, 1)


@pytest.mark.parametrize("look_after", [0, -1, float("nan"), float("inf")])
def test_a_look_that_would_never_come_or_never_end_is_refused(look_after: float) -> None:
    with pytest.raises(ValueError, match="look_after= must be"):
        QueueExecutor(print, look_after=look_after)
