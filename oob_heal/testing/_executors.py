"""Executors under a test's control.

Law: the manual one runs nothing by itself; the inline one breaks the promise by design, which is
why it lives here.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio

from oob_heal._carried import Heal
from oob_heal._drivers import _ado, _do
from oob_heal._model import Outcome
from oob_heal._publish import forced_executor
from oob_heal._steps import Ask, Call, CutOff, Pause, Step


class Steps:
    """Runs one heal step by step: ``next()`` does one and names it, None at the end.

    The names are ``acquire``, ``get``, ``call``, ``commit`` and ``release``. ``fail``: an error
    for the function to raise in place of being called.

    >>> from oob_heal import HealingCache
    >>> executor = ManualExecutor()
    >>> @HealingCache(executor=executor)(ttl=60)
    ... def double(n: int) -> int:
    ...     return 2 * n
    >>> double.heal(4)
    True
    >>> list(iter(executor.step_next().next, None))
    ['acquire', 'get', 'call', 'commit']
    """

    def __init__(self, heal: Heal, fail: BaseException | None = None) -> None:
        self.heal = heal
        self.fail = fail
        self._conversation = heal.steps() if heal.starts() else None
        self._step: Step | None = None
        self._go(None)

    def _go(self, told: Any, error: BaseException | None = None) -> None:
        if self._conversation is None:
            return
        try:
            if error is None:
                self._step = self._conversation.send(told)
            else:
                self._step = self._conversation.throw(error)
        except StopIteration as stop:
            self._conversation = self._step = None
            self.heal.ends(stop.value)
        if isinstance(self._step, Pause) or (isinstance(self._step, Ask) and self._step.of):
            self._tell()  # between the heal and the dependency's guard: no step of its own

    @property
    def due(self) -> str | None:
        """The step that ``next`` would do."""
        if self._step is None:
            return None
        return self._step.verb if isinstance(self._step, Ask) else "call"

    def next(self) -> str | None:
        """Do one step; its name, or None if the heal has ended."""
        name = self.due
        if name is not None:
            self._tell()
        return name

    def _tell(self) -> None:
        step: Any = self._step
        try:
            if isinstance(step, Call) and self.fail is not None:
                raise self.fail
            reply = self._do(step)
        except BaseException as error:
            self._go(None, error)
        else:
            self._go(reply)

    def _do(self, step: Step) -> Any:
        if self.heal.core.is_async and isinstance(step, Call):
            return anyio.run(_ado, self.heal.subject, step, None)
        return _do(self.heal.subject, step)

    def run(self) -> Outcome | None:
        """Do all the steps that are left; how the heal ended."""
        while self.next() is not None:
            pass
        return self.heal.outcome

    def cut_off(self) -> None:
        """As if its task were cancelled at this step."""
        self._go(None, CutOff())


class ManualExecutor:
    """Keeps heals until a test runs, fails, drops or duplicates them.

    >>> from oob_heal import HealingCache
    >>> executor = ManualExecutor()
    >>> cache = HealingCache(executor=executor)
    >>> @cache(ttl=60, default=0)
    ... def double(n: int) -> int:
    ...     return 2 * n
    >>> double(4), len(executor.pending)
    (0, 1)
    >>> executor.run_all()
    1
    >>> double(4)
    8
    """

    def __init__(self) -> None:
        self._waiting: deque[Any] = deque()
        self._rejection: Exception | None = None

    @property
    def pending(self) -> tuple[Any, ...]:
        """The heals that wait, oldest first."""
        return tuple(self._waiting)

    def submit(self, heal: Any, /) -> None:
        """Keep a heal, or raise what ``reject`` was given."""
        if self._rejection is not None:
            raise self._rejection
        self._waiting.append(heal)

    def reject(self, error: Exception | None) -> None:
        """From now on submit raises this; None: it accepts again."""
        self._rejection = error

    def _pop(self) -> Any:
        if not self._waiting:
            raise LookupError("no heal is pending")
        return self._waiting.popleft()

    def run_next(self) -> Outcome | None:
        """Run the oldest heal; how it ended."""
        outcome: Outcome | None = self._pop()()
        return outcome

    async def arun_next(self) -> Outcome | None:
        """Run the oldest heal in this task; how it ended."""
        outcome: Outcome | None = await self._pop().run()
        return outcome

    def run_all(self) -> int:
        """Run heals until none is pending, those that they publish included; how many."""
        count = 0
        while self._waiting:
            self.run_next()
            count += 1
        return count

    async def arun_all(self) -> int:
        """As ``run_all``, in this task."""
        count = 0
        while self._waiting:
            await self.arun_next()
            count += 1
        return count

    def step_next(self) -> Steps:
        """Take the oldest heal, to be run step by step."""
        return Steps(self._pop())

    def fail_next(self, error: BaseException) -> Outcome | None:
        """Run the oldest heal with a function that raises this error; how it ended."""
        return Steps(self._pop(), fail=error).run()

    def drop_next(self) -> None:
        """Lose the oldest heal without a word, as a broken queue does."""
        self._pop()

    def duplicate_next(self) -> None:
        """Let the oldest heal run twice, as an at-least-once queue does."""
        self._waiting.appendleft(self._waiting[0])


class InlineExecutor:
    """Heals inside submit, in the caller. For tests only: it breaks the promise by design.

    A heal of an async function runs in a loop and a thread of its own, and the caller's loop
    waits for it. The call that missed is answered with what was healed.

    >>> from oob_heal import HealingCache
    >>> @HealingCache(executor=InlineExecutor())(ttl=60)
    ... def double(n: int) -> int:
    ...     return 2 * n
    >>> double(4)
    8
    """

    heals_inline = True

    def submit(self, heal: Any, /) -> None:
        """Run the heal to its end."""
        if not heal.core.is_async:
            heal()
            return
        thread = threading.Thread(target=heal, name="oob-heal-inline", daemon=True)
        thread.start()
        thread.join()


@contextmanager
def heal_inline() -> Iterator[None]:
    """While inside, every heal of every cache runs inline: for a whole test run, say.

    >>> from oob_heal import healing_cache
    >>> @healing_cache(ttl=60)
    ... def double(n: int) -> int:
    ...     return 2 * n
    >>> with heal_inline():
    ...     double(4)
    8
    """
    executor = InlineExecutor()
    forced_executor.append(executor)
    try:
        yield
    finally:
        forced_executor.remove(executor)
