"""A trouble is logged once, and again at growing intervals for as long as it lasts."""

from __future__ import annotations

from typing import Any

from oob_heal import Outcome
from oob_heal._hub import LOG_AT_LEAST_EVERY, Hub
from oob_heal.observe import BreakerMoved, HealEnded, LogObserver
from oob_heal.testing import ManualClock


class Heard:
    """In place of the log's mailbox."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.at: list[float] = []

    def put(self, happening: Any) -> None:
        self.at.append(self.clock())


def hub_and_log() -> tuple[Hub, Heard, ManualClock]:
    clock = ManualClock(0.0)
    hub, heard = Hub([]), Heard(clock)
    hub.clock, hub._log = clock, heard  # type: ignore[assignment]
    return hub, heard, clock


def test_a_function_that_does_not_heal_is_logged_once_and_then_ever_more_rarely() -> None:
    hub, heard, clock = hub_and_log()
    for attempt in range(2 * 86_400 // 10):  # two days of it, each ten seconds
        hub.tell(HealEnded("f", Outcome.FAILED, "OSError", attempt))
        clock.advance(10)
    apart = [later - earlier for earlier, later in zip(heard.at, heard.at[1:], strict=False)]
    assert apart == [60, 240, 960, 3_840, 15_360, 61_440, 86_400]
    assert max(apart) <= LOG_AT_LEAST_EVERY


def test_a_trouble_that_was_gone_is_news_again() -> None:
    hub, heard, clock = hub_and_log()
    for _ in range(100):
        hub.tell(HealEnded("f", Outcome.FAILED, "OSError", 1))
        clock.advance(10)
    clock.advance(10_000)
    began = clock()
    for _ in range(10):
        hub.tell(HealEnded("f", Outcome.FAILED, "OSError", 1))
        clock.advance(10)
    assert [at - began for at in heard.at if at >= began] == [0, 60]


def test_what_is_logged_says_what_to_do() -> None:
    for happening in (
        HealEnded("f", Outcome.FAILED, "OSError", 1),
        BreakerMoved("db", "open", "OSError"),
    ):
        said = LogObserver._text(happening)
        assert "OSError" in said
        assert "failing()" in said


def test_a_breaker_that_closes_is_no_trouble() -> None:
    hub, heard, _ = hub_and_log()
    for state in ("half-open", "closed", "open"):
        hub.tell(BreakerMoved("db", state, ""))
    assert len(heard.at) == 1
