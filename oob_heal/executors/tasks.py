"""Heals as tasks on the running event loop: the default for async functions.

Law: no loop is known before a heal is submitted. A task is referenced until it ends, starts in
an empty context, and never takes its first step inside the caller (whatever task factory the
loop has). A task that its loop cut off before its first step is cleaned up by its callback; one
that its loop was closed over is closed by another task, since that runs what the function left.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
from typing import Any

from oob_heal import _lifecycle
from oob_heal.errors import HealRejectedError

KEPT_FREE = 8  # one place of so many is for refreshes alone


class TaskExecutor:
    """A bounded number of tasks: asyncio's on the loop that runs the caller, trio's as system
    tasks. Without a running loop it rejects. A heal of a sync function runs on a daemon thread,
    awaited by its task.

    ``tasks``: how many heals may be under way at once. An eighth of them is kept free for keys
    that are known: those never seen are dropped before it is touched.

    >>> TaskExecutor(tasks=100)
    <TaskExecutor 0/100>
    """

    ends_with_loop = True

    def __init__(self, tasks: int = 1_000) -> None:
        if isinstance(tasks, bool) or not isinstance(tasks, int):
            raise TypeError(f"tasks= must be a whole number, not {type(tasks).__name__}")
        if tasks < 1:
            raise ValueError(f"tasks= must be at least 1, not {tasks}")
        self.tasks = tasks
        self._running: dict[Any, Any] = {}
        self.lock = None  # only the loop's own thread touches a task
        _lifecycle.survives_fork(self)

    @property
    def share(self) -> int:
        """How many heals of one function may be under way at most."""
        return self.tasks

    def after_fork(self, consistent: bool) -> None:
        """In the child: the tasks are the parent's."""
        self._running = {}

    def __repr__(self) -> str:
        return f"<TaskExecutor {len(self._running)}/{self.tasks}>"

    def figures(self) -> dict[str, int]:
        """How many heals are running."""
        return {"running": len(self._running)}

    def submit(self, heal: Any, /) -> asyncio.Task[Any] | None:
        """Start a task. Raises HealRejectedError when full, or where no loop runs."""
        places = self._places_for(heal)
        stranded = self._stranded() if len(self._running) >= places else []
        if len(self._running) - len(stranded) >= places:
            raise HealRejectedError(f"{places} tasks heal already")
        trio = sys.modules.get("trio")
        if trio is not None and trio.lowlevel.in_trio_task():
            self._start_in_trio(trio, heal, stranded)
            return None
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise HealRejectedError(
                "no event loop runs here; give executor=ThreadExecutor()"
            ) from None
        # Not loop.create_task: an eager task factory would run the heal in the caller.
        steps = self._run(heal, stranded)
        task = asyncio.Task(steps, loop=loop, context=contextvars.Context())
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # the ledger says it: lost
        self._running[task] = heal
        task.add_done_callback(lambda done: self._ended(done, heal))
        return task

    def _places_for(self, heal: Any) -> int:
        """How many heals may be under way for this one to join them."""
        kept_free = 0 if getattr(heal, "refreshes", True) else self.tasks // KEPT_FREE
        return self.tasks - kept_free

    def _stranded(self) -> list[asyncio.Task[Any]]:
        """Tasks of a loop that was closed over them never end."""
        tasks = [task for task in list(self._running) if isinstance(task, asyncio.Task)]
        return [task for task in tasks if task.get_loop().is_closed()]

    async def _run(self, heal: Any, stranded: list[asyncio.Task[Any]]) -> None:
        for task in stranded:
            left = self._running.pop(task, None)
            if left is None:
                continue
            try:
                task.get_coro().close()
            except BaseException:  # it runs what the function left to do
                pass
            left.cut_off()
        await heal.run()

    def _ended(self, task: asyncio.Task[Any], heal: Any) -> None:
        self._running.pop(task, None)
        if task.cancelled() or task.exception() is not None:
            heal.cut_off()

    def _start_in_trio(self, trio: Any, heal: Any, stranded: list[asyncio.Task[Any]]) -> None:
        async def run() -> None:
            try:
                await self._run(heal, stranded)
            except Exception:  # a system task that raises would end the whole run
                heal.cut_off()
            except BaseException:  # cancelled: the run ends
                heal.cut_off()
                raise
            finally:
                self._running.pop(heal, None)

        self._running[heal] = heal
        try:
            trio.lowlevel.spawn_system_task(run, context=contextvars.Context())
        except RuntimeError as error:
            self._running.pop(heal, None)
            raise HealRejectedError("trio takes no more tasks") from error
