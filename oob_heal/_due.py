"""A dictionary whose values have deadlines, lean enough for the caller that publishes.

Law: plain data; the caller holds a lock and says what time it is. What is past its deadline is not
there. Values have ``until``. What is removed leaves a trace behind, of two numbers and its key,
until its deadline or until traces outnumber values.
"""

from __future__ import annotations

import heapq
import itertools
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V", bound=Any)

_TRACES = 64  # more traces than values that are not worth sweeping


class Due(Generic[K, V]):
    """See the module. Source: as cachetools' TLRUCache, whose every step costs microseconds."""

    __slots__ = ("_heap", "_number", "_values")

    def __init__(self) -> None:
        self._values: dict[K, V] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._number = itertools.count()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K, now: float) -> V | None:
        value = self._values.get(key)
        return value if value is not None and now < value.until else None

    def put(self, key: K, value: V) -> None:
        self._values[key] = value
        heapq.heappush(self._heap, (value.until, next(self._number), key))
        if len(self._heap) > 2 * len(self._values) + _TRACES:
            left = self._values.items()
            self._heap = [(value.until, next(self._number), key) for key, value in left]
            heapq.heapify(self._heap)

    def pop(self, key: K) -> None:
        self._values.pop(key, None)

    def expire(self, now: float) -> list[V]:
        """Remove what is past its deadline, and return it."""
        heap, expired = self._heap, []
        while heap and heap[0][0] <= now:
            _, _, key = heapq.heappop(heap)
            value = self._values.get(key)
            if value is not None and value.until <= now:
                expired.append(self._values.pop(key))
        return expired
