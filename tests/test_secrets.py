"""Arguments, values, defaults and what errors say of them never show (H36)."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from oob_heal import (
    BackendError,
    CacheMissError,
    CodecError,
    Freshness,
    HealingCache,
    HealRejectedError,
    OobHealError,
    Promise,
    Reason,
    Served,
    UncacheableResultError,
    UnkeyableArgumentError,
)
from oob_heal.codecs import JsonCodec
from oob_heal.observe import HealEnded
from tests.conftest import World

CANARY = "hunter2"
URL = f"redis://:{CANARY}@shop/0"


class Secretive:
    """Neither an argument nor JSON, and it tells everything."""

    def __repr__(self) -> str:
        return CANARY

    __str__ = __repr__

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        raise StopIteration


class Told(list[str]):
    """Whatever anybody could read of a run."""

    def __call__(self, *things: Any) -> None:
        for thing in things:
            self.extend((repr(thing), str(thing), f"{thing}"))

    def raised(self, error: type[OobHealError], call: Any) -> None:
        with pytest.raises(error) as caught:
            World.do(call())
        self(caught.value, caught.value.args, vars(caught.value))


@pytest.fixture
def told(world: World, caplog: pytest.LogCaptureFixture) -> Told:
    caplog.set_level(logging.DEBUG)
    return Told()


def exercised(world: World, told: Told, *observers: Any) -> Any:
    """A run in which everything that can go wrong does, with the canary in all of it."""
    world.cache = HealingCache(
        backend=world.backend,
        executor=world.executor,
        clock=world.clock,
        namespace="test",
        observers=[told, *observers],
        codec=JsonCodec(),
        promise=Promise(younger_than=60),
    )
    outcome: list[Any] = []

    def source(word: Any, *more: Any, session: Any = CANARY, **rest: Any) -> Any:
        result = outcome[-1]
        if isinstance(result, BaseException):
            raise result
        return result

    f = world.decorate(source, default=CANARY, ignore="session", drop_on=PermissionError)
    strict = world.decorate(source, name="strict", key=lambda word, **_: word)

    def miss(result: Any) -> None:
        world.clock.advance(100)
        outcome.append(result)
        world.do(f(CANARY, (CANARY,), session=Secretive(), also=CANARY))
        told(*world.executor.pending, *(heal.event for heal in world.executor.pending))
        steps = world.executor.step_next()
        told(steps, steps.heal, steps.heal.subject, steps.heal.subject.core, steps.due)
        steps.run()
        told(steps.heal, steps.heal.entry, steps.heal.error.__class__, steps.heal.lease)
        told(*world.cache.failing(), world.cache.failing())

    for result in (
        CANARY,
        {CANARY: [CANARY]},
        ConnectionError(URL),
        PermissionError(URL),
        Secretive(),
        [Secretive()] if world.kind == "store" else KeyError(CANARY),
    ):
        miss(result)
    told.raised(UnkeyableArgumentError, lambda: f({CANARY: CANARY}))
    told.raised(UnkeyableArgumentError, lambda: strict(Secretive()))
    told.raised(CacheMissError, lambda: strict(CANARY))
    told.raised(UncacheableResultError, lambda: f.set(Secretive(), CANARY))
    if world.kind == "store":
        told.raised(CodecError, lambda: f.set([Secretive()], CANARY))
    world.executor.reject(ValueError(URL))
    world.do(f(f"another {CANARY}"))
    world.executor.reject(None)
    f.heal(CANARY)
    world.backend.fail(error=ConnectionError(URL))
    world.executor.run_all()
    for write in (lambda: f.set(CANARY, CANARY), lambda: f.invalidate(CANARY), f.cache_clear):
        told.raised(BackendError, write)
    told.raised(HealRejectedError, lambda: f.heal_now(CANARY))
    told.raised(CacheMissError, lambda: strict(CANARY))
    assert world.do(f(CANARY)) == CANARY
    told(world.cache, world.backend.backend, world.executor, f, f.cache_info(), f.cache_key(CANARY))
    told(f.cache_parameters(), strict.cache_parameters())
    world.cache.close(1)
    return f


def test_a_canary_in_everything_shows_in_nothing(
    world: World, told: Told, caplog: pytest.LogCaptureFixture
) -> None:  # H36
    f = exercised(world, told)
    info = f.cache_info()
    assert (info.healed, info.failed, info.dropped) == (3, 5, 1), "the run took every turn"
    for record in caplog.records:
        told(record.getMessage(), record.args, vars(record))
    assert any(record.name == "oob_heal" for record in caplog.records)
    assert any("BackendFailed" in each for each in told), "the observer heard"
    assert [each for each in told if CANARY in each] == []


def test_the_cause_of_an_error_is_kept_for_who_asks(world: World) -> None:
    """It is the backend's own error, and may say anything: so it is never in ours."""

    def source(n: int) -> int:
        return n

    f = world.decorate(source)
    world.backend.fail(error=ConnectionError(URL))
    with pytest.raises(BackendError) as caught:
        world.do(f.set(1, 1))
    assert CANARY in str(caught.value.__cause__)
    assert CANARY not in f"{caught.value} {caught.value!r}"


