"""One heal of the package in three strokes: start (lease and re-read), call, finish.

Law: the same three strokes for each colour. A sync heal is stepped by ``oob_heal.testing.Steps``;
an async one is a task of its own that waits at two gates, before its function looks at the source
and before it returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import time
from collections.abc import Callable, Iterator
from typing import Any

from oob_heal import Outcome
from oob_heal.testing import Steps

PATIENCE = 10.0  # s: for what goes over a network; all else is there at once

REQUEST: contextvars.ContextVar[str] = contextvars.ContextVar("request", default="nobody's")


@contextlib.contextmanager
def standing_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop whose time stands: a heal that waits at a gate is late by the clock of the
    test, and by no other, however long the machine takes over the acts between."""
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        loop.time = lambda: 0.0  # type: ignore[method-assign]
        yield loop


class Desk:
    """The function's side: what it does when it is called, and the loop that it runs in."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.act: Callable[[], Any] = lambda: None  # what the function of the next stroke does
        self.waiting: asyncio.Future[None] | None = None
        self.tasks: list[asyncio.Task[Any]] = []
        self.locks: list[Any] = []
        self.wrong: list[str] = []  # what the function saw that it must never see

    def look_around(self) -> None:
        if REQUEST.get() != "nobody's":
            self.wrong.append("the request's context reached the dependency")  # H02
        if any(lock.locked() for lock in self.locks):
            self.wrong.append("a lock of the package is held across the user's call")  # H27

    def call(self) -> Any:
        self.look_around()
        return self.act()

    async def acall(self) -> Any:
        self.look_around()
        await self._gate()
        error: BaseException | None = None
        value: Any = None
        try:
            value = self.act()
            value = await value if asyncio.iscoroutine(value) else value
        except Exception as raised:
            error = raised
        await self._gate()
        if error is not None:
            raise error
        return value

    async def _gate(self) -> None:
        self.waiting = self.loop.create_future()
        await self.waiting

    def do(self, coroutine: Any) -> Any:
        """Finish what a call returned, in either colour."""
        if not asyncio.iscoroutine(coroutine):
            return coroutine
        return self.loop.run_until_complete(coroutine)

    def until_it_waits(self, task: asyncio.Task[Any]) -> asyncio.Future[None] | None:
        """Run the loop until the task is at a gate, or has ended."""
        self.waiting = None
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()
            if self.waiting is not None or task.done():
                return self.waiting
        raise AssertionError("the heal neither waits nor ends")

    def clear_up(self) -> None:
        """What crashed or hangs is not carried into the next example."""
        left = [task for task in self.tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            self.loop.run_until_complete(asyncio.wait(left))
        self.tasks.clear()


class SyncRun:
    """A heal of a sync function."""

    def __init__(self, heal: Any, desk: Desk) -> None:
        self.heal = heal
        self.desk = desk
        self.steps = Steps(heal)
        while self.steps.due not in (None, "call"):
            self.steps.next()

    def call(self, act: Callable[[], Any]) -> None:
        self.desk.act = act
        self.steps.next()

    def finish(self) -> Outcome | None:
        return self.steps.run()

    def cut(self) -> Outcome | None:
        self.steps.cut_off()
        return self.steps.run()


class TaskRun:
    """A heal of an async function."""

    def __init__(self, heal: Any, desk: Desk) -> None:
        self.heal = heal
        self.desk = desk
        self.task: asyncio.Task[Any] = desk.loop.create_task(heal.run())
        desk.tasks.append(self.task)
        self.gate = desk.until_it_waits(self.task)

    def _through(self) -> None:
        assert self.gate is not None
        self.gate.set_result(None)
        self.gate = self.desk.until_it_waits(self.task)

    def call(self, act: Callable[[], Any]) -> None:
        self.desk.act = act
        self._through()

    def finish(self) -> Outcome | None:
        self._through()
        self.task.result()
        outcome: Outcome | None = self.heal.outcome
        return outcome

    def cut(self) -> Outcome | None:
        self.task.cancel()
        self.gate = self.desk.until_it_waits(self.task)
        assert self.task.cancelled()
        outcome: Outcome | None = self.heal.outcome
        return outcome
