"""What a function raises that is no Exception: a failed heal, and nothing else dies of it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from oob_heal import Outcome
from oob_heal.executors.tasks import TaskExecutor
from oob_heal.executors.threads import ThreadExecutor
from tests.conftest import World
from tests.waiting import LIMIT


class OwnError(BaseException):
    """Somebody's own way out."""


ERRORS = (SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError(), OwnError())


async def healed(world: World, function: Any) -> None:
    """Publish a heal, and wait for its end in whatever carries it."""
    answer = function(1)
    assert (await answer if inspect.isawaitable(answer) else answer) == "default"
    with anyio.fail_after(LIMIT):
        while function.cache_info().healing:
            await anyio.sleep(0.001)


# H26: in each carrier, for a function of each colour.
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize(
    ("make", "loop"),
    [
        (ThreadExecutor, "asyncio"),
        (concurrent.futures.ThreadPoolExecutor, "asyncio"),
        (TaskExecutor, "asyncio"),
        (TaskExecutor, "trio"),
    ],
    ids=["threads", "pool", "asyncio tasks", "trio tasks"],
)
def test_an_error_that_is_no_exception_is_a_failed_heal_and_its_carrier_lives(
    make: Callable[[], Any], loop: str, colour: str, error: BaseException
) -> None:
    world = World("store", colour)
    world.backend.backend.deadline = LIMIT
    errors: list[BaseException | None] = [error, None]

    def source(n: int) -> str:
        if (raised := errors.pop(0)) is not None:
            raise raised
        return "v"

    executor = make()
    function = world.decorate(source, default="default", executor=executor)

    async def serve() -> None:
        await healed(world, function)
        assert function.cache_info().failed == 1
        assert world.store is not None
        assert world.store.live_leases() == 0
        world.clock.advance(60)  # past whatever backoff
        await healed(world, function)

    anyio.run(serve, backend=loop)
    assert function.cache_info().healed == 1
    world.ledger_balances()
    for close in ("close", "shutdown"):
        getattr(executor, close, lambda: None)()


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_it_is_told_by_name_and_backs_off_like_any_failure(
    world: World, error: BaseException
) -> None:
    def source(n: int) -> str:
        raise error

    function = world.decorate(source, default="default")
    function._oob_heal_core.parts.random = lambda: 1.0
    world.do(function(1))
    assert world.executor.run_next() is Outcome.FAILED
    world.do(function(1))
    assert not world.executor.pending
    (failing,) = world.cache.failing()
    # A GeneratorExit would close the coroutine that it goes through (PEP 479 has the precedent).
    told = "RuntimeError" if isinstance(error, GeneratorExit) else type(error).__name__
    assert failing.error == told
