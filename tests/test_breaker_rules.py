"""The rules of the breaker, as a table: time and chance are arguments."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oob_heal import Breaker, Dependency
from oob_heal._breaker import (
    VOUCHES_FOR,
    Failed,
    Phase,
    State,
    after_failure,
    after_success,
    as_of,
    elsewhere_open,
    hinted,
    is_probe,
    places,
    proved,
)

DB = Dependency("db", concurrency=4, breaker=Breaker(failures=3, open_for=2))
NOW = 1_000.0


def failing(state: State, *keys: int, r: float = 0, now: float = NOW, **facts: Any) -> State:
    for key in keys:
        failed = Failed(key, began=now, **{"era": state.era, **facts})
        state = after_failure(state, failed, now, DB, r)
    return state


def test_as_many_different_keys_in_a_row_as_declared_open_it() -> None:
    state = failing(State(), 1, 2)
    assert (state.phase, places(state, DB)) == (Phase.CLOSED, 4)
    state = failing(state, 3)
    assert (state.phase, places(state, DB), state.until) == (Phase.OPEN, 0, NOW + 1)
    assert failing(failing(State(), 1, 2), 3, r=0.5).until == NOW + 1.5  # half of it is drawn


def test_after_a_probe_that_hung_the_next_one_follows_soon() -> None:
    probing = as_of(failing(State(), 1, 2, 3), NOW + 1)
    hung = after_failure(probing, Failed(4, probing.era, NOW + 1), NOW + 31, DB, 0.0)
    assert hung.until == NOW + 31.1


def test_one_key_that_fails_for_ever_opens_nothing() -> None:
    assert failing(State(), *[7] * 1_000).phase is Phase.CLOSED


def test_a_success_between_them_starts_the_count_again() -> None:
    state = after_success(failing(State(), 1, 2), 0, NOW, DB)
    assert failing(state, 3, 4).phase is Phase.CLOSED


# H21: somebody asks for what does not exist, again and again.
def test_keys_with_no_entry_open_nothing_while_the_dependency_answers_for_others() -> None:
    well = after_success(State(), 0, NOW, DB)
    soon, late = NOW + VOUCHES_FOR - 1, NOW + VOUCHES_FOR
    assert failing(well, *range(1_000), known=False, now=soon) == well
    assert failing(well, 1, 2, 3, known=False, now=late).phase is Phase.OPEN
    assert failing(well, 1, 2, 3, now=soon).phase is Phase.OPEN
    assert failing(State(), 1, 2, 3, known=False).phase is Phase.OPEN  # nothing ever answered


def test_a_probe_counts_whosever_key_it_heals() -> None:
    well = after_success(State(), 0, NOW, DB)
    probing = as_of(failing(well, 1, 2, 3), NOW + 1)
    assert failing(probing, 4, known=False, now=NOW + 1).phase is Phase.OPEN


def test_when_its_time_is_over_it_lets_one_through() -> None:
    state = failing(State(), 1, 2, 3)
    assert as_of(state, math.nextafter(state.until, 0)).phase is Phase.OPEN
    state = as_of(state, state.until)
    assert (state.phase, is_probe(state), places(state, DB)) == (Phase.HALF_OPEN, True, 1)


def test_a_failed_probe_opens_it_again_and_a_good_one_lets_in_one_more_each_time() -> None:
    probing = as_of(failing(State(), 1, 2, 3), NOW + 1)
    assert failing(probing, 9).phase is Phase.OPEN
    state, seen = probing, []
    while state.phase is Phase.HALF_OPEN:
        seen.append(places(state, DB))
        state = after_success(state, state.era, NOW, DB)
    assert seen == [1, 2, 3]
    assert (state.phase, places(state, DB)) == (Phase.CLOSED, 4)


def test_on_the_way_back_up_single_failures_do_not_open_it() -> None:
    state = after_success(as_of(failing(State(), 1, 2, 3), NOW + 1), 1, NOW, DB)
    assert places(failing(state, 4, 5), DB) == 2
    assert failing(state, 4, 5, 6).phase is Phase.OPEN


def test_what_began_before_it_opened_says_nothing_of_what_came_after() -> None:
    opened = failing(State(), 1, 2, 3)
    probing = as_of(opened, opened.until)
    for state in (opened, probing):
        assert after_success(state, 0, NOW, DB) == state
        assert failing(state, 4, 5, 6, era=0) == state


def test_an_error_that_asks_for_it_opens_it_at_once_and_for_so_long() -> None:
    state = failing(State(), 1, hint=30)
    assert (state.phase, state.until) == (Phase.OPEN, NOW + 30)
    assert failing(state, 2, hint=10, era=0).until == NOW + 30  # the longer of the two


def test_without_a_breaker_nothing_ever_opens() -> None:
    bare = Dependency("db", breaker=None)
    state = State()
    for key in range(100):
        state = after_failure(state, Failed(key, state.era, NOW, 30.0), NOW, bare, 0.5)
    assert state == State()


def test_what_another_process_found_holds_here() -> None:
    assert places(elsewhere_open(State(), NOW, 2), DB) == 0
    assert is_probe(elsewhere_open(State(), NOW, 0))
    probing = as_of(failing(State(), 1, 2, 3), NOW + 1)
    assert elsewhere_open(probing, NOW, 0) == probing
    assert places(elsewhere_open(probing, NOW, 2), DB) == 0
    assert places(proved(probing, DB), DB) == 2  # and not all at once
    assert proved(State(), DB) == State()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["good", "bad", "old", "hint", "wait", "open", "back"]),
            st.integers(0, 5),
        ),
        max_size=60,
    ),
    st.integers(1, 6),
)
def test_whatever_happens_places_stay_under_the_cap_and_open_means_none(
    happenings: list[tuple[str, int]], concurrency: int
) -> None:
    dependency = Dependency("db", concurrency=concurrency, breaker=Breaker(failures=3))
    state, now = State(), NOW
    for what, n in happenings:
        before = state = as_of(state, now)
        match what:
            case "good":
                state = after_success(state, state.era, now, dependency)
            case "bad" | "old" | "hint":
                hint = float(n) if what == "hint" else 0.0
                era = state.era - (what == "old")
                state = after_failure(state, Failed(n, era, now, hint), now, dependency, n / 6)
            case "wait":
                now += n
            case "open":
                state = elsewhere_open(state, now, n)
            case "back":
                state = proved(state, dependency)
        assert 0 <= places(state, dependency) <= concurrency
        assert (places(state, dependency) == 0) == (state.phase is Phase.OPEN)
        assert len(state.failed) < 3
        assert state.era >= before.era
        if state.phase is Phase.OPEN:
            assert state.until <= now + 5


@pytest.mark.parametrize(
    ("told", "wait"),
    [
        (None, 0), (7, 7), (2.5, 2.5), ("120", 60), (dt.timedelta(seconds=9), 9), (1e9, 60),
        (math.inf, 60), (math.nan, 0), (-5, 0), (0, 0), (True, 0), ("soon", 0), (object(), 0),
    ],
)  # fmt: skip
def test_a_hint_is_read_from_whatever_an_error_carries_and_bounded(told: Any, wait: float) -> None:
    error = OSError("busy")
    error.retry_after = told  # type: ignore[attr-defined]
    assert hinted(error, 60) == wait


def test_an_error_whose_hint_cannot_be_read_has_none() -> None:
    class HostileError(Exception):
        @property
        def retry_after(self) -> float:
            raise RuntimeError

    assert hinted(HostileError(), 60) == 0


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: Breaker(failures=0), ValueError, "failures"),
        (lambda: Breaker(failures=True), TypeError, "failures"),
        (lambda: Breaker(open_for=0), ValueError, "open_for"),
        (lambda: Breaker(open_for=math.inf), ValueError, "open_for"),
        (lambda: Breaker(hint_at_most="1"), TypeError, "hint_at_most"),  # type: ignore[arg-type]
        (lambda: Dependency(""), ValueError, "name"),
        (lambda: Dependency(3), TypeError, "name"),  # type: ignore[arg-type]
        (lambda: Dependency("db", concurrency=0), ValueError, "concurrency"),
        (lambda: Dependency("db", concurrency=1.5), TypeError, "concurrency"),  # type: ignore[arg-type]
        (lambda: Dependency("db", breaker=5), TypeError, "breaker"),  # type: ignore[arg-type]
    ],
)
def test_a_bad_declaration_is_refused_by_name(make: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        make()


def test_durations_may_be_timedeltas_and_equal_declarations_are_equal() -> None:
    assert Breaker(open_for=dt.timedelta(seconds=2)) == Breaker()
    assert Dependency("db") == Dependency("db")
    assert hash(Dependency("db"))
