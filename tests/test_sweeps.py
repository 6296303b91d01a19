"""What is past its deadline is swept by whoever comes by, a little by each."""

from __future__ import annotations

from typing import Any

import pytest

from oob_heal._inflight import SWEPT_BY_A_MISS, InFlight
from oob_heal._model import Entry, Outcome
from oob_heal.testing import ManualClock


class Heal:
    """What the ledger knows of one."""

    outcome = instead_of = None
    running = stranded = False
    task: Any = None

    def __init__(self, key: int) -> None:
        self.key = (key,)


def late(count: int) -> tuple[InFlight, list[Any]]:
    """So many heals, all of them past their deadline."""
    clock = ManualClock()
    inflight = InFlight(clock)
    heals = [Heal(n) for n in range(count)]
    assert all(inflight.begin(heal, None, 10) for heal in heals)
    clock.advance(11)
    return inflight, heals


def test_a_miss_sweeps_a_bounded_part_of_what_is_late() -> None:
    inflight, heals = late(1_000)
    assert inflight.begin(Heal(-1), None, 10)
    lost = sum(heal.outcome is Outcome.LOST for heal in heals)
    assert lost == SWEPT_BY_A_MISS
    _, ended, under_way = inflight.ledger()  # who asks for the books waits for all of it
    assert (ended, under_way) == ({Outcome.LOST: 1_000}, 1)


def test_each_miss_sweeps_its_part() -> None:  # H20
    inflight, heals = late(1_000)
    assert all(inflight.begin(Heal(-n), None, 10) for n in (1, 2))
    assert sum(heal.outcome is Outcome.LOST for heal in heals) == 2 * SWEPT_BY_A_MISS


def test_a_miss_of_what_is_late_and_unswept_counts_it_as_lost() -> None:  # H14
    inflight, heals = late(1_000)
    assert inflight.begin(Heal(999), None, 10)
    assert heals[-1].outcome is Outcome.LOST
    assert inflight.ledger() == (1_001, {Outcome.LOST: 1_000}, 1)


@pytest.mark.parametrize("late", [False, True])
def test_a_heal_that_lost_its_mark_to_another_one_is_lost_at_its_own_deadline(
    late: bool,
) -> None:  # H14
    clock = ManualClock()
    inflight, first, other = InFlight(clock), Heal(1), Heal(1)
    assert inflight.begin(first, None, 10)
    inflight.join(other, 20)
    clock.advance(11 if late else 0)
    inflight.leads(other, 20)
    clock.advance(0 if late else 11)
    assert inflight.ledger() == (2, {Outcome.LOST: 1}, 1)
    assert (first.outcome, other.outcome) == (Outcome.LOST, None)


def test_a_heal_that_takes_its_lease_late_still_holds_its_key() -> None:  # H19
    clock = ManualClock()
    inflight, heal = InFlight(clock), Heal(1)
    assert inflight.begin(heal, None, 90)
    assert inflight.start(heal, 10)
    clock.advance(11)
    inflight.leads(heal, 10)
    assert heal.outcome is None
    assert not inflight.begin(Heal(1), None, 10)


def test_a_stranded_heal_whose_account_was_late_before_its_mark_is_counted_once() -> None:  # H14
    clock = ManualClock()
    inflight, stranded = InFlight(clock), Heal(1)
    inflight.join(Heal(1), 100)
    inflight.join(stranded, 5)
    inflight.leads(stranded, 50)
    clock.advance(6)
    assert inflight.ledger() == (2, {Outcome.LOST: 1}, 1)
    stranded.stranded = True
    assert inflight.begin(Heal(1), None, 10)
    assert inflight.ledger() == (3, {Outcome.LOST: 1}, 2)


def test_a_mark_that_another_replaces_dies_when_the_lock_is_free() -> None:  # H27
    clock = ManualClock()
    inflight, locked = InFlight(clock), []

    class Dying(Heal):
        def __del__(self) -> None:
            locked.append(inflight.lock.locked())

    heal = Dying(1)
    assert inflight.begin(heal, None, 90)
    assert inflight.start(heal, 90)
    inflight.handed_on(heal, None, 5, 1)
    del heal
    clock.advance(2)
    inflight.ledger()  # its account is late: the mark alone holds it
    assert inflight.begin(Heal(1), Entry("v", clock()), 10)
    assert locked == [False]


def test_what_has_ended_leaves_little_behind() -> None:  # H20: a key is the user's arguments
    inflight = InFlight(ManualClock())
    crowd = [Heal(n) for n in range(1_000)]
    assert all(inflight.begin(heal, None, 1e9) for heal in crowd)
    assert all(inflight.end(heal, Outcome.HEALED) for heal in crowd)
    for n in range(100):
        heal = Heal(n)
        assert inflight.begin(heal, None, 1e9)
        assert inflight.start(heal, 1e9)
        assert inflight.end(heal, Outcome.HEALED)
    left = [len(table._heap) for table in (inflight._marks, inflight._open)]
    assert max(left) < 100


def test_what_is_late_keeps_nobody_out() -> None:  # H20
    clock = ManualClock()
    inflight = InFlight(clock, limit=500)
    heals = [Heal(n) for n in range(500)]
    assert all(inflight.begin(heal, None, 10) for heal in heals)
    assert all(inflight.end(heal, Outcome.HEALED) for heal in heals[:100])  # traces come first
    assert all(inflight.begin(Heal(n), None, 10) for n in range(500, 600))
    clock.advance(11)
    assert inflight.begin(Heal(-1), None, 10)


def test_a_heal_that_ends_late_and_unswept_is_counted_as_what_it_came_to() -> None:  # H14
    inflight, heals = late(1_000)
    assert inflight.begin(Heal(-1), None, 10)
    assert inflight.end(heals[-1], Outcome.HEALED)
    published, ended, under_way = inflight.ledger()
    assert published == sum(ended.values()) + under_way
    assert (ended[Outcome.HEALED], ended[Outcome.LOST], under_way) == (1, 999, 1)
