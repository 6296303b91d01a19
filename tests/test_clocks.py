"""The coarse clock: parked unless somebody reads, honest when it lags, safe in a fork."""

from __future__ import annotations

import math
from typing import Any

import pytest

from oob_heal import HealingCache
from oob_heal.clocks import CoarseClock
from oob_heal.testing import ManualClock, ManualExecutor
from tests.children import run_python
from tests.waiting import wait_until


def by_hand(**options: Any) -> tuple[CoarseClock, ManualClock]:
    """A coarse clock whose thread never starts, over one that the test moves."""
    time = ManualClock(100.0)
    clock = CoarseClock(0.5, clock=time, **options)
    clock._running = True
    return clock, time


def test_it_is_parked_until_somebody_asks_and_then_ticks_for_a_second() -> None:
    seen: list[float] = []
    time = ManualClock(100.0)

    def wait(seconds: float) -> None:
        seen.append(clock.now)
        time.advance(seconds)

    clock = CoarseClock(0.25, clock=time, wait=wait)
    assert clock.now == math.inf
    clock.look_for(1.0)
    assert seen == [100.0, 100.25, 100.5, 100.75]
    assert (clock.now, clock.worst_lag) == (math.inf, 0.0)


def test_a_look_that_comes_too_late_makes_the_time_exact() -> None:
    time, late = ManualClock(100.0), iter([0.5, 3.0])
    clock = CoarseClock(0.5, tolerance=1.0, clock=time, wait=lambda _: time.advance(next(late)))
    clock._running = True
    clock.look_for(10.0)
    assert (clock.now, clock.worst_lag) == (math.inf, 2.5)
    assert clock() == 103.5
    assert not clock._woken.is_set(), "it is not woken again at once"
    time.advance(1)
    assert clock() == 104.5
    assert clock._woken.is_set()


def test_a_hit_looks_at_it_and_a_parked_one_is_asked() -> None:
    clock, time = by_hand()
    cache = HealingCache(ttl=10, jitter=0, clock=clock, executor=ManualExecutor())

    @cache(default="default")
    def f(n: int) -> str:
        return "v"

    f.set("old", 1)
    for _ in range(3):
        assert f(1) == "old"  # parked: exact, by the slow way
    assert f.cache_info().hits == 3
    clock.now = time()
    time.advance(10)
    assert (f(1), f.cache_info().hits) == ("old", 4)  # as coarse as it says
    clock.now = math.inf
    assert (f(1), f.cache_info().stale) == ("old", 1)


def test_its_thread_starts_with_the_first_read_and_parks() -> None:
    def wait(_: float) -> None:
        time.advance(0.6)

    time = ManualClock()
    clock = CoarseClock(0.5, clock=time, wait=wait)
    assert not clock._running
    clock()
    wait_until(lambda: clock._running and clock.now == math.inf)
    assert "parked" in repr(clock)


IN_A_CHILD = """
import os, time
from oob_heal.clocks import CoarseClock
clock = CoarseClock(0.001)
clock()
while clock.now == float("inf"):
    time.sleep(0.001)
child = os.fork()
if child == 0:
    assert clock.now == float("inf")
    clock()
    until = time.monotonic() + 5
    while clock.now == float("inf") and time.monotonic() < until:
        time.sleep(0.001)
    os._exit(0 if clock.now < float("inf") else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_in_the_child_of_a_fork_it_is_parked_and_starts_anew() -> None:  # H22
    assert run_python(IN_A_CHILD) == "0\n"


@pytest.mark.parametrize("name", ["tick", "tolerance"])
def test_a_bad_argument_is_named(name: str) -> None:
    for bad in (0, -1, math.inf, math.nan):
        with pytest.raises(ValueError, match=f"{name}= must be above 0"):
            CoarseClock(**{name: bad})
    with pytest.raises(TypeError, match=f"{name}= must be seconds, not str"):
        CoarseClock(**{name: "1"})
