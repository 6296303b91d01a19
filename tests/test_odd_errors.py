"""What users raise and return that nobody thinks of: it hurts no caller, no ledger, no thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from oob_heal import HealingCache, HealRejectedError, HealTimeoutError
from oob_heal.errors import own_words
from oob_heal.executors.threads import ThreadExecutor
from oob_heal.testing import ManualClock
from tests.conftest import World
from tests.waiting import Gate, Job, blocking, wait_until


class QueueFullError(RuntimeError, HealRejectedError):
    """The natural error of an executor of one's own, with a builtin in front."""


class SlowError(HealTimeoutError):
    def __init__(self, *, code: int) -> None:
        super().__init__(f"it took too long: {code}")


@dataclass(frozen=True)
class DownError(Exception):
    """Nothing of it can be set, its traceback neither."""

    code: int


ERRORS = [QueueFullError("full"), SlowError(code=3), DownError(503)]
CHAINED = RuntimeError("over a frozen one")
CHAINED.__cause__ = DownError(503)


@pytest.mark.parametrize("error", [*ERRORS, CHAINED], ids=lambda error: type(error).__name__)
def test_a_heal_that_raises_what_is_odd_has_failed_and_is_told(
    world: World, error: Exception
) -> None:  # H14
    def source(n: int) -> int:
        raise error

    function = world.decorate(source, default="default")
    world.do(function(1))
    world.executor.run_next()
    info = function.cache_info()
    assert (info.failed, info.lost, info.healing) == (1, 0, 0)
    assert [each.error for each in world.cache.failing()] == [type(error).__name__]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_executor_that_raises_what_is_odd_hurts_no_caller(
    world: World, error: Exception
) -> None:
    function = world.decorate(lambda n: n, name="source", default="default")
    world.executor.reject(error)
    assert world.do(function(1)) == "default"
    info = function.cache_info()
    assert (info.dropped, info.healing) == (1, 0)


def test_what_a_user_makes_of_our_errors_is_not_told_in_our_words() -> None:  # H36
    assert [own_words(error) for error in ERRORS] == ["", "", ""]
    assert str(SlowError(code=3)) == "it took too long: 3"


class Endless:
    """An observer whose spans have no end."""

    only_heals = True

    def __call__(self, happening: Any) -> None: ...

    def heal_span(self, function: str, reason: Any, traceparent: str | None) -> object:
        return object()


def test_a_span_without_an_end_hurts_neither_a_heal_nor_who_looks_after_the_threads() -> None:
    gate, clock = Gate(), ManualClock()  # H41
    with ThreadExecutor(threads=2, grace=0, clock=clock) as executor:
        cache = HealingCache(observers=[Endless()], executor=executor, clock=clock)
        hangs = cache(ttl=60, name="hangs", default=None, heal_timeout=5)(blocking(gate))
        other = cache(ttl=60, name="other", default=None)(lambda n: n)
        assert other.heal_now(1) == 1
        hangs(1)
        gate.wait_for_calls()
        clock.advance(5)
        executor.sweep()
        wait_until(lambda: executor.hung == 1)
        other(2)
        wait_until(lambda: other.peek(2))
        gate.opened.set()
        wait_until(lambda: executor.hung == 0)


def test_a_heal_that_cannot_even_be_given_up_leaves_the_others_their_threads() -> None:  # H16
    class Broken(Job):
        def give_up(self) -> None:
            raise RuntimeError("it cannot")

    gate, clock = Gate(), ManualClock()
    with ThreadExecutor(threads=2, grace=0, clock=clock) as executor:
        executor.submit(Broken(gate, timeout=5))
        gate.wait_for_calls()
        clock.advance(5)
        executor.sweep()
        wait_until(lambda: executor.hung == 1)
        then = Job(gate, group="b", timeout=5)
        executor.submit(then)
        gate.wait_for_calls()
        clock.advance(5)
        executor.sweep()
        wait_until(lambda: then.given_up)
        gate.opened.set()
        wait_until(lambda: executor.hung == 0)
