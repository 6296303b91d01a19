"""While a miss is looked after, a read of its key needs no event: told to the table it reads.

Law: what stands in the table is a copy of a mark of ``_inflight``, made and unmade under the lock
of the marks, with the mark's own deadline or an earlier one. So no read is quiet without a mark,
and whatever changes a mark makes the next read ask again. It is made by a read that a mark held
back: publishing costs nothing more.
"""

from __future__ import annotations

import math
from typing import Any

from oob_heal import _decide
from oob_heal._model import Entry, Key, Policy
from oob_heal._tally import Tally

AT_MOST = 10_000  # keys of one function that are quiet at once
NO_DEFAULT = object()


class Quiet:
    """Copies the marks of one function into its table; with no table it does nothing.

    ``default`` is what an absent key is answered with, if it is one and the same each time, else
    NO_DEFAULT.
    """

    def __init__(self, front: Any, policy: Policy, tally: Tally, default: Any) -> None:
        self._front = front
        self._policy = policy
        self._tally = tally
        self._default = default
        self.hushed: dict[Key, float] = {}  # of those that were hushed

    def hush(self, key: Key, entry: Entry | None, now: float, until: float) -> None:
        """A miss that saw this entry is looked after until then."""
        if self._front is None or math.isinf(until) or not self._room(now):
            return
        if entry is None:
            if self._default is not NO_DEFAULT:
                self.hushed[key] = until
                self._front.miss(key.token, self._default, until)
            return
        until = min(until, _decide.servable_until(entry, self._policy))
        promise = self._tally.promise
        if promise is not None:  # what is older is counted one by one
            until = min(until, entry.dated + promise.limit)
        if now < until:
            until = self._tally.hushed(now - entry.dated, now, until)
            self.hushed[key] = until
            self._front.hush(key.token, entry, until)

    def _room(self, now: float) -> bool:
        if len(self.hushed) >= AT_MOST:
            self.hushed = {key: until for key, until in self.hushed.items() if now < until}
        return len(self.hushed) < AT_MOST

    def unhush(self, key: Key) -> None:
        """Its mark has changed."""
        if self.hushed.pop(key, None) is not None:
            self._front.unhush(key.token)

    def unhush_all(self) -> None:
        """There are no marks, or others."""
        self.hushed.clear()
        if self._front is not None:
            self._front.unhush_all()