def test_the_message_of_a_failure_is_kept_short_and_out_of_the_repr(world: World) -> None:
    def source(n: int) -> int:
        raise ConnectionError(URL + " " * 10_000)

    f = world.decorate(source, default=None)
    world.do(f(1))
    world.executor.run_all()
    (failing,) = world.cache.failing()
    assert CANARY in failing.message
    assert len(failing.message) == 200
    assert CANARY not in f"{failing} {failing!r} {[failing]}"
    assert failing.error in repr(failing)


def with_an_observer(world: World) -> list[Any]:
    """What an observer of the world's cache hears from now on."""
    heard: list[Any] = []
    world.cache = HealingCache(
        backend=world.backend,
        executor=world.executor,
        clock=world.clock,
        namespace="test",
        observers=[heard.append],
    )
    return heard


class OwnError(OobHealError):
    """A user's own kind of ours."""


@pytest.mark.parametrize(
    "error",
    [
        OobHealError(CANARY),
        OwnError(CANARY),
        HealRejectedError(URL),
        CodecError(CANARY),
        UncacheableResultError(CANARY),
        CacheMissError(CANARY, Reason.ABSENT),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_ours_that_a_user_made_is_told_by_its_type_alone(
    world: World, caplog: pytest.LogCaptureFixture, error: OobHealError
) -> None:  # H36
    def source(n: int) -> int:
        raise error

    heard = with_an_observer(world)
    f = world.decorate(source, name="raises", default=None)
    world.do(f(1))
    world.executor.run_next()
    world.executor.reject(error)
    world.do(f(2))
    world.cache.close(10)
    ends = [each for each in heard if isinstance(each, HealEnded)]
    assert [(each.error, each.advice) for each in ends] == [(type(error).__name__, "")] * 2
    said = [each for each in caplog.messages if each.startswith("test:raises: ")]
    assert len(said) == 2
    assert all(type(error).__name__ in each and CANARY not in each for each in said)


def test_an_error_that_we_made_is_told_in_its_own_words_without_a_password(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:  # H36
    def source(n: int) -> int:
        return n

    heard = with_an_observer(world)
    f = world.decorate(source, name=f"https://me:{CANARY}@shop/a", default=None)
    world.do(f(1))
    world.executor.pending[0].give_up()
    world.cache.close(10)
    (ended,) = [each for each in heard if isinstance(each, HealEnded)]
    assert ended.advice == "a heal of test:https://shop/a did not end within heal_timeout"
    (said,) = (each for each in caplog.messages if ended.advice in each)
    assert CANARY not in said


def test_tasks_and_threads_have_names_without_arguments() -> None:
    async def main() -> None:
        cache = HealingCache(ttl=60)

        @cache(default=None)
        async def f(word: str) -> str:
            return word

        await f(CANARY)
        tasks = [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]
        assert len(tasks) == 1
        assert CANARY not in f"{tasks} {tasks[0].get_coro()} {tasks[0].get_stack()}"
        await cache.aclose()

    asyncio.run(main())


def test_an_answer_does_not_show_its_value() -> None:
    assert CANARY not in repr(Served(CANARY, Freshness.FRESH, 0.0, False))
