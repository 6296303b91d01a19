"""The reference model, and every order of two heals and one write, on a file of SQLite.

In the usual run a part of them: 10 examples of the machine, every 48th of the 1,680 orders.
OOB_HEAL_FULL=1 runs 1,000 and all. What is done is in ``tests/held``.
"""

from __future__ import annotations

import pytest

from tests import held
from tests.amounts import amount
from tests.model.machine import Machine
from tests.sqlite.place import Place

pytestmark = held.in_time


@held.each_machine
@held.each_colour
def test_whatever_happens_sqlite_does_what_the_model_says(
    machine: type[Machine], colour: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # H06 H07 H13 H14 H17 H19 H28 H42
    examples = amount(10, full=1_000, planted=100)
    held.look(Place, machine, "sqlite", colour, examples, monkeypatch)


@held.each_race
@held.each_colour
def test_a_write_during_two_heals_wins_in_every_order(
    actors: tuple[str, ...], colour: str
) -> None:  # H06, H07
    held.race(Place(), actors, colour, amount(48, full=1))
