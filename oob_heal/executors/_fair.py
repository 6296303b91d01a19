"""A bounded queue shared fairly by groups.

Law: plain data; the caller holds a lock. Groups are served in turn; no group has more than half
of the places to wait, or of the places to run.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from typing import Any

from oob_heal.errors import HealRejectedError


class FairQueue:
    """Heals that wait, by group, and how many of each group run."""

    def __init__(self, places: int, runners: int) -> None:
        self.places = places
        self.waiting_share = max(1, places // 2)
        self.running_share = max(1, runners // 2)
        self.clear()

    def clear(self) -> list[Any]:
        """Forget everything; returns what waited."""
        left = [heal for queue in getattr(self, "_waiting", {}).values() for heal in queue]
        self._waiting: OrderedDict[str, deque[Any]] = OrderedDict()
        self._running: Counter[str] = Counter()
        self._size = 0
        return left

    def __len__(self) -> int:
        return self._size

    def put(self, group: str, heal: Any) -> None:
        """Queue a heal. Raises HealRejectedError when there is no place."""
        if self._size >= self.places:
            raise HealRejectedError(f"the queue is full: {self.places} heals wait")
        queue = self._waiting.get(group)
        if queue is None:
            queue = self._waiting[group] = deque()
        elif len(queue) >= self.waiting_share:
            raise HealRejectedError(f"half of the queue waits for {group} already")
        queue.append(heal)
        self._size += 1

    def take(self) -> tuple[str, Any] | None:
        """The next heal that may run, and its group; None if every group is at its share."""
        for group, queue in self._waiting.items():
            if self._running[group] < self.running_share:
                heal = queue.popleft()
                self._size -= 1
                self._running[group] += 1
                if queue:
                    self._waiting.move_to_end(group)
                else:
                    del self._waiting[group]
                return group, heal
        return None

    def ready(self) -> bool:
        """Whether ``take`` would find one."""
        return any(self._running[group] < self.running_share for group in self._waiting)

    def done(self, group: str) -> None:
        """A heal of the group runs no more."""
        self._running[group] -= 1
        if self._running[group] <= 0:
            del self._running[group]
