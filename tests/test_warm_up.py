"""Many heals of an async function, asked for at once: each waits for a place, and all heal."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio

from oob_heal import Dependency, HealingCache
from oob_heal.testing import ManualClock
from tests.waiting import LIMIT


class PatientClock(ManualClock):
    """Adds up what tasks wait; after so many seconds of it the dependency answers."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.left = seconds
        self.opened = asyncio.Event()

    async def asleep(self, seconds: float) -> None:
        self.left -= seconds
        if self.left <= 0:
            self.opened.set()
        await anyio.sleep(0)


def test_a_warm_up_of_an_async_function_heals_all_it_was_accepted_for() -> None:  # H14
    async def main() -> Any:
        clock = PatientClock(5.0)
        cache = HealingCache(clock=clock)

        @cache(ttl=60, name="warm", dependency=Dependency("d", concurrency=1))
        async def source(n: int) -> int:
            await clock.opened.wait()
            return n

        assert all(source.heal(n) for n in range(2))
        with anyio.fail_after(LIMIT):
            while source.cache_info().healing:
                await anyio.sleep(0)
        return source.cache_info()

    info = asyncio.run(main())
    assert (info.healed, info.refused) == (2, 0)


class PassingClock(PatientClock):
    """Time passes as tasks wait."""

    async def asleep(self, seconds: float) -> None:
        self.advance(seconds)
        await super().asleep(seconds)


def test_a_heal_that_waits_for_its_place_longer_than_a_lease_is_not_lost() -> None:  # H14
    async def main() -> Any:
        clock = PassingClock(5.0)
        cache = HealingCache(clock=clock)

        @cache(ttl=60, name="warm", heal_timeout=0.5, dependency=Dependency("d", concurrency=1))
        async def source(n: int) -> int:
            if n == 0:  # for 5 s it has the only place, by a clock that nothing real goes by
                await clock.opened.wait()
            return n

        assert all(source.heal(n) for n in range(3))
        with anyio.fail_after(LIMIT):
            while source.cache_info().healing:  # whoever looks sweeps what is past its deadline
                await anyio.sleep(0)
        return source.cache_info()

    assert asyncio.run(main()).lost == 0
