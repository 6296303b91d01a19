"""H43: every duration that a user gives is refused by its name, or means what it says."""

from __future__ import annotations

import datetime as dt
import inspect
import math
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import anyio
import pytest

from oob_heal import Backoff, Freshness, HealingCache, Outcome
from oob_heal.backends.mapping import MappingBackend
from oob_heal.executors.queue import QueueExecutor
from oob_heal.executors.threads import ThreadExecutor
from tests.conftest import World
from tests.waiting import LIMIT, Gate, wait_until

DAY = 86_400.0
INF = math.inf
NOT_A_DURATION = (True, False, "60", b"60", Decimal(60), 60j, [60], object())
BELOW = (-1, -1e-6, -INF, math.nan, dt.timedelta(seconds=-1))
ZERO = (0, 0.0, -0.0, dt.timedelta(0))
GOOD = (1e-6, 1, 0.5, 1e18, dt.timedelta(seconds=5), dt.timedelta.max)


def policy(name: str) -> Callable[[Any], Any]:
    def taken(value: Any) -> Any:
        @HealingCache()(**{"ttl": 60, name: value})
        def source(n: int) -> int:
            return n

        return source.cache_parameters()[name]

    return taken


def of_threads(value: Any) -> float:
    with ThreadExecutor(grace=value) as executor:
        return executor.grace


def of_a_queue(value: Any) -> float:
    with QueueExecutor(print, grace=value) as executor:
        return executor.grace


class Taker(NamedTuple):
    """A parameter, and what it takes beside the durations that all of them take."""

    parameter: str
    take: Callable[[Any], Any]
    zero: bool = False
    infinite: bool = False
    longest: float = INF  # s: what a lock cannot wait for is cut


@pytest.mark.parametrize(
    "taker",
    [
        Taker("ttl", policy("ttl"), infinite=True),
        Taker("max_stale", policy("max_stale"), zero=True, infinite=True),
        Taker("heal_timeout", policy("heal_timeout")),
        Taker("grace", of_threads, zero=True, longest=1e9),
        Taker("grace", of_a_queue, zero=True, longest=1e9),
        Taker("deadline", lambda v: MappingBackend({}, deadline=v).deadline, True, longest=1e9),
    ],
    ids=lambda taker: f"{taker.parameter} {taker.take.__name__}",
)
def test_a_duration_is_taken_in_seconds_or_refused_by_its_name(taker: Taker) -> None:
    for value in GOOD + ZERO * taker.zero + (INF,) * taker.infinite:
        seconds = value.total_seconds() if isinstance(value, dt.timedelta) else value
        assert taker.take(value) == min(seconds, taker.longest)
    for value in NOT_A_DURATION:
        with pytest.raises(TypeError, match=f"^{taker.parameter}= must be a number of seconds"):
            taker.take(value)
    for value in BELOW + ZERO * (not taker.zero) + (INF,) * (not taker.infinite) + (10**400,):
        with pytest.raises(ValueError, match=f"^{taker.parameter}= "):
            taker.take(value)


@pytest.mark.parametrize("parameter", ["initial", "factor", "maximum"])
def test_a_backoff_is_made_of_finite_numbers_or_refused_by_name(parameter: str) -> None:
    base = {"initial": 1e-9, "factor": 2.0, "maximum": 1e300}
    for value in (1, 1.5, 1e18):
        assert getattr(Backoff(**{**base, parameter: value}), parameter) == value
    for value in (*NOT_A_DURATION, None):
        with pytest.raises(TypeError, match=f"{parameter}="):
            Backoff(**{**base, parameter: value})  # type: ignore[arg-type]
    for value in (0, -1, math.nan, INF, -INF, 10**400):
        with pytest.raises(ValueError, match=f"{parameter}="):
            Backoff(**{**base, parameter: value})
    assert Backoff(1e18, 1e18, 1e300).ceiling(10**9) == 1e300


def test_a_share_of_jitter_is_from_0_to_1_or_refused_by_name() -> None:
    for share in (0, 0.5, 1):
        assert policy("jitter")(share) == share
    for value in (*NOT_A_DURATION, None, dt.timedelta(1)):
        with pytest.raises(TypeError, match=r"jitter="):
            policy("jitter")(value)
    for value in (-1e-6, 1 + 1e-6, math.nan, INF, -INF, 1e18, 10**400):
        with pytest.raises(ValueError, match=r"jitter="):
            policy("jitter")(value)


