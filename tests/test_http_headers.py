"""``Age`` and ``Cache-Status`` (RFC 9111, RFC 9211) say what was served."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from oob_heal import CacheMissError, Freshness, Reason, Served
from oob_heal.http import headers
from tests.conftest import Dependency, World
from tests.test_figures import calling


def test_the_headers_follow_an_entry_through_its_life(world: World) -> None:
    f = world.decorate(calling(Dependency()), name="f", ttl=60, max_stale=100, default="d")
    told = []
    world.do(f.set("v", 1))
    for step in (0, 59.5, 0.5, 99.5, 0.5):
        world.clock.advance(step)
        told.append(headers(world.do(f.lookup(1)), ttl=60))
    gone = "absent" if world.kind == "store" else "expired"  # a store keeps no entry that long
    assert told == [
        {"Age": "0", "Cache-Status": "oob_heal; hit; ttl=60"},
        {"Age": "59", "Cache-Status": "oob_heal; hit; ttl=0"},
        {"Age": "60", "Cache-Status": "oob_heal; hit; ttl=-1"},
        {"Age": "159", "Cache-Status": "oob_heal; hit; ttl=-100"},
        {"Cache-Status": f"oob_heal; detail={gone}-default"},
    ]


def test_a_young_answer_that_counts_as_stale_is_not_shown_as_fresh(world: World) -> None:
    f = world.decorate(calling(Dependency()), name="f", ttl=60)
    world.do(f.set("v", 1))
    world.do(f.mark_stale(1))
    assert headers(world.do(f.lookup(1)), ttl=60)["Cache-Status"] == "oob_heal; hit; ttl=-1"


def test_an_error_says_why_there_was_nothing() -> None:
    error = CacheMissError("f", Reason.UNAVAILABLE)
    assert headers(error, name="shop") == {"Cache-Status": "shop; detail=unavailable-error"}


@pytest.mark.parametrize(
    ("ttl", "shown"), [(None, ""), (float("inf"), ""), (dt.timedelta(minutes=1), "; ttl=50")]
)
def test_the_ttl_may_be_left_out(ttl: Any, shown: str) -> None:
    served = Served("v", Freshness.FRESH, 10.0, False)
    assert headers(served, ttl=ttl)["Cache-Status"] == f"oob_heal; hit{shown}"


@pytest.mark.parametrize("name", ["", "two words", "a;b", "a\r\nSet-Cookie: b", "7", 'a"'])
def test_a_name_that_would_break_the_header_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name= must be a token"):
        headers(Served("v", Freshness.FRESH, 1.0, False), name=name)


def test_no_number_is_longer_than_a_reader_of_headers_must_take() -> None:
    old = Served("v", Freshness.STALE, 1e17, False)
    assert headers(old, ttl=60) == {
        "Age": "2147483648",
        "Cache-Status": "oob_heal; hit; ttl=-2147483648",
    }
    fresh = headers(Served("v", Freshness.FRESH, 1.0, False), ttl=1e18)
    assert fresh["Cache-Status"] == "oob_heal; hit; ttl=2147483648"
