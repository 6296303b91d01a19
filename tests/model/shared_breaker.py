"""What two processes on one store do about a dependency in trouble, step by step.

Law: for any backend that shares leases, whose time the test has in its hands: ``place`` is one of
``backends``, or one like them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from oob_heal import Breaker, Dependency, HealingCache, Outcome
from oob_heal.testing import ManualExecutor
from tests.model.pair import Deaf
from tests.waiting import in_threads

OPEN_FOR = 1.5  # s: what is drawn is a half
PROBE = 3  # the key of the heal that finds out
DB = Dependency("db", concurrency=3, breaker=Breaker(failures=3, open_for=2))


class Process:
    """A cache of its own, with one function over a source that all call."""

    def __init__(self, place: Any, colour: str, source: Callable[[int], int]) -> None:
        self.executor = ManualExecutor()
        cache = HealingCache(
            backend=place.backend(), executor=self.executor, clock=place.clock, namespace="two"
        )
        cache._parts.random = lambda: 0.5
        cache._parts.hub = Deaf()
        decorate: Any = cache(ttl=60, jitter=0, name="f", default=-1, dependency=DB)

        def heals(n: int) -> int:
            return source(n)

        async def aheals(n: int) -> int:
            return source(n)

        self.f = decorate(heals if colour == "sync" else aheals)
        self.guard = self.f._oob_heal_core.guard

    def publish(self, n: int) -> Any:
        assert self.f.heal(n)
        heal = self.executor.pending[-1]
        self.executor.drop_next()
        return heal


def _end(process: Process, n: int, colour: str) -> Outcome | None:
    heal = process.publish(n)
    outcome: Outcome | None = heal() if colour == "sync" else asyncio.run(heal.run())
    return outcome


def one_finds_out_for_both(place: Any, colour: str) -> None:
    """One opens it, the other makes no call; one probes, and what it finds closes it for both."""
    calls: list[int] = []
    failing = True
    meanwhile: list[Outcome | None] = []

    def source(n: int) -> int:
        calls.append(n)
        if n == PROBE:  # others ask, while it is under way
            meanwhile.extend(*in_threads(1, lambda _: [end(there, n) for n in range(20, 25)]))
        if failing:
            raise ConnectionError
        return n

    here, there = (Process(place, colour, source) for _ in range(2))

    def end(process: Process, n: int) -> Outcome | None:
        return _end(process, n, colour)

    assert [end(here, n) for n in range(3)] == [Outcome.FAILED] * 3
    assert [end(there, n) for n in range(10, 15)] == [Outcome.REFUSED] * 5
    assert calls == [0, 1, 2]

    place.clock.advance(OPEN_FOR)
    assert end(here, PROBE) is Outcome.FAILED
    assert meanwhile == [Outcome.REFUSED] * 5
    assert end(there, 26) is Outcome.REFUSED
    assert calls == [0, 1, 2, PROBE]

    place.clock.advance(OPEN_FOR)
    failing = False
    assert end(there, 30) is Outcome.HEALED
    assert end(here, 31) in (Outcome.HEALED, Outcome.REFUSED)  # it looks once a second
    place.clock.advance(1)
    for n in range(40, 50, 2):
        assert (end(here, n), end(there, n + 1)) == (Outcome.HEALED, Outcome.HEALED)
    assert [process.guard.state for process in (here, there)] == ["closed"] * 2
    assert place.live_leases() == 0


def what_fails_just_after_a_probe_is_told_too(place: Any, colour: str) -> None:
    """It was well a moment ago: that keeps nobody from saying that it is not any more."""
    calls: list[int] = []
    failing = True

    def source(n: int) -> int:
        calls.append(n)
        if failing:
            raise ConnectionError
        return n

    here, there = (Process(place, colour, source) for _ in range(2))
    assert [_end(here, n, colour) for n in range(3)] == [Outcome.FAILED] * 3
    assert _end(there, 3, colour) is Outcome.REFUSED

    place.clock.advance(OPEN_FOR)
    failing = False
    assert _end(here, PROBE, colour) is Outcome.HEALED
    failing = True
    assert [_end(there, n, colour) for n in range(10, 13)] == [Outcome.FAILED] * 3
    place.clock.advance(1)
    assert [_end(here, n, colour) for n in range(20, 25)] == [Outcome.REFUSED] * 5
    assert calls == [0, 1, 2, PROBE, 10, 11, 12]
    assert place.live_leases() == 0


PROMISES = (one_finds_out_for_both, what_fails_just_after_a_probe_is_told_too)
