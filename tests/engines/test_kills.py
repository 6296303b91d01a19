"""SIGKILL at each step of a heal: the key is fresh again within one lease and one read.  # H13

How long that is, the store's own clock tells: what an engine takes to start a killed worker again
is no part of it. ``tests/test_crashes.py`` holds each instant of it, on a clock of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.amounts import FULL
from tests.engines.conftest import FIRST, PATIENT, PLACES, heals
from tests.engines.shop import LEASE, STEPS
from tests.waiting import wait_until


def rounds(place: str) -> int:
    """How often each step is tried."""
    return 50 if FULL else 10 if place in FIRST else 1


def was_called(tally: Any, n: int, times: int) -> bool:
    """Whether the dependency was called so often for a key; once more for each heal that failed,
    as one does that took longer than its heal_timeout on a busy machine."""
    calls, failed = (int(tally.hget(name, str(n)) or 0) for name in ("calls", "failed"))
    return times <= calls <= times + failed


def nobody_waited_for_more_than_a_lease(shop: Any, n: int) -> bool:
    """Whether, by the store's own clock, whoever was refused was refused because a lease held: the
    first who asked after it had lapsed was granted the next. A heal that failed backs off."""
    told, failed = shop.told(n), int(shop.tally.hget("failed", str(n)) or 0)
    ends = {until for how, until in told if how == "granted"}
    others = [(how, until) for how, until in told if how != "granted" and until not in ends]
    return bool(failed) or not others


@pytest.mark.timeout(3_000 if FULL else 600)
@pytest.mark.parametrize("place", PLACES)
def test_a_worker_killed_at_any_step_costs_one_lease_and_one_read(
    shop_on: Callable[..., Any], place: str, record_property: Callable[..., None]
) -> None:
    shop, workers, _ = shop_on(place)
    tally, took = shop.tally, dict.fromkeys(STEPS, 0.0)
    for turn in range(rounds(place)):
        keys = {step: 100 * turn + number for number, step in enumerate(STEPS)}
        for step, n in keys.items():
            tally.hset("plan", str(n), step)
        for step, n in keys.items():
            heals(shop, n, workers)
            healed = time.time()
            wait_until(lambda key=str(n): tally.hexists("killed", key), limit=PATIENT)
            took[step] = max(took[step], healed - float(tally.hget("killed", str(n))))
    for n in range(0, 100 * rounds(place), 100):
        # One for the heal; one for the killed call, where the kill came after it began.
        for number, times in enumerate((1, 1, 2, 2, 1)):
            assert was_called(tally, n + number, times), STEPS[number]
            assert nobody_waited_for_more_than_a_lease(shop, n + number), shop.told(n + number)
    record_property("slowest", took)
    print(place, {step: f"{seconds:.2f} s" for step, seconds in took.items()})


# H28: the attempts are counted where the lease is taken, so the workers' deaths are.
@pytest.mark.timeout(400)
@pytest.mark.parametrize("place", FIRST)
def test_a_key_that_kills_its_worker_each_time_is_left_alone_and_the_others_heal(
    shop_on: Callable[..., Any], place: str
) -> None:
    shop, workers, _ = shop_on(place)
    shop.tally.hset("plan", "7", "always inside")

    def is_left_alone() -> bool:
        shop.price(7)
        time.sleep(0.02)
        return any(each.error == "Quarantined" for each in shop.cache.failing())

    wait_until(is_left_alone, limit=200)
    deaths = int(shop.tally.get("deaths 7"))
    assert 1 <= deaths <= 6
    heals(shop, 8, workers)
    for _ in range(int(2 * LEASE / 0.05)):
        assert shop.price(7) == -1
        time.sleep(0.05)
    assert int(shop.tally.get("deaths 7")) == deaths
