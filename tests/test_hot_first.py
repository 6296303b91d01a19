"""Refreshes of known keys go before heals of keys never seen, which give way where none is left."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oob_heal import HealRejectedError
from oob_heal.executors._fair import EIGHTH, FairQueue
from oob_heal.executors.threads import ThreadExecutor
from tests.conftest import World
from tests.waiting import Gate, blocking, wait_until


class Heal:
    """What a queue sees of a heal."""

    def __init__(self, name: Any, *, refreshes: bool = True, limit: int = 1_000) -> None:
        self.name, self.refreshes, self.limit = name, refreshes, limit

    def __repr__(self) -> str:
        return str(self.name)


def unseen(name: Any) -> Heal:
    return Heal(name, refreshes=False)


def drained(queue: FairQueue) -> list[Any]:
    """What it gives, one at a time."""
    order = []
    while (taken := queue.take()) is not None:
        order.append(taken[1].name)
        queue.done(taken[0])
    return order


# H21
def test_a_refresh_goes_before_what_was_never_seen_and_each_eighth_place_does_not() -> None:
    queue = FairQueue(100, 2)
    for n in range(3):
        queue.put("f", unseen(f"new {n}"))
    for n in range(9):
        queue.put("f", Heal(n))
    assert EIGHTH == 8
    assert drained(queue) == [0, 1, 2, 3, 4, 5, 6, "new 0", 7, 8, "new 1", "new 2"]


def test_a_full_queue_sheds_the_youngest_that_was_never_seen_for_a_refresh() -> None:
    queue = FairQueue(4, 2)
    for name in ("a", "b"):
        queue.put("f", unseen(name))
        queue.put("g", Heal(name))
    assert queue.put("h", Heal("hot")).name == "b"
    assert queue.put("h", Heal("hotter")).name == "a"
    with pytest.raises(HealRejectedError, match="full"):
        queue.put("i", Heal("late"))
    with pytest.raises(HealRejectedError, match="full"):
        queue.put("i", unseen("never"))
    assert len(queue) == 4


def test_a_groups_own_half_is_what_it_sheds_from() -> None:
    queue = FairQueue(10, 2)
    for n in range(5):
        queue.put("f", unseen(n))
        queue.put("g", unseen(n))
    assert queue.put("f", Heal("hot")).name == 4
    assert [heal.name for heal in queue.clear()] == ["hot", 0, 1, 2, 3, 0, 1, 2, 3, 4]
    for n in range(5):
        queue.put("f", Heal(n))
        queue.put("g", unseen(n))
    with pytest.raises(HealRejectedError):  # no more than its half, though others could give way
        queue.put("f", Heal("more"))


def test_no_group_runs_more_than_its_dependency_takes_at_once() -> None:
    queue = FairQueue(100, 20)
    for n in range(10):
        queue.put("f", Heal(n, limit=3))
    assert [queue.take() is not None for _ in range(5)] == [True] * 3 + [False] * 2
    assert not queue.ready()
    queue.done("f")
    assert queue.ready()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["put", "put", "take", "done"]), st.integers(0, 3), st.booleans()
        ),
        max_size=120,
    )
)
def test_whatever_comes_it_is_bounded_fair_and_loses_nothing(
    happenings: list[tuple[str, int, bool]],
) -> None:
    queue, running = FairQueue(8, 4), Counter[str]()
    inside: set[Heal] = set()
    for what, number, refreshes in happenings:
        group = f"group {number}"
        if what == "put":
            heal = Heal(group, refreshes=refreshes)
            try:
                shed = queue.put(group, heal)
            except HealRejectedError:
                if refreshes and len(queue) >= 8:  # then nothing that it could shed is there
                    own = [each for each in inside if each.name == group]
                    left = own if len(own) >= 4 else inside
                    assert all(each.refreshes for each in left)
                continue
            inside.add(heal)
            if shed is not None:
                assert refreshes
                assert not shed.refreshes
                inside.remove(shed)
        elif what == "take":
            taken = queue.take()
            if taken is not None:
                running[taken[0]] += 1
                inside.remove(taken[1])
        elif running[group]:
            running[group] -= 1
            queue.done(group)
        assert len(queue) == len(inside) <= 8
        assert max(running.values(), default=0) <= 2
        assert max(Counter(each.name for each in inside).values(), default=0) <= 4


# H21, H20: the promise's own numbers, in the order of the queue alone.
def test_ten_hot_keys_wait_for_few_though_a_hundred_thousand_random_ones_do() -> None:
    queue, chance = FairQueue(10_000, 8), random.Random(5)
    dropped = 0
    for _ in range(100_000):
        try:
            queue.put("f", unseen(chance.random()))
        except HealRejectedError:
            dropped += 1
    assert (len(queue), dropped) == (5_000, 95_000)
    for n in range(10):
        assert queue.put("f", Heal(n)) is not None
    order = drained(queue)
    assert max(order.index(n) for n in range(10)) == 10  # one eighth on the way


# H14
def test_a_heal_that_gave_way_is_dropped_and_heals_with_its_next_miss(world: World) -> None:
    if world.colour == "async":
        return
    gate = Gate()
    with ThreadExecutor(threads=2, queue=4) as executor:
        f = world.decorate(blocking(gate), name="f", executor=executor, default=None)
        for n in range(3):
            world.do(f.set("old", n))
            world.do(f.mark_stale(n))
        f(100)
        gate.wait_for_calls()
        for n in (101, 102):
            f(n)
        assert world.do(f(0)) == world.do(f(1)) == "old"
        assert f.cache_info().dropped == 2
        world.ledger_balances()
        assert world.do(f(2)) == "old"
        assert f.cache_info().dropped == 3  # a refresh that found nothing to shed
        f(101)
        assert executor.waiting == 2
        gate.opened.set()
        wait_until(lambda: f.cache_info().healing == 0)
    assert f.cache_info().healed == 3
    f(101)


# H12, H27: what gave way dies in the caller, never under a lock.
def test_the_arguments_of_what_gives_way_die_when_the_lock_is_free() -> None:
    world, gate = World("memory", "sync"), Gate()
    with ThreadExecutor(threads=2, queue=2) as executor:
        alive: list[bool] = []

        class Session:
            def __del__(self) -> None:
                alive.append(executor.lock.acquire(timeout=1))
                executor.lock.release()

        def source(n: int, session: Any = None) -> str:
            return gate(n)

        f = world.decorate(source, name="f", ignore="session", executor=executor, default=None)
        f.set("old", 1)
        f.mark_stale(1)
        f(100)
        gate.wait_for_calls()
        f(101, Session())
        f(1)
        assert alive == [True]
        gate.opened.set()
        wait_until(lambda: f.cache_info().healing == 0)
