"""What every executor promises, as checks that need no test framework.

    contract = ExecutorContract(MyExecutor)

    @pytest.mark.parametrize("promise", contract.promises(), ids=str)
    def test_my_executor_keeps(promise):
        promise()

Law: each promise starts with an executor and a cache of its own, on which real decorated
functions miss. A broken one is an AssertionError that says what was promised.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from oob_heal._cache import HealingCache
from oob_heal.errors import HealRejectedError
from oob_heal.testing._trial import Promise

PATIENCE = 20.0  # s for which a promise waits for heals at most
LOOK = 0.001  # s between two looks

whose: contextvars.ContextVar[str] = contextvars.ContextVar("whose", default="nobody")


class ExecutorContract:
    """The promises of ``ports.Executor`` for the executors that ``make()`` makes.

    ``colour``: "sync" or "async", of the functions that it heals. ``drive(executor, cache)`` is
    called while a promise waits: for executors that run nothing by themselves, and as the worker
    of one that sends heals elsewhere. ``limit``: after how many
    heals at most a full one rejects; None for one that is not bounded by itself. ``cache``: the
    keyword arguments of its HealingCache, a shared backend for one that leaves the process, say.

    >>> from oob_heal.testing import ManualExecutor
    >>> contract = ExecutorContract(ManualExecutor, drive=lambda executor, _: executor.run_all())
    >>> for promise in contract.promises():  # in a test: parametrize over them
    ...     promise()
    """

    def __init__(
        self,
        make: Callable[[], Any],
        *,
        colour: str = "sync",
        drive: Callable[[Any, HealingCache], Any] | None = None,
        limit: int | None = None,
        cache: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        self.make = make
        self.colour = colour
        self.drive = drive
        self.limit = limit
        self.cache = cache

    def promises(self) -> list[Promise]:
        """Every promise."""
        found = []
        for name, check in sorted(CHECKS.items()):
            label = f"{name.replace('_', ' ')} ({self.colour})"
            found.append(Promise(label, lambda k=check: asyncio.run(self._run(k))))  # type: ignore[misc]
        return found

    async def _run(self, check: Callable[[Trial], Awaitable[None]]) -> None:
        trial = Trial(self)
        try:
            await check(trial)
        finally:
            trial.unblock.set()
            close = getattr(trial.executor, "close", None)
            if close is not None:
                await asyncio.to_thread(close)


class Trial:
    """One fresh executor, a cache, and a source that can be told to block or to raise."""

    def __init__(self, contract: ExecutorContract) -> None:
        self.contract = contract
        self.executor = contract.make()
        self.cache = HealingCache(executor=self.executor, **contract.cache())
        self.caller = threading.get_ident()
        self.blocked = False
        self.unblock = threading.Event()
        self.error: BaseException | None = None
        self.calls: list[int] = []
        self.contexts: set[str] = set()
        self.frames: set[str] = set()

    def source(self, n: int) -> int:
        """What is healed from."""
        self.calls.append(n)
        self.contexts.add(whose.get())
        self.frames.update(frame.name for frame in traceback.extract_stack())
        if self.blocked:
            self.unblock.wait(PATIENCE)
        if self.error is not None:
            raise self.error
        return n

    def function(self) -> Any:
        """A decorated function over the source."""

        def heals(n: int) -> int:
            return self.source(n)

        async def aheals(n: int) -> int:
            if self.blocked:
                while not self.unblock.is_set():  # noqa: ASYNC110 - set from any thread
                    await asyncio.sleep(LOOK)
                self.blocked = False
            return self.source(n)

        options: dict[str, Any] = {"ttl": 60, "default": None, "name": "contract.heals"}
        decorate = self.cache(**options)
        return decorate(aheals) if self.contract.colour == "async" else decorate(heals)

    async def call(self, f: Any, n: int) -> Any:
        """A request that misses."""

        def request_frame() -> Any:
            return f(n)

        result = request_frame()
        return await result if inspect.iscoroutine(result) else result

    async def healed(self, f: Any) -> Any:
        """Wait until nothing of the function is under way; its counters."""
        await self.until(lambda: f.cache_info().healing == 0, "all heals end")
        return f.cache_info()

    async def until(self, done: Callable[[], bool], said: str) -> None:
        """Wait, and drive the executor meanwhile."""
        until = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < until, f"{said} within {PATIENCE:g} s"
            if self.contract.drive is not None:
                await asyncio.to_thread(self.contract.drive, self.executor, self.cache)
            await asyncio.sleep(LOOK)


CHECKS: dict[str, Callable[[Trial], Awaitable[None]]] = {}


def promised(check: Callable[[Trial], Awaitable[None]]) -> Callable[[Trial], Awaitable[None]]:
    """A promise, under the name of its function."""
    CHECKS[check.__name__] = check
    return check


@promised
async def each_heal_runs_once(it: Trial) -> None:
    f = it.function()
    for n in range(20):
        assert await it.call(f, n) is None, "a miss answers with the default"
    info = await it.healed(f)
    assert sorted(it.calls) == list(range(20)), f"each key is called once, not {sorted(it.calls)}"
    assert info.healed >= 20, f"all 20 heal, not {info.healed}"  # a worker here counts its own
    assert [await it.call(f, n) for n in range(20)] == list(range(20)), "what healed is served"


@promised
async def no_heal_runs_in_the_caller(it: Trial) -> None:  # H12
    f = it.function()
    for n in range(20):
        await it.call(f, n)
    await it.healed(f)
    assert it.calls, "the heals ran somewhere"
    assert "request_frame" not in it.frames, "a heal ran inside submit, with the request below it"


@promised
async def submit_does_not_wait_for_the_dependency(it: Trial) -> None:  # H12
    it.blocked = True
    f = it.function()
    for n in range(5):
        assert await it.call(f, n) is None, "answered while the dependency blocks"
    assert f.cache_info().healed == 0, "nothing healed yet: it blocks"
    it.unblock.set()
    await it.healed(f)


@promised
async def a_heal_sees_nothing_of_the_request(it: Trial) -> None:  # H02
    f = it.function()
    whose.set("the request's")
    await it.call(f, 1)
    await it.healed(f)
    assert it.contexts == {"nobody"}, "a heal runs in an empty context"


@promised
async def whatever_a_heal_raises_harms_no_other(it: Trial) -> None:  # H26
    f = it.function()
    for n, error in enumerate((ValueError(), SystemExit(3), KeyboardInterrupt())):
        it.error = error
        await it.call(f, n)
        await it.until(lambda: f.cache_info().failed > n, f"{type(error).__name__} is a failure")  # noqa: B023
    it.error = None
    await it.call(f, 99)
    await it.until(lambda: f.cache_info().healed > 0, "the next one heals")
    assert await it.call(f, 99) == 99, "and is served"


@promised
async def a_full_one_rejects(it: Trial) -> None:
    if it.contract.limit is None:
        return
    it.blocked = True
    f = it.function()
    for n in range(it.contract.limit + 1):
        await it.call(f, n)
    assert f.cache_info().dropped, f"nothing was dropped of {it.contract.limit + 1} heals"
    it.unblock.set()


@promised
async def a_closed_one_rejects_with_our_error(it: Trial) -> None:
    close = getattr(it.executor, "close", None)
    if close is None:
        return
    await asyncio.to_thread(close)
    try:
        it.executor.submit(lambda: None)
    except HealRejectedError:
        return
    raise AssertionError("submit after close raises HealRejectedError")
