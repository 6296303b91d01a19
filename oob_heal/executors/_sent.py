"""What was sent to an engine and has not healed yet: when to look, and when to take it back.

Law: bounded tables, soonest first, under the outbox's lock, which the caller of ``put`` and ``due``
holds and ``look`` takes. Nothing is awaited under it, and no heal dies under it: one may hold a
user's objects.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

LOOKS_AT_ONCE = 100  # keys that are looked at in one go


class Look(NamedTuple):
    """When to see whether a heal has ended, and how long that was put off."""

    due: float
    order: int  # no two are equal, so heals are never compared
    step: float
    heal: Any


class Sent:
    """``look_after``: s until the first look, twice as many each time; ``waits_for``: s for which
    a worker may take an event; ``most``: how many are remembered, of each."""

    def __init__(self, lock: Any, look_after: float, waits_for: float, most: int) -> None:
        self._lock = lock
        self.look_after = look_after
        self.waits_for = waits_for
        self.most = most
        self._looks: list[Look] = []
        self._waited_for: deque[tuple[float, Any]] = deque()  # until when
        self._order = itertools.count()

    def __len__(self) -> int:
        return len(self._looks)

    @property
    def awaited(self) -> int:
        """How many have not been taken back yet, should no worker have taken them."""
        return len(self._waited_for)

    def put(self, heal: Any, now: float) -> list[Any]:
        """Remember one. Returns those that are forgotten for it: they end by their own deadline."""
        gone: list[Any] = []
        self._waited_for.append((now + self.waits_for, heal))
        if len(self._waited_for) > self.most:
            gone.append(self._waited_for.popleft())
        gone.append(self._look_at(now, self.look_after, heal))
        return gone

    def _look_at(self, now: float, step: float, heal: Any) -> Any:
        heapq.heappush(self._looks, Look(now + step, next(self._order), step, heal))
        return heapq.heappop(self._looks) if len(self._looks) > self.most else None

    def due(self) -> float | None:
        """When there is something to do next; None if there is not."""
        dues = [self._looks[0].due] if self._looks else []
        if self._waited_for:
            dues.append(self._waited_for[0][0])
        return min(dues, default=None)

    async def look(self, now: float) -> None:
        """Take back what has waited for too long, and see which keys have healed; those that have
        not, later again."""
        for _ in range(LOOKS_AT_ONCE):
            heal = self._locked(self._late, now)
            if heal is None:
                break
            await _whatever_it_raises(heal.take_back())
        for _ in range(LOOKS_AT_ONCE):
            look = self._locked(self._due_look, now)
            if look is None:
                return
            if not await _whatever_it_raises(look.heal.settle()):
                self._locked(self._look_at, now, 2 * look.step, look.heal)

    def _locked(self, work: Callable[..., Any], *args: Any) -> Any:
        with self._lock:
            return work(*args)

    def _late(self, now: float) -> Any:
        if not self._waited_for or self._waited_for[0][0] > now:
            return None
        return self._waited_for.popleft()[1]

    def _due_look(self, now: float) -> Look | None:
        if not self._looks or self._looks[0].due > now:
            return None
        return heapq.heappop(self._looks)


async def _whatever_it_raises(asked: Coroutine[Any, Any, Any]) -> Any:
    """The publisher outlives what a backend's client may raise."""
    try:
        return await asked
    except BaseException:
        return None
