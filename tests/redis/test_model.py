"""The reference model and every order of two heals and one write, on real servers.

The server's time is the test's (``timed``), else these are the tests of the core (``tests/held``).
In CI a part of them, so that all of Redis stays under 90 s: 40 examples of the machine (of 300),
every 24th of the 1,680 orders. OOB_HEAL_FULL=1 runs them all.
"""

from __future__ import annotations

import pytest

from tests import held
from tests.model.machine import Machine
from tests.redis.servers import Server
from tests.redis.timed import Timed, under_the_tests_clock

pytestmark = held.in_time


@pytest.fixture(autouse=True)
def _timed(monkeypatch: pytest.MonkeyPatch) -> None:
    under_the_tests_clock(monkeypatch)


@held.each_machine
@held.each_colour
def test_whatever_happens_redis_does_what_the_model_says(
    server: Server, machine: type[Machine], colour: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # H06 H07 H13 H14 H17 H19 H28 H42
    examples = held.amount(40, full=1_000) // (1 if machine is Machine else 2)
    held.look(lambda: Timed(server), machine, "redis", colour, examples, monkeypatch)


@held.each_race
@held.each_colour
def test_a_write_during_two_heals_wins_in_every_order(
    server: Server, actors: tuple[str, ...], colour: str
) -> None:  # H06, H07
    held.race(Timed(server), actors, colour, held.amount(24, full=1))
