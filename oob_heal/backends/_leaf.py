"""Answers in a dictionary, in the order of SIEVE: which of them goes when there is no room.

Law: plain data. Who writes holds the lock of the backend that owns the table; who reads holds none,
since every change puts one new tuple in the place of another. What a change lets go of is returned,
to die when the lock is free.

    answer                                 means
    (value, fresh_until, facts)            an entry that was read since the hand passed
    (value, UNSEEN, facts)                 an entry that was not
    (value, PAST, facts)                   an entry that is marked stale
    (value, HUSHED, until)                 an entry that is stale; until then a read needs no event
    (default, MISSING, until)              no entry; until then a read needs no event

``facts`` is a complex number: when the entry is dated, and its spread (below 0: marked stale). A
tuple of numbers and text is nothing to the garbage collector; an object with slots is.

SIEVE (Zhang and others, NSDI 2024): new entries join at the young end; a hand goes from the oldest
on, forgives each entry that was read since it last passed, and takes the first that was not.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from oob_heal._model import Entry, entry_of
from oob_heal.backends._line import Line

PAST, UNSEEN, HUSHED, MISSING = (float("-inf") for _ in range(4))  # told apart by identity
MISSES = 10_000  # absent keys that a table remembers; many combinations share them
FORGIVEN = 16  # entries that the hand forgives in one write: then the next one goes, read or not

Answer = tuple[Any, float, Any]


def told(facts: complex, value: Any) -> Entry:
    """The entry of a value and its facts."""
    spread = facts.imag
    marked = spread < 0
    return entry_of(value, facts.real, marked, -1.0 - spread if marked else spread)


def facts_of(entry: Entry) -> complex:
    """What ``told`` needs to know."""
    return complex(entry.dated, -1.0 - entry.spread if entry.marked_stale else entry.spread)


class Leaf:
    """The answers of one combination of types."""

    __slots__ = ("_ahead", "_behind", "_ghosts", "answers", "hushed", "missing")

    def __init__(self) -> None:
        self.answers: dict[Any, Answer] = {}
        self.hushed: dict[Any, complex] = {}  # the facts of those that are HUSHED
        self.missing: OrderedDict[Any, None] = OrderedDict()  # which are MISSING, oldest first
        self._ahead = Line()  # of the hand: oldest first, and where new ones join
        self._behind = Line()  # forgiven, in the same order: older than those ahead
        self._ghosts: set[Any] = set()  # in line, and no entry any more

    def __len__(self) -> int:
        return len(self.answers) - len(self.missing)

    def entry(self, index: Any) -> Entry | None:
        """What is there; takes no lock."""
        while True:
            answer = self.answers.get(index)
            if answer is None or answer[1] is MISSING:
                return None
            facts = self.hushed.get(index) if answer[1] is HUSHED else answer[2]
            if facts is not None:  # else it was changed between the two looks
                return told(facts, answer[0])

    def put(self, index: Any, answer: Answer) -> Answer | None:
        """Put an entry's answer, and return the one that it takes the place of."""
        before = self.answers.get(index)
        self.answers[index] = answer  # first: who reads in between finds facts
        self._forget_hush(index, before)
        if before is None or before[1] is MISSING:
            if index in self._ghosts:
                self._ghosts.discard(index)
            else:
                self._ahead.join(index)
        return before

    def drop(self, index: Any) -> Answer | None:
        """Make absent, and return what was there."""
        before = self.answers.pop(index, None)
        self._forget_hush(index, before)
        if before is not None and before[1] is not MISSING:
            self._ghosts.add(index)
            if len(self._ghosts) > len(self.answers) + MISSES:
                self._lay_ghosts()
        return before

    def hush(self, index: Any, entry: Entry, until: float) -> None:
        """Make the answer of an entry that is there HUSHED."""
        self.hushed[index] = facts_of(entry)
        self.answers[index] = (entry.value, HUSHED, until)

    def miss(self, index: Any, default: Any, until: float, most: int = MISSES) -> None:
        """Put a MISSING answer where no entry is; the oldest go, until there are ``most``."""
        self.missing[index] = None
        self.answers[index] = (default, MISSING, until)
        for _ in range(2):  # a step at a time: a caller waits for it
            if len(self.missing) > most:
                self.unhush(next(iter(self.missing)))

    def unhush(self, index: Any) -> None:
        """Turn a HUSHED answer into what it was, and a MISSING one into none."""
        answer = self.answers.get(index)
        if answer is not None and answer[1] is MISSING:
            del self.answers[index]
        elif answer is not None and answer[1] is HUSHED:
            self.answers[index] = (answer[0], PAST, self.hushed[index])
        self._forget_hush(index, answer)

    def _forget_hush(self, index: Any, answer: Answer | None) -> None:
        if answer is not None and answer[1] is HUSHED:
            self.hushed.pop(index, None)
        elif answer is not None and answer[1] is MISSING:
            self.missing.pop(index, None)

    def _lay_ghosts(self) -> None:
        for line in (self._ahead, self._behind):
            line.keep(lambda index: index not in self._ghosts)
        self._ghosts.clear()

    def evict(self) -> Answer | None:
        """Drop one entry, and return its answer; None if there is none."""
        forgiven = 0
        while self._ahead or self._behind:
            if not self._ahead:
                self._ahead, self._behind = self._behind, self._ahead
            index = self._ahead.take()
            if index in self._ghosts:
                self._ghosts.discard(index)
                continue
            value, until, facts = answer = self.answers[index]
            if until is UNSEEN or forgiven == FORGIVEN:
                del self.answers[index]
                self._forget_hush(index, answer)
                return answer
            forgiven += 1
            self._behind.join(index)
            if until is not HUSHED:  # one that is looked after will be read: it stays seen
                self.answers[index] = (value, UNSEEN, facts)
        return None

    def clear(self) -> list[Answer]:
        let_go = list(self.answers.values())
        held: tuple[Any, ...] = (self.answers, self.hushed, self.missing)
        for each in (*held, self._ahead, self._behind, self._ghosts):
            each.clear()
        return let_go


class Room:
    """How many entries several tables may have together; the largest combination of types pays."""

    def __init__(self, maxsize: int) -> None:
        self.maxsize = maxsize
        self.size = 0
        self._payer: Leaf | None = None
        self._leaves: list[Leaf] = []

    def leaf(self) -> Leaf:
        leaf = Leaf()
        self._leaves.append(leaf)
        return leaf

    def make(self, leaf: Leaf) -> list[Any]:
        """Make room for one more entry, which will go to this leaf."""
        if self._payer is None or len(leaf) > len(self._payer):
            self._payer = leaf
        let_go: list[Any] = []
        while self.size >= self.maxsize:
            if not len(self._payer):
                self._payer = max(self._leaves, key=len)
            gone = self._payer.evict()
            if gone is None:
                break
            let_go.append(gone)
            self.size -= 1
        self.size += 1
        return let_go
