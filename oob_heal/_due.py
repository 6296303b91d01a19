"""A dictionary whose values have deadlines, lean enough for the caller that publishes.

Law: plain data; the caller holds a lock and says what time it is. What is past its deadline is not
there. Values have ``until``. What is removed leaves a trace behind, of two numbers and its key,
until its deadline, or until traces outnumber the values that the last sweep left.
"""

from __future__ import annotations

import itertools
import math
from heapq import heapify, heappop, heappush
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V", bound=Any)

_TRACES = 64  # more traces than values that are not worth sweeping


class Due(dict[K, V]):
    """See the module. Source: as cachetools' TLRUCache, whose every step costs microseconds."""

    __slots__ = ("_heap", "_number", "_weighed_at", "soonest")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, K]] = []
        self._number = itertools.count()
        self._weighed_at = _TRACES  # a heap of this length may have traces enough to be swept
        self.soonest = math.inf  # until then nothing is past its deadline

    def standing(self, key: K, now: float) -> V | None:
        """What is there, unless it is past its deadline."""
        value = self.get(key)
        return value if value is not None and now < value.until else None

    def put(self, key: K, value: V) -> None:
        self[key] = value
        heap, until = self._heap, value.until
        heappush(heap, (until, next(self._number), key))
        if until < self.soonest:
            self.soonest = until
        if len(heap) > self._weighed_at:
            self._weigh()

    def _weigh(self) -> None:
        self._weighed_at = 2 * len(self) + _TRACES
        if len(self._heap) > self._weighed_at:
            left = self.items()
            self._heap = [(value.until, next(self._number), key) for key, value in left]
            heapify(self._heap)

    def expire(self, now: float, at_most: float = math.inf) -> list[V]:
        """Remove what is past its deadline, in so many looks at most, and return it."""
        heap = self._heap
        expired: list[V] = []
        while heap and heap[0][0] <= now and at_most > 0:
            at_most -= 1
            _, _, key = heappop(heap)
            value = self.get(key)
            if value is not None and value.until <= now:
                expired.append(self.pop(key))
        self.soonest = heap[0][0] if heap else math.inf
        self._weighed_at = 2 * len(self) + _TRACES
        return expired