def decorated(world: World, takes: float = 0, **options: Any) -> Any:
    world.cache._parts.random = lambda: 0.5

    def source(n: int) -> str:
        world.clock.advance(takes)
        return "v"

    return world.decorate(source, **{"default": "default", **options})


@pytest.mark.parametrize("max_stale", [0, 1e-6, 5, 1e18, None])
@pytest.mark.parametrize("ttl", [1e-6, 5, dt.timedelta(seconds=5), 1e18, INF])
def test_extreme_limits_mean_what_they_say_on_every_backend(
    world: World, ttl: Any, max_stale: float | None
) -> None:
    f = decorated(world, ttl=ttl, max_stale=max_stale)
    soft = ttl.total_seconds() if isinstance(ttl, dt.timedelta) else ttl
    hard = soft + (INF if max_stale is None else max_stale)
    f.heal(1)
    assert world.executor.run_next() is Outcome.HEALED
    start = world.clock()
    for age in (0, 1e-6, 2e-6, 4, 5, 10, 29 * DAY):
        world.clock.advance(max(0, start + age - world.clock()))
        served = world.do(f.lookup(1))
        if world.clock() < start + soft:
            assert (served.value, served.freshness) == ("v", Freshness.FRESH)
        elif world.clock() < start + hard:
            assert (served.value, served.freshness) == ("v", Freshness.STALE)
        else:
            assert served.is_default


@pytest.mark.parametrize(
    ("heal_timeout", "takes", "outcome"),
    [
        (1e-6, 0, Outcome.HEALED),
        (1e-6, 1e-3, Outcome.FAILED),
        (1e18, 20 * DAY, Outcome.HEALED),
    ],
)
def test_extreme_heal_timeouts_mean_what_they_say_on_every_backend(
    world: World, heal_timeout: float, takes: float, outcome: Outcome
) -> None:
    f = decorated(world, takes, ttl=INF, heal_timeout=heal_timeout)
    f.heal(1)
    assert world.executor.run_next() is outcome
    assert world.do(f(1)) == ("v" if outcome is Outcome.HEALED else "default")
    world.do(f.invalidate(1))
    world.clock.advance(60)
    f.heal(1)
    assert world.executor.run_next() is outcome


@pytest.mark.parametrize(("delay", "wait"), [(1e-6, 1e-3), (1e18, 20 * DAY)])
def test_extreme_backoffs_mean_what_they_say_on_every_backend(
    world: World, delay: float, wait: float
) -> None:
    f = decorated(world, backoff=Backoff(delay, 1, delay))
    f.heal(1)
    assert world.executor.fail_next(OSError("down")) is Outcome.FAILED
    world.clock.advance(wait)
    f.heal(1)
    assert world.executor.run_next() is (Outcome.HEALED if delay < 1 else Outcome.REFUSED)


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_heal_with_a_timeout_of_an_age_of_the_world_runs_on_real_executors(
    colour: str, loop: str
) -> None:
    cache = HealingCache()

    def source(n: int) -> str:
        return "v"

    async def asource(n: int) -> str:
        await anyio.lowlevel.checkpoint()
        return "v"

    f: Any = cache(ttl=60, heal_timeout=1e18, default=None)(source if colour == "sync" else asource)

    async def call() -> Any:
        value = f(1)
        return await value if inspect.iscoroutine(value) else value

    async def healed() -> Any:
        with anyio.fail_after(LIMIT):
            while await call() is None:
                await anyio.sleep(0.001)
        return await call()

    assert anyio.run(healed, backend=loop) == "v"
    cache.close(grace=1e18)


def test_a_timeout_of_an_age_of_the_world_leaves_the_threads_managed() -> None:
    gate = Gate()
    with ThreadExecutor() as executor:

        @HealingCache(executor=executor)(ttl=60, heal_timeout=1e18, default=None)
        def source(n: int) -> str:
            return gate(n)

        def managed() -> bool:
            return any(each.name == "oob-heal-manager" for each in threading.enumerate())

        for n in range(3):  # each of them needs another thread, which the manager starts
            assert source(n) is None
            wait_until(lambda n=n: gate.calls > n or not managed())
        assert gate.calls == 3
        gate.opened.set()


def test_a_grace_of_an_age_of_the_world_waits_for_what_runs() -> None:
    gate = Gate()
    with ThreadExecutor(grace=1e18) as executor:
        cache = HealingCache(executor=executor)

        @cache(ttl=60, default=None)
        def source(n: int) -> str:
            return gate(n)

        assert source(1) is None
        gate.wait_for_calls(1)
        gate.opened.set()
    wait_until(lambda: source.cache_info().healing == 0)
    assert source(1) == "v"
