"""Fixtures for pytest, loaded by itself where oob_heal is installed.

- ``manual_clock``: a ManualClock.
- ``manual_executor``: a ManualExecutor.
- ``healing``: the default cache for one test, on those two. Every function decorated with
  ``healing_cache`` starts with no entry, and heals when the test says so.
- ``healing_of(cache)``: the same for a HealingCache of your own.

A heal that was never drained (run, failed or dropped) fails the test where asked to: with
``@pytest.mark.oob_heal(undrained="fail")``, or ``oob_heal_undrained = fail`` in pytest's settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from oob_heal._cache import HealingCache
from oob_heal._decorator import default_cache
from oob_heal.testing._clock import ManualClock
from oob_heal.testing._executors import ManualExecutor

CHOICES = ("ignore", "fail")


class Healing(NamedTuple):
    """A cache under a test's control: its functions, its heals, its time.

    >>> executor, clock = ManualExecutor(), ManualClock()
    >>> healing = Healing(HealingCache(executor=executor, clock=clock), executor, clock)
    >>> @healing.cache(ttl=60, default=0)
    ... def double(n: int) -> int:
    ...     return 2 * n
    >>> double(4), healing.drain(), double(4)
    (0, 1, 8)
    """

    cache: HealingCache
    executor: ManualExecutor
    clock: ManualClock

    def drain(self) -> int:
        """Run heals until none is pending; how many."""
        return self.executor.run_all()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "oob_heal_undrained", "what a heal never drained does: ignore or fail", default="ignore"
    )


def pytest_configure(config: pytest.Config) -> None:
    line = 'oob_heal(undrained="ignore"): "fail" fails the test if a heal was never drained'
    config.addinivalue_line("markers", line)


@pytest.fixture
def manual_clock() -> ManualClock:
    """A clock that the test moves.

    >>> def test_a_minute_passes(manual_clock: ManualClock) -> None:
    ...     before = manual_clock()
    ...     manual_clock.advance(60)
    ...     assert manual_clock() == before + 60
    >>> test_a_minute_passes(ManualClock())
    """
    return ManualClock()


@pytest.fixture
def manual_executor() -> ManualExecutor:
    """An executor that keeps heals until the test runs them.

    >>> def test_nothing_waits(manual_executor: ManualExecutor) -> None:
    ...     assert manual_executor.run_all() == 0
    >>> test_nothing_waits(ManualExecutor())
    """
    return ManualExecutor()


@pytest.fixture
def healing_of(
    request: pytest.FixtureRequest, manual_clock: ManualClock, manual_executor: ManualExecutor
) -> Iterator[Callable[[HealingCache], Healing]]:
    """Puts a cache on the test's clock and executor: ``healing = healing_of(cache)``.

    >>> cache = HealingCache()
    >>> def test_nothing_waits(healing_of: Callable[[HealingCache], Healing]) -> None:
    ...     assert healing_of(cache).drain() == 0
    >>> test_nothing_waits(lambda cache: Healing(cache, ManualExecutor(), ManualClock()))
    """
    with ExitStack() as stack:

        def put(cache: HealingCache) -> Healing:
            stack.enter_context(cache.override(executor=manual_executor, clock=manual_clock))
            return Healing(cache, manual_executor, manual_clock)

        yield put
    if _asked(request) == "fail" and manual_executor.pending:
        keys = ", ".join(repr(heal) for heal in manual_executor.pending[:5])
        pytest.fail(f"{len(manual_executor.pending)} heals were never drained: {keys}")


@pytest.fixture
def healing(healing_of: Callable[[HealingCache], Healing]) -> Healing:
    """The default cache on the test's clock and executor.

    >>> def test_nothing_waits(healing: Healing) -> None:
    ...     assert healing.drain() == 0
    >>> test_nothing_waits(Healing(default_cache, ManualExecutor(), ManualClock()))
    """
    return healing_of(default_cache)


def _asked(request: pytest.FixtureRequest) -> str:
    marker = request.node.get_closest_marker("oob_heal")
    asked = request.config.getini("oob_heal_undrained")
    if marker is not None:
        asked = marker.kwargs.get("undrained", asked)
    if asked not in CHOICES:
        raise pytest.UsageError(f"oob_heal: undrained must be one of {CHOICES}, not {asked!r}")
    return str(asked)
