"""The tier over a real server: its contract, the reference model, and every order.

In the usual run a part of them: 6 examples of the machine, every 48th of the 1,680 orders.
OOB_HEAL_FULL=1 runs 500 and all. What is done is in ``tests/held``.
"""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from oob_heal.backends import _redis_news
from oob_heal.backends.tiered import TieredBackend
from oob_heal.testing import BackendContract
from tests import held
from tests.amounts import amount
from tests.model.machine import Machine
from tests.redis.servers import Server
from tests.redis.test_contract import names
from tests.redis.timed import Timed, under_the_tests_clock
from tests.tier.model import TimedTier

pytestmark = held.in_time


@pytest.fixture(autouse=True)
def _timed(monkeypatch: pytest.MonkeyPatch) -> None:
    under_the_tests_clock(monkeypatch)
    monkeypatch.setattr(_redis_news, "TURN", 0.002)
    monkeypatch.setattr(_redis_news, "AGAIN", 0.002)


@pytest.mark.parametrize("promised", names())
def test_the_tier_promises_that(valkey: Server, promised: str) -> None:
    with contextlib.ExitStack() as stack:
        places: list[Timed] = []

        def make(*_: Any) -> TieredBackend:
            return stack.enter_context(TieredBackend(places[-1].backend()))

        def fresh(*_: Any) -> TieredBackend:
            places.append(Timed(valkey))
            stack.callback(places[-1].close)
            return make()

        def advance(seconds: float) -> None:
            places[-1].clock.advance(seconds)

        contract = BackendContract(fresh, advance=advance, second=make)
        (promise,) = [each for each in contract.promises() if str(each) == promised]
        promise()


@held.each_colour
def test_whatever_happens_the_tier_does_what_the_model_says(
    valkey: Server, colour: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # H06 H07 H13 H14 H18 H19 H28 H42
    examples = amount(6, full=500, planted=60)
    held.look(lambda: TimedTier(valkey), Machine, "tier", colour, examples, monkeypatch)


@held.each_race
@held.each_colour
def test_a_write_during_two_heals_wins_in_every_order(
    valkey: Server, actors: tuple[str, ...], colour: str
) -> None:  # H06, H07
    held.race(TimedTier(valkey), actors, colour, amount(48, full=1))
