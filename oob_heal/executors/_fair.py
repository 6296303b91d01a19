"""A bounded queue shared fairly by groups, refreshes first.

Law: plain data; the caller holds a lock. Groups are served in turn; no group has more than half of
the places to wait, or of the places to run, or runs more than its dependency takes at once. Within
a group a heal of a known key goes before one of a key never seen (each eighth place apart, so that
a key never seen is late and not forgotten); with no place left, the latter gives way.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from typing import Any

from oob_heal.errors import HealRejectedError

EIGHTH = 8  # every so many heals of a group, one of a key never seen goes first


class Waiting:
    """What waits of one group."""

    __slots__ = ("limit", "refreshes", "taken", "unseen")

    def __init__(self) -> None:
        self.refreshes: deque[Any] = deque()
        self.unseen: deque[Any] = deque()
        self.taken = 0
        self.limit = 1

    def __len__(self) -> int:
        return len(self.refreshes) + len(self.unseen)

    def put(self, heal: Any, share: int) -> None:
        (self.refreshes if getattr(heal, "refreshes", True) else self.unseen).append(heal)
        limit = getattr(heal, "limit", share)
        self.limit = limit if limit < share else share  # noqa: FURB136 - sooner than min()

    def pop(self) -> Any:
        self.taken += 1
        first = self.unseen if self.taken % EIGHTH == 0 else self.refreshes
        return (first or self.refreshes or self.unseen).popleft()


class FairQueue:
    """Heals that wait, by group, and how many of each group run."""

    def __init__(self, places: int, runners: int) -> None:
        self.places = places
        self.waiting_share = max(1, places // 2)
        self.running_share = max(1, runners // 2)
        self.clear()

    def clear(self) -> list[Any]:
        """Forget everything; returns what waited."""
        left: list[Any] = []
        for waiting in getattr(self, "_waiting", {}).values():
            left += [*waiting.refreshes, *waiting.unseen]
        self._waiting: OrderedDict[str, Waiting] = OrderedDict()
        self._running: Counter[str] = Counter()
        self._size = 0
        return left

    def __len__(self) -> int:
        return self._size

    def put(self, group: str, heal: Any) -> Any:
        """Queue a heal. Returns the one that gave way to it, to be told so once the lock is free,
        or None. Raises HealRejectedError when there is no place."""
        waiting, share = self._waiting.get(group), self.waiting_share
        shed = None
        if self._size >= self.places:
            shed = self._make_way(heal, waiting)
            if shed is None:
                raise HealRejectedError(f"the queue is full: {self.places} heals wait")
        elif self._size >= share and waiting is not None and len(waiting) >= share:
            shed = self._make_way(heal, waiting, of_another=False)
            if shed is None:
                raise HealRejectedError(f"half of the queue waits for {group} already")
        if waiting is None:
            waiting = self._waiting[group] = Waiting()
        waiting.put(heal, self.running_share)
        self._size += 1
        return shed

    def _make_way(self, heal: Any, own: Waiting | None, *, of_another: bool = True) -> Any:
        """Take the youngest heal of a key never seen out, of its own group or of the one with the
        most of them; None if this heal may not have its place."""
        if not getattr(heal, "refreshes", True):
            return None
        if own is not None and own.unseen:
            crowd: Waiting = own
        elif of_another and (own is None or len(own) < self.waiting_share):
            crowd = max(self._waiting.values(), key=lambda each: len(each.unseen))
        else:
            return None
        if not crowd.unseen:
            return None
        self._size -= 1
        return crowd.unseen.pop()

    def take(self) -> tuple[str, Any] | None:
        """The next heal that may run, and its group; None if every group is at its share."""
        for group, waiting in self._waiting.items():
            if waiting and self._running[group] < waiting.limit:
                heal = waiting.pop()
                self._size -= 1
                self._running[group] += 1
                if waiting:
                    self._waiting.move_to_end(group)
                else:
                    del self._waiting[group]
                return group, heal
        return None

    def ready(self) -> bool:
        """Whether ``take`` would find one."""
        return any(
            waiting and self._running[group] < waiting.limit
            for group, waiting in self._waiting.items()
        )

    def done(self, group: str) -> None:
        """A heal of the group runs no more."""
        self._running[group] -= 1
        if self._running[group] <= 0:
            del self._running[group]
