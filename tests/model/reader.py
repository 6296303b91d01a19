"""The reference model's application: what is served, what is published, what is written."""

from __future__ import annotations

from typing import Any

from oob_heal import Freshness, Outcome, Reason
from tests.model.books import ANYTHING, Answer, AwayError, Books, Heal
from tests.model.rules import DEFAULT, EVENT, Entry, Rules
from tests.model.store import Key


class Reader(Books):
    """What a decorated function does in its caller."""

    def see(self, key: Key) -> Entry | None:
        """What the request path reads."""
        entry: Entry | None = self.ask("get", key)
        return entry

    def look(self, key: Key) -> Answer | None:
        """What ``peek`` tells."""
        try:
            entry = self.see(key)
        except AwayError:
            return None
        freshness = self.rules[key[0]].state(entry, self.store.clock())
        if freshness not in (Freshness.FRESH, Freshness.STALE):
            return None
        return Answer(entry.value, freshness, self.store.clock() - entry.dated)

    def read(self, key: Key, *, inside: Key | None = None) -> Answer:
        """What a call gets; ``inside`` the heal of a key no default is served."""
        rules, now = self.rules[key[0]], self.store.clock()
        try:
            entry = self.see(key)
        except AwayError:
            self.tally[key[0], "absent"] += 1
            return self._with_nothing(rules, Freshness.ABSENT, Reason.UNAVAILABLE, inside)
        freshness = rules.state(entry, now)
        count = {Freshness.FRESH: "hits", Freshness.STALE: "stale"}.get(freshness, "absent")
        self.tally[key[0], count] += 1
        if freshness in EVENT and key != inside:
            self.publish(key, EVENT[freshness], entry)
        if count == "absent":
            return self._with_nothing(rules, freshness, EVENT[freshness], inside)
        return Answer(entry.value, freshness, now - entry.dated)

    def _with_nothing(
        self, rules: Rules, freshness: Freshness, reason: Reason, inside: Key | None
    ) -> Answer:
        if rules.has_default and inside is None:
            return Answer(DEFAULT, freshness, None)
        return Answer(None, freshness, None, reason)

    def publish(self, key: Key, reason: Reason, entry: Entry | None = None) -> bool:
        seen = None if entry is None else (entry.dated, entry.marked)
        mark = self._mark(key)
        if mark is not None and (mark[2] is ANYTHING or mark[2] == seen):
            return False
        self.sweep()
        heal = Heal(self, key, reason, self.store.clock(), seen)
        full = self._full(key[0])
        if full or self.rejects:
            self._count(heal, Outcome.DROPPED)
            if not full:  # it had a mark for a moment, in place of what was there
                self.marks.pop(key, None)
            return False
        self._stand(heal, self.rules[key[0]].waits_for, mark=True)
        self.published.append(heal)
        return True

    def write(self, verb: str, key: Key, value: Any) -> None:
        """Raises AwayError if it may not have happened."""
        rules, now = self.rules[key[0]], self.store.clock()
        if verb == "set":
            kept_until = now + rules.kept_for(self.forgets)
            self.ask("set", key, Entry(value, now, self.store.chance, kept_until))
            self._was_set(key)
        else:
            self.ask(verb, key[0] if verb == "clear" else key)

    def _was_set(self, key: Key) -> None:
        self.sweep()
        mark = self._mark(key)
        if mark is None or (mark[0] is not None and mark[0].running):
            return
        del self.marks[key]
        if mark[0] is not None and mark[0].outcome is None:
            self._count(mark[0], Outcome.HEALED)
