"""The reference model's books: who looks after a key, and how each heal ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from oob_heal import Freshness, Outcome, Reason
from tests.model.rules import QUIET, Rules
from tests.model.store import Key, Lease, Store

ANYTHING = object()  # a mark that holds back a miss whatever it saw


class AwayError(Exception):
    """The store is away, or did what was asked and its reply was lost."""


class Answer(NamedTuple):
    """What a caller gets: a value, or (reason set) a miss."""

    value: Any
    freshness: Freshness
    age: float | None
    reason: Reason | None = None


@dataclass(eq=False)
class Heal:
    """A published heal; it ends once."""

    process: Books
    key: Key
    reason: Reason
    missed_at: float
    seen: Any
    adopt: Lease | None = None
    running: bool = False
    outcome: Outcome | None = None
    lease: Lease | None = None


@dataclass(eq=False)
class Run:
    """One go at a heal: ``act`` is what it has decided to do under its lease."""

    heal: Heal
    lease: Lease | None = None
    result: Any = None
    act: Callable[[], None] | None = None
    gives_back: bool = False
    over: bool = False
    permit: Any = None  # its place at the dependency, once it has one


class Failed(NamedTuple):
    """The function raised; ``nothing`` says that its error is an answer, ``inner`` that another
    decorated function had nothing for it, ``hint`` for how many seconds it asks to be left alone.
    """

    nothing: bool = False
    inner: bool = False
    hint: float = 0.0

    @property
    def of_the_dependency(self) -> bool:
        return not (self.nothing or self.inner)


class Books:
    """Of two functions in one process. ``way``: how it reaches the store (up, down or deaf)."""

    def __init__(
        self, store: Store, rules: tuple[Rules, ...], *, forgets: bool, limit: float
    ) -> None:
        self.store, self.rules, self.forgets, self.limit = store, rules, forgets, limit
        self.way = "up"
        self.rejects = False
        self.marks: dict[Key, tuple[Heal | None, float, Any]] = {}
        self.open: dict[Heal, float] = {}
        self.tally: Counter[Any] = Counter()  # (function, what): how often
        self.published: list[Heal] = []  # since the world looked last

    def sweep(self) -> None:
        now = self.store.clock()
        for heal in [heal for heal, until in self.open.items() if now >= until]:
            self._count(heal, Outcome.LOST)

    def _count(self, heal: Heal, outcome: Outcome) -> None:
        heal.outcome = outcome
        self.open.pop(heal, None)
        self.tally[heal.key[0], outcome.value] += 1

    def _mark(self, key: Key) -> tuple[Heal | None, float, Any] | None:
        mark = self.marks.get(key)
        return mark if mark is not None and self.store.clock() < mark[1] else None

    def _stand(self, heal: Heal, how_long: float, *, mark: bool = False) -> None:
        until = self.store.clock() + how_long
        self.open[heal] = until
        held = self._mark(heal.key)
        if mark or (held is not None and held[0] is heal):
            self.marks[heal.key] = (heal, until, ANYTHING)

    def _leads(self, heal: Heal) -> None:
        """Of several heals of a key here, the one that holds the lease has the mark."""
        mark = self._mark(heal.key)
        if heal.outcome is not None or (mark is not None and mark[0] is heal):
            return
        if mark is not None or self._marks_of(heal.key[0]) < self.limit:
            until = self.store.clock() + self.rules[heal.key[0]].lease_for
            self.marks[heal.key] = (heal, until, ANYTHING)

    def _marks_of(self, function: int) -> int:
        return sum(key[0] == function and self._mark(key) is not None for key in self.marks)

    def _full(self, function: int) -> bool:
        heals = sum(heal.key[0] == function for heal in self.open)
        return max(self._marks_of(function), heals) >= self.limit

    def end(self, heal: Heal, outcome: Outcome, quiet: float = 0.0) -> None:
        if heal.outcome is not None:
            return
        self._count(heal, outcome)
        mark = self._mark(heal.key)
        if mark is not None and mark[0] is heal:
            del self.marks[heal.key]
            quiet = min(max(0.0, quiet), QUIET)
            if quiet:
                self.marks[heal.key] = (None, self.store.clock() + quiet, ANYTHING)

    def ask(self, verb: str, *args: Any) -> Any:
        if self.way == "down":
            raise AwayError
        reply = getattr(self.store, verb)(*args)
        if self.way == "deaf":
            raise AwayError
        return reply
