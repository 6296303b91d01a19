"""What is under way in this process: marks that hold misses back, and the ledger of heals.

Law: one lock, bounded tables with deadlines, no user code inside. A mark says that a miss of its
key is being looked after; each mark has a deadline, so nothing outlives its owner. The ledger
counts each published heal once when it begins and once when it ends, whatever ends it first.
A ``quiet`` is told, under the lock, of each miss that a mark holds back, and of each mark that
changes.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from oob_heal import _lifecycle
from oob_heal._collector import in_collector
from oob_heal._due import Due
from oob_heal._model import Entry, Key, Outcome, new
from oob_heal.errors import HealRejectedError
from oob_heal.ports import Clock

LIMIT = 10_000  # heals under way, of one function
SWEPT_BY_A_MISS = 64  # of what is past its deadline; each miss adds less
LOOK_AGAIN = 0.1  # s after which a read looks whether the loop of a heal is closed
ANY = object()  # a mark that holds back a miss whatever it sees
NOBODY: list[Any] = []  # whom a sweep found late that did not take place


class Account(NamedTuple):
    """A published heal that has not ended, and by when it must."""

    heal: Any
    until: float


class Mark(NamedTuple):
    """Who looks after a key, until when, and which misses it holds back. While both end at once, a
    heal's first mark is its account as well."""

    heal: Any  # None: nobody; the key is only quiet
    until: float
    sees: Any


def sight(entry: Entry | None) -> Any:
    """What a miss saw: enough to tell whether another miss saw the same entry."""
    return None if entry is None else (entry.dated, entry.marked_stale)


class _Loud:
    """Nobody to tell."""

    hushed: Mapping[Key, float] = MappingProxyType({})

    def hush(self, key: Key, entry: Entry | None, now: float, until: float) -> None: ...

    def unhush(self, key: Key) -> None: ...

    def unhush_all(self) -> None: ...


