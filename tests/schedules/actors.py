"""What moves when it is told to: a thread or a task, from one named point to the next."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

PATIENCE = 20.0  # s for a thread to come to its next point


class Killed(BaseException):
    """Ends a thread that crashed, once its schedule is over."""


class Actor:
    """Something with a name that moves in steps. ``at``: the point where it stopped."""

    def __init__(self, name: str, process: Any = None) -> None:
        self.name = name
        self.process = process
        self.at = "start"
        self.begun = self.over = False

    @property
    def can_go(self) -> bool:
        return not self.over and not (self.process is not None and self.process.dead)

    def go(self) -> None:
        """Move to the next point."""
        raise NotImplementedError

    def end(self) -> None:
        """The schedule is over: clear up, if it was stopped on its way."""


class Deed(Actor):
    """One step, done at once: time passes, a process crashes, a heal is given up."""

    def __init__(self, name: str, *acts: Callable[[], Any]) -> None:
        super().__init__(name)
        self.acts = list(acts)

    def go(self) -> None:
        self.acts.pop(0)()
        self.over = not self.acts


class ThreadActor(Actor):
    """A thread that runs only while ``go`` waits for it."""

    here = threading.local()

    def __init__(self, name: str, process: Any, act: Callable[[], Any]) -> None:
        super().__init__(name, process)
        self.act = act
        self.error: BaseException | None = None
        self.killed = False
        self._may_go = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        ThreadActor.here.actor = self
        try:
            self.act()
        except BaseException as error:
            self.error = error
        self.over = True
        self._stopped.release()

    def point(self, name: str) -> None:
        self.at = name
        self._stopped.release()
        self._may_go.acquire()
        if self.killed:
            raise Killed

    def go(self) -> None:
        if self.begun:
            self._may_go.release()
        else:
            self.begun = True
            self._thread.start()
        assert self._stopped.acquire(timeout=PATIENCE), f"{self.name} hangs after {self.at}"
        if self.error is not None and not self.killed:
            raise self.error

    def end(self) -> None:
        self.killed = True
        while self.begun and not self.over:
            self.go()


class TaskActor(Actor):
    """A task, in a loop that runs only while ``go`` waits for it."""

    def __init__(
        self, name: str, process: Any, act: Callable[[], Any], loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(name, process)
        self.act = act
        self.loop = loop
        self.gate: asyncio.Future[None] | None = None
        self.task: asyncio.Task[Any] | None = None

    async def _run(self) -> None:
        HERE.set(self)
        try:
            await self.act()
        finally:
            self.over = True

    async def point(self, name: str) -> None:
        self.at = name
        self.gate = self.loop.create_future()
        await self.gate

    def go(self) -> None:
        if self.task is None:
            self.task = self.loop.create_task(self._run())
            self.task.actor = self  # type: ignore[attr-defined]
        elif self.gate is not None and not self.gate.done():
            self.gate.set_result(None)
        self.wait()

    def cancel(self) -> None:
        """Cut it off where it is. It goes on to another point, or to its end, or stays where it
        is, if it waits there for what it must not leave."""
        if self.task is not None and not self.over:
            self.task.cancel()
            self.wait(stays=True)

    def wait(self, *, stays: bool = False) -> None:
        assert self.task is not None
        for turn in range(1_000):
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()
            if self.task.done():
                if not self.task.cancelled():
                    self.task.result()
                return
            if self.gate is not None and not self.gate.done() and turn >= (20 if stays else 0):
                return
        raise AssertionError(f"{self.name} hangs after {self.at}")

    def end(self) -> None:
        while self.task is not None and not self.over:
            try:
                self.go()
            except Exception:
                pass  # its process is dead


HERE: ContextVar[TaskActor | None] = ContextVar("actor", default=None)


def point(name: str) -> None:
    """Stop here, if this thread is an actor."""
    actor = getattr(ThreadActor.here, "actor", None)
    if actor is not None:
        actor.point(name)


async def apoint(name: str) -> None:
    """Stop here, if this task, or this thread, is an actor."""
    point(name)
    # A dependency has an empty context, and a step that is carried to its end a task of its own.
    actor = getattr(asyncio.current_task(), "actor", None) or HERE.get()
    if actor is not None:
        await actor.point(name)
