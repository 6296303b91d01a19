"""A source in trouble, and what it must not see of those who would know if it is well again."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

from tests.model.pair import BrokenError

A_MOMENT = 0.1  # s for which a source that failed a probe is left alone, at the least


class Trouble:
    """Once ``watch`` was called one probes at a time, and none while it is left alone. A process
    may stand still until it has lost the right to probe, and call all the same: that is not seen.
    """

    def __init__(self, clock: Callable[[], float], a_call_takes: float) -> None:
        self.clock, self.a_call_takes = clock, a_call_takes
        self.failing: set[int] = set()  # keys that the source has no answer for
        self.carried: dict[int, Any] = {}  # heals by their key
        self.wrong: list[str] = []  # what was seen; the heal would take an error for the source's
        self.watched = self.well = False
        self.probes = 0
        self._older: set[int] = set()
        self._calling: dict[int, float] = {}  # since when
        self._left_alone_until = -math.inf

    def watch(self) -> None:
        """One may probe; what is under way counts no more."""
        self.watched = True
        self._older = set(self._calling)
        self._calling.clear()

    def is_over(self) -> None:
        self.watched = False
        self.failing.clear()

    @contextlib.contextmanager
    def called(self, n: int) -> Iterator[None]:
        """While it is called for a key."""
        now = self.clock()
        if not self._late(n):
            if self.watched and not self.well:
                began = self._calling.values()
                probing = [each for each in began if now < each + self.a_call_takes]
                self.wrong += ["two probe at once"] if probing else []
                early = now < self._left_alone_until
                self.wrong += ["a call while it is left alone"] if early else []
            self._calling[n] = now
        try:
            yield
        finally:
            self._calling.pop(n, None)

    def looked(self, n: int) -> None:
        """The call comes to its answer, or to an error."""
        counts = self.watched and n not in self._older
        self.probes += counts
        if n in self.failing:
            if counts and not self._late(n):
                self._left_alone_until = self.clock() + A_MOMENT
            raise BrokenError
        self.well = self.well or counts

    def _late(self, n: int) -> bool:
        permit = getattr(self.carried.get(n), "permit", None)
        lease = permit and permit.lease
        return lease is not None and self.clock() >= lease.until
