"""The promise: a decorated call never calls the dependency and never waits, whatever fails."""

from __future__ import annotations

import concurrent.futures
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from oob_heal import CacheMissError, HealRejectedError
from oob_heal.executors.tasks import TaskExecutor
from oob_heal.executors.threads import ThreadExecutor
from tests.conftest import World
from tests.service import Witness, answers_of, told

WORLDS = 6


class UnsayableError(Exception):
    """An error that cannot even be told."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


WEIRD = (
    RuntimeError("x"),
    MemoryError(),
    RecursionError("x"),
    StopIteration("x"),
    StopAsyncIteration(),
    OSError(24, "Too many open files"),
    concurrent.futures.CancelledError(),
    TimeoutError(),
    KeyError("x"),
    UnicodeDecodeError("ascii", b"\xff", 0, 1, "x"),
    ExceptionGroup("x", [ValueError(1), OSError(2)]),
    CacheMissError("x", None),  # type: ignore[arg-type]  # somebody else's
    HealRejectedError("full"),
    UnsayableError(),
)


class Weirdly:
    """Each submit raises the next of the weird errors."""

    turn = 0

    def submit(self, heal: Any, /) -> None:
        self.turn += 1
        raise WEIRD[self.turn % len(WEIRD)]


class InTheCaller:
    """An executor that somebody wrote without thinking."""

    def submit(self, heal: Any, /) -> None:
        heal()


def full(world: World, open_things: ExitStack) -> Any:
    world.executor.reject(HealRejectedError("full"))
    return world.executor


def raising(world: World, open_things: ExitStack) -> Any:
    return Weirdly()


def running_it_in_the_caller(world: World, open_things: ExitStack) -> Any:
    return InTheCaller()


def closed(world: World, open_things: ExitStack) -> Any:
    executor = ThreadExecutor()
    executor.close()
    return executor


def a_pool_shut_down(world: World, open_things: ExitStack) -> Any:
    executor = concurrent.futures.ThreadPoolExecutor()
    executor.shutdown()
    return executor


def without_threads(world: World, open_things: ExitStack) -> Any:  # H31
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    open_things.enter_context(pytest.MonkeyPatch.context()).setattr(
        threading.Thread, "start", start
    )
    return open_things.enter_context(ThreadExecutor())


def a_pool_without_threads(world: World, open_things: ExitStack) -> Any:
    without_threads(world, open_things)
    return open_things.enter_context(concurrent.futures.ThreadPoolExecutor())


def tasks_without_a_loop(world: World, open_things: ExitStack) -> Any:
    return TaskExecutor()  # the requests of async worlds are driven by hand here


def working(world: World, open_things: ExitStack) -> Any:
    if world.colour == "async":
        return TaskExecutor()
    return open_things.enter_context(ThreadExecutor(threads=2))


EXECUTORS = (
    full,
    raising,
    running_it_in_the_caller,
    closed,
    a_pool_shut_down,
    without_threads,
    a_pool_without_threads,
    tasks_without_a_loop,
    working,
)


def close_the_cache(world: World) -> None:
    world.cache.close(0)


def stop_the_clock(world: World) -> None:
    def now() -> float:
        raise OSError("no clock")

    for function in world.functions:
        function._oob_heal_core.shelf.now = now


def break_verbs(*verbs: str) -> Callable[[World], None]:
    def strike(world: World) -> None:
        turns = iter(range(10**9))

        def ask(verb: str) -> None:
            if verb in verbs:
                raise WEIRD[next(turns) % len(WEIRD)]

        world.backend._ask = ask

    strike.__name__ = f"break_{'_'.join(verbs)}"
    return strike


STRIKES = (
    close_the_cache,
    stop_the_clock,
    break_verbs("get"),
    break_verbs("acquire"),
    break_verbs("commit"),
    break_verbs("release"),
    break_verbs("acquire", "commit", "release"),
    break_verbs("get", "acquire", "commit", "release"),
)
FAULTS = [(each, None) for each in EXECUTORS] + [(working, each) for each in STRIKES]
REQUESTS = 50_000 // (len(FAULTS) * WORLDS) + 1  # of a fault in a world: 50,000 in all


def name_of(fault: Any) -> str:
    executor, strike = fault
    return executor.__name__ if strike is None else strike.__name__


# H12, H18 and H31 in one process: 50,000 requests over the faults, 0 calls below a request.
@pytest.mark.parametrize("fault", FAULTS, ids=name_of)
def test_no_request_calls_the_dependency_or_raises_whatever_fails(world: World, fault: Any) -> None:
    witness = Witness()

    def source(n: int) -> str:
        return witness(n)

    make_executor, strike = fault
    no_loop = make_executor is tasks_without_a_loop
    with ExitStack() as open_things:
        executor = make_executor(world, open_things)
        plain = world.decorate(source, name="plain", default="default", executor=executor)
        strict = world.decorate(source, name="strict", executor=executor)
        for n in range(10):
            world.do((plain, strict)[n % 2].set("old", n))
        world.clock.advance(61)  # these are stale now, and 10 to 19 absent
        if strike is not None:
            strike(world)
        answer = open_things.enter_context(answers_of(world, no_loop=no_loop))
        members = (plain, strict, plain.lookup, strict.lookup, plain.heal, strict.heal)
        seen = Counter(told(answer, members[i % 6], i % 20) for i in range(REQUESTS))
    allowed = {"old", "healed", "default", "miss:absent", "miss:unavailable", "True", "False"}
    assert set(seen) <= allowed
    assert seen.total() == REQUESTS
    assert witness.below_a_request == 0
    assert witness.calls > 0 or fault != (working, None)
