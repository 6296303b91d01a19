"""A line of keys, oldest first, that costs the garbage collector next to nothing.

Law: plain data; the caller holds a lock. A deque of a million keys is gone through whole by each
full collection. What waits here lies in tuples, and the collector leaves a tuple alone once it has
seen that nothing in it is worth a look.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

TOGETHER = 256  # keys in a tuple


class Line:
    """Joined at its end, taken from its front."""

    __slots__ = ("_between", "_first", "_last")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._first: list[Any] = []  # the front, and its oldest last
        self._between: deque[tuple[Any, ...]] = deque()
        self._last: list[Any] = []

    def __bool__(self) -> bool:
        return bool(self._first or self._between or self._last)

    def __iter__(self) -> Iterator[Any]:
        yield from reversed(self._first)
        for some in self._between:
            yield from some
        yield from self._last

    def join(self, index: Any) -> None:
        self._last.append(index)
        if len(self._last) == TOGETHER:
            self._between.append(tuple(self._last))
            self._last.clear()

    def take(self) -> Any:
        """The oldest; IndexError if there is none."""
        if not self._first:
            if self._between:
                self._first += reversed(self._between.popleft())
            else:
                self._first, self._last = self._last[::-1], []
        return self._first.pop()

    def keep(self, worth: Callable[[Any], bool]) -> None:
        """Only those that are worth it, in the same order."""
        kept = [index for index in self if worth(index)]
        self.clear()
        for index in kept:
            self.join(index)
