"""What hangs or floods starves nobody: decorated functions over real threads, counted."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from oob_heal import Dependency
from oob_heal.executors.threads import ThreadExecutor
from oob_heal.testing import ManualClock
from tests.amounts import FULL
from tests.conftest import World
from tests.waiting import LIMIT, Gate, blocking, wait_until

HUNG, THREADS = 64, 8  # the promise's own numbers
SHARE = THREADS // 2
FLOOD = 100_000 if FULL else 10_000  # random keys; the promise was made for 100,000
HOT = 10


def of_executors() -> set[threading.Thread]:
    """The threads that carry heals, or watch those that do."""
    names = ("oob-heal-worker", "oob-heal-manager")
    return {thread for thread in threading.enumerate() if thread.name in names}


class Hanging:
    """A function A that hangs, B beside it, and the eight threads of both."""

    def __init__(self, world: World, executor: ThreadExecutor, clock: ManualClock) -> None:
        self.clock = clock
        self.executor, self.gate = executor, Gate()
        self.others = of_executors()
        on_its_own = Dependency("a", concurrency=HUNG, breaker=None)
        self.a = world.decorate(
            blocking(self.gate), name="a", dependency=on_its_own, **self._options(executor)
        )
        self.b = world.decorate(lambda n: n, name="b", **self._options(executor))

    @staticmethod
    def _options(executor: ThreadExecutor) -> dict[str, Any]:
        return {"executor": executor, "heal_timeout": 5, "default": None}

    def half_of_the_threads_hang(self) -> None:
        """The time of as many calls of A as may run has run out."""
        self.clock.advance(5)
        self.executor.sweep()
        assert len(of_executors() - self.others) <= THREADS + HUNG + 1  # the manager

    def so_many_hang(self, count: int) -> None:
        """A thread that has just healed B counts, too, until it says that it is done."""
        wait_until(lambda: self.executor.hung == count)

    def b_heals(self, count: int) -> None:
        """So many keys of B heal, and meanwhile no heal of A has begun or ended."""
        before, healed = (self.gate.calls, self.gate.left), self.b.cache_info().healed
        for n in range(healed, healed + count):
            assert self.b(n) is None
        wait_until(lambda: self.b.cache_info().healed == healed + count)
        assert (self.gate.calls, self.gate.left) == before


@pytest.fixture(params=["memory", "store"])
def hanging(request: pytest.FixtureRequest) -> Iterator[Hanging]:
    # Only the threads' clock moves: what comes late finds no lease or account past its deadline.
    world, clock = World(request.param, "sync"), ManualClock()
    with ThreadExecutor(THREADS, hung=HUNG, grace=0, clock=clock) as executor:
        made = Hanging(world, executor, clock)
        yield made
        made.gate.opened.set()
        wait_until(lambda: executor.hung == 0)
    world.ledger_balances()


# H16
def test_while_sixty_four_keys_of_a_function_hang_anothers_heal_and_none_lands_late(
    hanging: Hanging,
) -> None:
    a, executor, keys = hanging.a, hanging.executor, list(range(HUNG))
    for n in keys:  # all at once: they wait for A's half of the threads
        assert a(n) is None
    for turn in range(0, HUNG, SHARE):
        hanging.gate.wait_for_calls(SHARE)
        hanging.b_heals(4)
        hanging.so_many_hang(turn)
        hanging.half_of_the_threads_hang()
    wait_until(lambda: a.cache_info().failed == HUNG)
    hanging.so_many_hang(HUNG)
    assert hanging.gate.calls == HUNG
    a(HUNG)  # one more than may hang
    assert a.cache_info().dropped == 1
    hanging.b_heals(4 * THREADS)
    hanging.gate.opened.set()
    wait_until(lambda: executor.hung == 0)
    wait_until(lambda: hanging.gate.left == HUNG)
    hanging.b_heals(THREADS)  # through the threads that came back: they are done with A
    assert [a.peek(n) for n in keys] == [None] * HUNG
    info = a.cache_info()
    assert (info.healed, info.failed, info.dropped) == (0, HUNG, 1)


def order_of_heals(flood: int) -> list[Any]:
    """Ten hot keys are stale, asked for one by one among so many random keys; in which order the
    one thread of a function healed them all, after the heal that it was at."""
    world, chance, order = World("memory", "sync"), random.Random(21), list[Any]()
    entered, opened = threading.Event(), threading.Event()

    def source(n: Any) -> str:
        if n == "before":
            entered.set()
            assert opened.wait(300)  # s: as long as the flood takes, on a busy machine
            return "v"
        order.append(n)
        return "v"

    with ThreadExecutor(threads=2) as executor:
        f = world.decorate(source, name="f", executor=executor, default=None)
        for n in range(HOT):
            f.set("old", n)
            f.mark_stale(n)
        f("before")
        assert entered.wait(LIMIT)
        for n in range(HOT):
            for _ in range(flood // HOT):
                f(chance.random())
            assert f(n) == "old"
        opened.set()
        wait_until(lambda: f.cache_info().healing == 0, limit=60)
    assert [f(n) for n in range(HOT)] == ["v"] * HOT
    world.ledger_balances()
    return order


# H21, H20
def test_in_front_of_a_flood_of_random_keys_the_hot_ones_take_twice_as_long_at_most() -> None:
    alone, flooded = order_of_heals(0), order_of_heals(FLOOD)
    assert alone == list(range(HOT))
    assert len(flooded) > FLOOD / 100  # the flood waited, too
    for n in range(HOT):
        assert flooded.index(n) + 1 <= 2 * (alone.index(n) + 1)
