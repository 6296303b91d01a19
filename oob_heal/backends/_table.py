"""The entries of one scope, laid out for the fastest read there is.

Law: plain data; nothing is judged here, a table is told how long an entry is fresh. Who writes
holds the lock of the backend that owns the table, who reads holds none.

A call is looked up by its arguments as they are, under their exact types (see ``_place``):

    tables[()]          tables[type(a)][a]          tables[type(a)][type(b)][a, b]

Arguments whose equality says less than their type and value (0.0 and -0.0, two datetimes) lie under
their token, which no call reaches as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oob_heal._model import Entry
from oob_heal.backends._leaf import (
    HUSHED,
    MISSES,
    MISSING,
    PAST,
    UNSEEN,
    Leaf,
    Room,
    facts_of,
    told,
)
from oob_heal.backends._place import Kinds, place, plant

LEAVES = 64  # combinations of types that one table tells apart; later ones lie under their tokens


class Table:
    """One scope. ``fresh_until`` says of an entry how long it counts as up to date; as long as
    nobody says it, no answer here is read as it is."""

    def __init__(self, room: Room) -> None:
        self.tables: dict[Any, Any] = {}
        self.policy: Any = None
        self.fresh_until: Callable[[Entry], float] = lambda _: PAST
        self._room = room
        self._leaves: dict[Kinds, Leaf] = {}
        self._told = room.leaf()
        self._arity: int | None = None

    def __len__(self) -> int:
        return len(self._told) + sum(map(len, list(self._leaves.values())))

    def find(self, token: Any, *, make: bool = False) -> tuple[Leaf, Any]:
        """Where a token's answer lies, or would lie."""
        found = place(token)
        if found is None:
            return self._told, token
        kinds, index = found
        leaf = self._leaves.get(kinds)
        if leaf is not None:
            return leaf, index
        if not make or len(self._leaves) >= LEAVES or self._arity not in (None, len(kinds)):
            return self._told, token
        return self._leaf(kinds), index

    def _leaf(self, kinds: Kinds) -> Leaf:
        leaf = self._leaves[kinds] = self._room.leaf()
        self._arity = len(kinds)
        if kinds:
            plant(self.tables, kinds, leaf.answers)
        else:
            leaf.answers = self.tables
        return leaf

    def get(self, token: Any) -> Entry | None:
        """The entry of a token. Takes no lock."""
        leaf, index = self.find(token)
        return leaf.entry(index)

    def judged_by(self, policy: Any, fresh_until: Callable[[Entry], float]) -> bool:
        """From now on this says how long an entry is fresh. False if another policy does."""
        if self.policy is not None and self.policy != policy:
            return False
        if self.policy is None:
            self.policy, self.fresh_until = policy, fresh_until
            for leaf in [self._told, *self._leaves.values()]:
                for index, (value, until, facts) in list(leaf.answers.items()):
                    if until is PAST:
                        leaf.answers[index] = (value, UNSEEN, facts)
        return True

    def put(self, token: Any, entry: Entry) -> Any:
        leaf, index = self.find(token, make=True)
        before = leaf.answers.get(index)
        let_go = []
        if before is None or before[1] is MISSING:
            let_go = self._room.make(leaf)
            until = UNSEEN
        else:
            until = UNSEEN if before[1] is UNSEEN else self.fresh_until(entry)
        leaf.put(index, (entry.value, until, facts_of(entry)))
        return before, let_go

    def drop(self, token: Any) -> Any:
        leaf, index = self.find(token)
        before = leaf.drop(index)
        if before is not None and before[1] is not MISSING:
            self._room.size -= 1
        return before

    def mark(self, token: Any) -> None:
        leaf, index = self.find(token)
        entry = leaf.entry(index)
        if entry is not None:
            marked = Entry(entry.value, entry.dated, True, entry.spread)
            leaf.put(index, (entry.value, PAST, facts_of(marked)))

    def clear(self) -> Any:
        self._room.size -= len(self)
        return [leaf.clear() for leaf in (self._told, *self._leaves.values())]

    def see(self, leaf: Leaf, index: Any) -> None:
        """An entry was read: the hand will forgive it once."""
        answer = leaf.answers.get(index)
        if answer is not None and answer[1] is UNSEEN:
            fresh_until = self.fresh_until(told(answer[2], answer[0]))
            leaf.answers[index] = (answer[0], fresh_until, answer[2])

    def hush(self, token: Any, seen: Entry, until: float) -> None:
        """Until then a read of this very entry, which is stale, needs no event."""
        leaf, index = self.find(token)
        entry = leaf.entry(index)
        if entry is not None and facts_of(entry) == facts_of(seen) and leaf is not self._told:
            leaf.hush(index, entry, until)

    def miss(self, token: Any, default: Any, until: float) -> None:
        """Until then a read of this key, which has no entry, needs no event."""
        leaf, index = self.find(token, make=True)
        if leaf is not self._told and leaf.entry(index) is None:
            leaf.miss(index, default, until, MISSES // len(self._leaves))

    def unhush(self, token: Any) -> None:
        """From now on every miss of this key needs its event."""
        leaf, index = self.find(token)
        leaf.unhush(index)

    def unhush_all(self) -> None:
        for leaf in self._leaves.values():
            for index in (*leaf.hushed, *leaf.missing):
                leaf.unhush(index)


class Front:
    """One function's way into a table, under the lock of the backend that owns it.

    ``tables`` is read as it is, without a lock, by code that knows the layout."""

    def __init__(self, owner: Any, table: Table) -> None:
        self._owner = owner
        self._table = table
        self.tables = table.tables
        self.clock = owner.now

    def read(self, key: Any) -> Entry | None:
        """The entry of a key, or None, for the request path. Waits for no lock."""
        leaf, index = self._table.find(key.token)
        answer = leaf.answers.get(index)
        if answer is None:
            return None
        value, until, facts = answer
        if until is HUSHED or until is MISSING:
            return leaf.entry(index)
        if until is UNSEEN:
            self._write(self._table.see, leaf, index)
        return told(facts, value)

    def _write(self, verb: Callable[..., None], *args: Any) -> None:
        """For a reader: it never waits for who writes, and does without."""
        lock = self._owner.lock
        if lock.acquire(blocking=False):
            try:
                verb(*args)
            finally:
                lock.release()

    def hush(self, token: Any, seen: Entry, until: float) -> None:
        self._write(self._table.hush, token, seen, until)

    def miss(self, token: Any, default: Any, until: float) -> None:
        self._write(self._table.miss, token, default, until)

    def unhush(self, token: Any) -> None:
        with self._owner.lock:
            self._table.unhush(token)

    def unhush_all(self) -> None:
        with self._owner.lock:
            self._table.unhush_all()