class InFlight:
    """The marks and the ledger of one function. A heal carries its own ``outcome``, None until
    it ended, ``running``, and ``instead_of``, the stranded heal whose place it took; they are
    changed here only, under the lock. It says itself whether it is ``stranded``: its event loop
    was closed over it, and nothing will ever end it."""

    locks_others = True  # the table's, which ``quiet`` tells of a mark

    def __init__(self, clock: Clock, limit: int = LIMIT, quiet: Any = None) -> None:
        self.clock = clock
        self.limit = limit
        self.quiet = quiet if quiet is not None else _Loud()
        self.published = 0
        self.aside = 0  # dropped without the lock
        self.ended: Counter[Outcome] = Counter()
        self._renew()
        _lifecycle.survives_fork(self)

    def _renew(self) -> None:
        self.lock = threading.Lock()
        self._marks: Due[Key, Mark] = Due()
        # By number: what is removed from such a table stays a key in its heap for a while, and a
        # heal holds its arguments.
        self._open: Due[int, Account | Mark] = Due()

    def after_fork(self, consistent: bool) -> None:
        """In the child: what is under way is under way in the parent."""
        self.published = sum(self.ended.values())
        self._renew()

    def _sweep(self, now: float, at_most: float = math.inf) -> list[Any]:
        """Count what is past its deadline, or so much of it. Its arguments are the user's: the
        caller keeps what is returned until the lock is free, so that they do not die under it."""
        accounts = self._open.expire(now, at_most)
        for account in accounts:
            self._count(account.heal, Outcome.LOST)
        return accounts + self._lose(self._marks.expire(now, at_most))

    def _lose(self, marks: list[Any]) -> list[Any]:
        """Who is looked after no longer: some of these marks are accounts as well."""
        for mark in marks:
            if self._is_account(mark):
                self._close(mark.heal)
                self._count(mark.heal, Outcome.LOST)
        return marks

    def _is_full(self) -> bool:
        return len(self._open) >= self.limit or len(self._marks) >= self.limit

    def _is_account(self, mark: Mark) -> bool:
        return self._open.get(id(mark.heal)) is mark

    def _close(self, heal: Any) -> None:
        self._open.pop(id(heal), None)  # also what is past its deadline

    def _count(self, heal: Any, outcome: Outcome) -> None:
        heal.outcome = outcome
        self.ended[outcome] += 1

    def _holds_back(self, mark: Mark, entry: Entry | None) -> bool:
        if mark.heal is not None and mark.heal.stranded:
            return False
        return mark.sees is ANY or mark.sees == sight(entry)

    def _quiet_until(self, mark: Mark, now: float) -> float:
        """Who runs as a task may be stranded, which nobody tells."""
        is_task = mark.heal is not None and mark.heal.task is not None
        return min(mark.until, now + LOOK_AGAIN) if is_task else mark.until

    def begin(self, heal: Any, entry: Entry | None, stand_for: float) -> bool:
        """Publish a heal: mark its key, open its account. False if the miss is held back, or
        (counted as dropped) if too much is under way."""
        with self.lock:
            key, marks, accounts = heal.key, self._marks, self._open
            now = self.clock()
            _lost: list[Any] = NOBODY
            if now >= marks.soonest or now >= accounts.soonest:
                _lost = self._sweep(now, SWEPT_BY_A_MISS)
            mark = marks.get(key)
            if mark is not None:
                if now >= mark.until:  # not swept yet
                    _lost = _lost + self._lose([mark])
                    mark = None
                elif self._holds_back(mark, entry):
                    self.quiet.hush(key, entry, now, self._quiet_until(mark, now))
                    return False
            self.published += 1
            if self._is_full():
                _lost = _lost + self._sweep(now)
                if self._is_full():
                    self._count(heal, Outcome.DROPPED)
                    return False
            if mark is not None:
                self._take_the_place(heal, mark)
            if self.quiet.hushed:
                self.quiet.unhush(key)
            made = new(Mark, (heal, now + stand_for, ANY))
            marks.put(key, made)
            accounts[id(heal)] = made  # its deadline is watched with the mark's: see ``_lose``
            return True

    def _take_the_place(self, heal: Any, mark: Mark) -> None:
        """A heal that its loop was closed over has ended, if this one's key had it."""
        if mark.heal is not None and mark.heal.stranded:
            if mark.heal.outcome is None:  # else its account was late before its mark was
                self._close(mark.heal)
                self._count(mark.heal, Outcome.LOST)
            heal.instead_of = mark.heal

    def drop_aside(self) -> None:
        """Count a heal as dropped inside the collector, where the lock may be this thread's."""
        self.aside += 1  # the collector runs in one thread at a time

    def join(self, heal: Any, stand_for: float) -> None:
        """Open the account of a heal that no miss here has published; mark its key if free."""
        if in_collector():
            raise HealRejectedError("a finalizer that the garbage collector runs cannot heal")
        with self.lock:
            now = self.clock()
            _lost = self._sweep(now)
            self.published += 1
            self._open.put(id(heal), Account(heal, now + stand_for))
            if self._marks.standing(heal.key, now) is None and len(self._marks) < self.limit:
                self._marks.put(heal.key, Mark(heal, now + stand_for, ANY))

    def leads(self, heal: Any, stand_for: float) -> None:
        """The heal holds the lease: of those of its key in this process, the mark is its own."""
        with self.lock:
            now = self.clock()
            before = self._marks.get(heal.key)  # also what is past its deadline
            mark = self._marks.standing(heal.key, now)
            room = mark is not None or len(self._marks) < self.limit
            if room and heal.outcome is None and (mark is None or mark.heal is not heal):
                self.quiet.unhush(heal.key)
                if before is not None and self._is_account(before):
                    self._open.put(id(before.heal), before)  # the mark goes, the account stays
                self._marks.put(heal.key, Mark(heal, now + stand_for, ANY))

    def start(self, heal: Any, stand_for: float) -> bool:
        """The heal runs from here. False if it has ended, or runs already."""
        with self.lock:
            now = self.clock()
            _lost = self._sweep(now)
            if heal.outcome is not None or heal.running:
                return False
            heal.running = True
            self._open.put(id(heal), Account(heal, now + stand_for))
            mark = self._marks.standing(heal.key, now)
            if mark is not None and mark.heal is heal:
                self.quiet.unhush(heal.key)
                self._marks.put(heal.key, Mark(heal, now + stand_for, ANY))
            return True

    def handed_on(self, heal: Any, entry_seen: Any, hold_back_for: float, open_for: float) -> None:
        """An engine has the heal: hold back only misses of the same entry, and not for long."""
        with self.lock:
            now = self.clock()
            _lost = self._sweep(now)
            if heal.outcome is not None:
                return
            heal.running = False
            self._open.put(id(heal), Account(heal, now + open_for))
            mark = self._marks.standing(heal.key, now)
            if mark is not None and mark.heal is heal:
                self.quiet.unhush(heal.key)
                self._marks.put(heal.key, Mark(heal, now + hold_back_for, entry_seen))

    def end(self, heal: Any, outcome: Outcome, quiet: float = 0.0) -> bool:
        """The heal ended so, and its key is quiet for a while. False if it had ended before."""
        with self.lock:
            now = self.clock()
            if heal.outcome is not None:
                return False
            self._close(heal)
            self._count(heal, outcome)
            mark = self._marks.standing(heal.key, now)
            if mark is not None and mark.heal is heal:
                self.quiet.unhush(heal.key)
                self._marks.pop(heal.key, None)
                if quiet > 0:
                    self._marks.put(heal.key, Mark(None, now + quiet, ANY))
            return True

    def written(self, key: Key) -> None:
        """The application set the key itself: a heal that only waits for it has ended."""
        with self.lock:
            now = self.clock()
            _lost = self._sweep(now)
            mark = self._marks.standing(key, now)
            if mark is None or (mark.heal is not None and mark.heal.running):
                return
            self.quiet.unhush(key)
            self._marks.pop(key, None)
            if mark.heal is not None and mark.heal.outcome is None:
                self._close(mark.heal)
                self._count(mark.heal, Outcome.HEALED)

    def under_way(self, key: Key) -> Any:
        """The heal of a key that runs in this process, or None."""
        with self.lock:
            mark = self._marks.standing(key, self.clock())
            return mark.heal if mark is not None else None

    def ledger(self) -> tuple[int, dict[Outcome, int], int]:
        """Published, ended by outcome, under way; at one instant."""
        if in_collector():
            return self._books(self.published - sum(self.ended.values()))
        with self.lock:
            now = self.clock()  # one instant: what ends while counting is not missed
            _lost = self._sweep(now)
            return self._books(len(self._open))

    def _books(self, under_way: int) -> tuple[int, dict[Outcome, int], int]:
        ended = dict(self.ended)
        if self.aside:
            ended[Outcome.DROPPED] = ended.get(Outcome.DROPPED, 0) + self.aside
        return self.published + self.aside, ended, under_way
