"""The reference model and every order of two heals and one write, on real servers.

The server's time is the test's (``timed``), else these are the tests of the core (``tests/held``).
In the quick tier a part of them: 20 examples of the machine, every 48th of the 1,680 orders; in
the full one twice as much. OOB_HEAL_FULL=1 runs 1,000, and all orders.
"""

from __future__ import annotations

import pytest

from tests import held
from tests.amounts import amount
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
    examples = amount(20, thorough=40, full=1_000) // (1 if machine is Machine else 2)
    held.look(lambda: Timed(server), machine, "redis", colour, examples, monkeypatch)


@held.each_race
@held.each_colour
def test_a_write_during_two_heals_wins_in_every_order(
    server: Server, actors: tuple[str, ...], colour: str
) -> None:  # H06, H07
    held.race(Timed(server), actors, colour, amount(48, thorough=24, full=1))
