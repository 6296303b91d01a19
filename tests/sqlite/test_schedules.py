"""Schedules of actors at random, on a file of SQLite: see ``tests/test_schedules.py``.

In the usual run 2 of each scenario and colour; OOB_HEAL_FULL=1 plays 500.
"""

from __future__ import annotations

import os

import pytest

from tests.amounts import FULL
from tests.model.backends import BACKENDS
from tests.model.runs import standing_loop
from tests.schedules.play import EVERY, Player
from tests.schedules.scheduler import schedules_from
from tests.sqlite.place import Place

RANDOM = 500 if FULL else 2
SEED = int(os.environ.get("OOB_HEAL_SEED", "0"))


@pytest.mark.timeout(3_600 if FULL else 60)
@pytest.mark.parametrize(
    ("name", "colour"),
    [
        (name, colour)
        for name, scenario in EVERY.items()
        for colour in ("sync", "async")
        if colour.endswith(scenario.only)
    ],
)
def test_at_random_the_promises_hold_on_sqlite_and_no_lease_is_left(
    name: str, colour: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # H07 H13 H14 H19 H24
    monkeypatch.setitem(BACKENDS, "sqlite", Place)
    print(f"seeds {SEED} to {SEED + RANDOM - 1}")
    with standing_loop() as loop:
        player = Player(name, "sqlite", colour, loop, fine=True)
        assert player.play_all(schedules_from(SEED, RANDOM)) == RANDOM
