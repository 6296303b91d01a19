"""What is fresh of one scope in a front and needs no look, for code that reads it as it is.

Law: a copy, for the fastest read there is (see ``_table`` for the layout): an answer is put here by
a read that came the long way and found it, and is taken away before the front changes what it holds
of the key. Both clocks are in its ``until``: it ends when the entry is no longer fresh, or when it
must be looked at again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oob_heal._model import Entry
from oob_heal.backends._place import Kinds, place, plant
from oob_heal.backends._table import LEAVES
from oob_heal.ports import Clock


class Glance:
    """``tables`` is read without a lock, and held against ``clock``. ``fresh_until(entry)`` is by
    ``now``, the clock that dates the entries; ``read`` is the long way."""

    def __init__(
        self,
        clock: Clock,
        now: Clock,
        fresh_until: Callable[[Entry], float],
        read: Callable[[Any], Entry | None],
    ) -> None:
        self.tables: dict[Any, Any] = {}
        self.clock = clock
        self.read = read
        self._fresh_until = fresh_until
        self._now = now
        self._answers: dict[Kinds, dict[Any, Any]] = {}

    def put(self, token: Any, entry: Entry, until: float) -> None:
        """An entry that needs no look until then."""
        where, now = place(token), self.clock()
        until = min(until, self._fresh_until(entry) - self._now() + now)
        if where is None or until <= now:
            return
        kinds, index = where
        answers = self._answers.get(kinds)
        if answers is None:
            if len(self._answers) >= LEAVES:
                return
            answers = self._leaf(kinds)
        answers[index] = (entry.value, until, None)

    def _leaf(self, kinds: Kinds) -> dict[Any, Any]:
        answers: dict[Any, Any] = {}
        if kinds:
            plant(self.tables, kinds, answers)
        else:
            answers = self.tables
        self._answers[kinds] = answers
        return answers

    def forget(self, token: Any) -> Any:
        """Take an answer away, and return it."""
        where = place(token)
        if where is None:
            return None
        kinds, index = where
        return self._answers.get(kinds, {}).pop(index, None)

    # Quiet misses are the marks' alone here: the clock that dates them is another one.

    def hush(self, token: Any, *_: Any) -> None: ...

    def miss(self, token: Any, *_: Any) -> None: ...

    def unhush(self, token: Any) -> None: ...

    def unhush_all(self) -> None: ...
