"""Observers hear what happens in a thread of their own: what they do there is nobody's trouble."""

from __future__ import annotations

import inspect
import sys
import threading
from typing import Any

import pytest

from oob_heal import HealingCache, _mailbox
from oob_heal._mailbox import MAILBOX
from oob_heal.codecs.json import JsonCodec
from oob_heal.observe import HealEnded, Missed
from tests.conftest import World
from tests.service import arequest, request
from tests.waiting import Gate, wait_until

CALLS = 200


def observed(world: World, *observers: Any) -> Any:
    """A function whose happenings these hear."""
    world.cache = HealingCache(
        backend=world.backend,
        executor=world.executor,
        clock=world.clock,
        namespace="observed",
        observers=observers,
        codec=JsonCodec(),
    )
    return world.decorate(lambda n: "v", name="source", default="default")


def serve(world: World, function: Any) -> None:
    """Calls and heals, all of which end as if nobody listened."""
    for n in range(CALLS):
        assert world.do((request if world.colour == "sync" else arequest)(function, n)) == "default"
    world.executor.run_all()
    for n in range(CALLS):
        assert world.do(function(n)) == "v"
    assert function.cache_info().healed == CALLS


# H41
@pytest.mark.parametrize("error", [ValueError(), SystemExit(3), KeyboardInterrupt()])
def test_an_observer_that_raises_hurts_nobody_and_hears_on(
    world: World, error: BaseException
) -> None:
    heard: list[Any] = []
    raised: list[Any] = []

    def raises(happening: Any) -> None:
        raised.append(happening)
        raise error

    function = observed(world, raises, heard.append)
    serve(world, function)
    world.cache.close()
    assert raised == heard
    assert sum(isinstance(each, Missed) for each in heard) == CALLS
    assert sum(isinstance(each, HealEnded) for each in heard) == CALLS


# H41: nobody would come back, were anybody to wait: it never goes on before the end.
def test_an_observer_that_blocks_for_ever_is_waited_for_by_nobody(world: World) -> None:
    gate, heard = Gate(), list[Any]()

    def blocks(happening: Any) -> None:
        gate()

    function = observed(world, blocks, heard.append)
    serve(world, function)
    gate.wait_for_calls()
    wait_until(lambda: sum(isinstance(each, HealEnded) for each in heard) == CALLS)
    world.cache.close(0.01)
    assert gate.calls == 1
    gate.opened.set()


# H41: the mailbox is bounded, and what falls out of it is counted.
def test_the_mailbox_of_an_observer_that_blocks_is_bounded() -> None:
    gate, world = Gate(), World("memory", "sync")

    def blocks(happening: Any) -> None:
        gate()

    function = observed(world, blocks)
    function.set("v", 1)
    function(1)
    gate.wait_for_calls()
    for _ in range(MAILBOX + 100):
        assert function(1) == "v"
    (mailbox,) = world.cache._parts.hub._mailboxes
    assert len(mailbox._waiting) == MAILBOX
    assert mailbox.overflowed == 100
    mailbox._waiting.clear()
    gate.opened.set()


def test_no_observer_is_called_in_a_request_or_in_a_heal(world: World) -> None:
    frames: set[Any] = set()
    threads: set[int] = set()

    def listens(happening: Any) -> None:
        threads.add(threading.get_ident())
        frame = inspect.currentframe()
        while frame is not None:
            frames.add(frame.f_code)
            frame = frame.f_back

    function = observed(world, listens)
    serve(world, function)
    world.cache.close()
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    assert not frames & {request.__code__, arequest.__code__, sys._getframe().f_code}


def test_an_idle_observers_thread_ends_and_another_starts_with_the_next_happening(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_mailbox, "IDLE", 0.001)
    names: list[threading.Thread] = []
    world = World("memory", "sync")
    function = observed(world, lambda happening: names.append(threading.current_thread()))
    for n in range(3):
        function(n)
        wait_until(lambda n=n: len(names) >= 2 * (n + 1))
        wait_until(lambda: not names[-1].is_alive())
    assert len(set(names)) >= 3
