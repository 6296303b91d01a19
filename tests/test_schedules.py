"""Every order of the steps of two or three actors, and many more at random.

The scheduler, the actors and what must hold are in ``tests/schedules``. A failure prints its seed
and its trace; ``python -m tests.schedules SCENARIO WORLD SEED`` plays it again. ``OOB_HEAL_FULL=1``
makes it 10,000 random schedules a scenario and world; ``OOB_HEAL_SEED=n`` begins elsewhere.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest

from tests.amounts import FULL, THOROUGH, amount
from tests.model.runs import standing_loop
from tests.schedules.play import EVERY, Player
from tests.schedules.scheduler import all_schedules, schedules_from

RANDOM = amount(10, thorough=25, full=10_000)
SEED = int(os.environ.get("OOB_HEAL_SEED", "0"))
BEGINNINGS = [True, False] if THOROUGH else [True]
WORLDS = ("memory-sync", "memory-async", "store-sync", "store-async")


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    with standing_loop() as made:
        yield made


def cases(*orders: str) -> list[tuple[str, str]]:
    """Scenarios with so many orders, in each world where they make sense."""
    return [
        (name, world)
        for name, scenario in EVERY.items()
        for world in WORLDS
        if scenario.orders in orders
        and world.endswith(scenario.only)
        and not (scenario.shared and world.startswith("memory"))
    ]


def player(name: str, world: str, loop: asyncio.AbstractEventLoop, *, fine: bool) -> Player:
    kind, colour = world.split("-")
    return Player(name, kind, colour, loop, fine=fine)


@pytest.mark.timeout(3_600 if FULL else 60)
@pytest.mark.parametrize(("name", "world"), cases("few", "many", "more", "endless"))
def test_at_random_the_promises_hold_and_no_lease_is_left(
    name: str, world: str, loop: asyncio.AbstractEventLoop
) -> None:  # H07 H13 H14 H19 H24
    print(f"seeds {SEED} to {SEED + RANDOM - 1}")
    count = player(name, world, loop, fine=True).play_all(schedules_from(SEED, RANDOM))
    assert count == RANDOM


@pytest.mark.timeout(3_600 if FULL else 60)
@pytest.mark.parametrize("begins_stale", BEGINNINGS, ids=["stale", "absent"][: len(BEGINNINGS)])
@pytest.mark.parametrize(("name", "world"), cases("few", "many", "more") if FULL else cases("few"))
def test_in_every_order_of_two_actors_the_promises_hold(
    name: str, world: str, begins_stale: bool, loop: asyncio.AbstractEventLoop
) -> None:  # H07 H13 H14 H19 H24
    played = player(name, world, loop, fine=False)
    for schedule in all_schedules():
        played.play(schedule, begins_stale=begins_stale)


@pytest.mark.skipif(not THOROUGH, reason="in the full tier: OOB_HEAL_THOROUGH=1")
@pytest.mark.parametrize(
    ("name", "world"), [case for case in cases("many") if case[1] == "store-async"]
)
def test_in_every_order_of_three_actors_the_promises_hold(
    name: str, world: str, loop: asyncio.AbstractEventLoop
) -> None:  # H07 H13 H14 H19 H24
    played = player(name, world, loop, fine=False)
    for schedule in all_schedules():
        played.play(schedule, begins_stale=False)
