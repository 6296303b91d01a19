"""What must hold of every value served, judged from the source's history alone."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from oob_heal import Freshness
from tests.model.rules import DEFAULT, Rules
from tests.model.store import Key

KEYS = (1, True, "1")  # three keys of a function, told apart by their types alone


class Source:
    """The truth about each key: a number that counts up, and when each ceased to be true."""

    def __init__(self) -> None:
        self.version: defaultdict[Key, int] = defaultdict(int)
        self.replaced_at: dict[tuple[Key, int], float] = {}
        self.floor: defaultdict[Key, int] = defaultdict(int)
        self.fresh_floor: defaultdict[Key, int] = defaultdict(int)

    def write(self, key: Key, now: float) -> None:
        self.replaced_at[key, self.version[key]] = now
        self.version[key] += 1

    def value(self, key: Key) -> str:
        """The truth, which says whose it is."""
        return f"{key[0]} {KEYS[key[1]]!r} {self.version[key]}"

    def acknowledged(self, verb: str, key: Key) -> None:
        """The application wrote, and was told that it happened."""
        keys = [(key[0], n) for n in range(len(KEYS))] if verb == "clear" else [key]
        for each in keys:
            self.fresh_floor[each] = self.version[each]
            if verb != "mark_stale":
                self.floor[each] = self.version[each]

    def check(self, key: Key, value: Any, freshness: Freshness, now: float, rules: Rules) -> None:
        """Of what was served for a key at this instant."""
        if value == DEFAULT:
            assert rules.has_default
            assert freshness in (Freshness.ABSENT, Freshness.EXPIRED)
            return
        function, name, version = str(value).split()
        assert (function, name) == (str(key[0]), repr(KEYS[key[1]])), "somebody else's value"
        number = int(version)
        assert 0 <= number <= self.version[key], "it was never true"
        assert number >= self.floor[key], "older than the last acknowledged write"
        until = self.replaced_at.get((key, number), math.inf)
        assert until > now - rules.limit, "served beyond the hard limit"
        if freshness is Freshness.FRESH:
            assert number >= self.fresh_floor[key], "fresh, though it was marked stale since"
            assert until > now - rules.ttl, "fresh, though it ceased to be true a ttl ago"
