"""The table of rules, as the reference model has it. Seconds throughout."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from oob_heal import Backoff, Freshness, Reason

MARGIN = 1.0  # by which a lease outlasts the heal's own limit
QUIET = 1.0  # for which misses are held back at most, where no heal of this process runs
QUEUED = 30.0  # for which a heal may wait in a queue
REMEMBERED = 3_600.0  # for which attempts are kept
KEPT = 30 * 86_400.0  # by a shared store at most
LEAST_DELAY = 0.001  # after a failure

EVENT = {
    Freshness.ABSENT: Reason.ABSENT,
    Freshness.STALE: Reason.STALE,
    Freshness.EXPIRED: Reason.EXPIRED,
}


@dataclass
class Entry:
    value: Any
    dated: float
    spread: float
    kept_until: float = math.inf
    marked: bool = False


@dataclass(frozen=True)
class Rules:
    """One function's policy."""

    ttl: float
    max_stale: float
    jitter: float
    heal_timeout: float
    initial: float
    factor: float
    maximum: float
    has_default: bool

    @property
    def limit(self) -> float:
        """The age from which a value is not served, whatever happens."""
        return self.ttl + self.max_stale

    @property
    def lease_for(self) -> float:
        return self.heal_timeout + MARGIN

    @property
    def waits_for(self) -> float:
        """How long a heal that waits is believed in."""
        return QUEUED + self.lease_for

    @property
    def nothing_for(self) -> float:
        """How long *there is nothing* holds as an answer."""
        return min(self.ttl, self.maximum)

    def kept_for(self, forgets: bool) -> float:
        return min(self.limit, KEPT) if forgets else math.inf

    def state(self, entry: Entry | None, now: float) -> Freshness:
        if entry is None:
            return Freshness.ABSENT
        age = now - entry.dated
        shortened = self.jitter * entry.spread * self.ttl if self.max_stale else 0.0
        if age >= self.limit or (entry.marked and not self.max_stale):
            return Freshness.EXPIRED
        return Freshness.STALE if entry.marked or age >= self.ttl - shortened else Freshness.FRESH

    def delay(self, attempt: int, chance: float) -> float:
        """Capped, exponential, with full jitter."""
        ceiling = self.initial
        for _ in range(attempt - 1):
            ceiling = min(self.maximum, ceiling * self.factor)
        return max(LEAST_DELAY, min(self.maximum, ceiling) * chance)

    def options(self) -> dict[str, Any]:
        """The same, as ``healing_cache`` wants it."""
        given: dict[str, Any] = {"default": DEFAULT} if self.has_default else {}
        return given | {
            "ttl": self.ttl,
            "max_stale": None if math.isinf(self.max_stale) else self.max_stale,
            "jitter": self.jitter,
            "heal_timeout": self.heal_timeout,
            "backoff": Backoff(self.initial, self.factor, self.maximum),
        }


DEFAULT = "the default"

# Powers of two, so that every edge is exact in a float.
STEADY = Rules(8, 16, 0.25, 6, 1, 2, 8, has_default=True)
STRICT = Rules(4, 0, 0.25, 2, 1, 2, 8, has_default=False)
PATIENT = Rules(4, math.inf, 0.5, 16, 2, 2, 32, has_default=True)
SLOW = Rules(2, 2, 0.0, 16, 1, 4, 16, has_default=False)  # a heal may take longer than the limit
PAIRS = [(STEADY, STEADY), (STEADY, STRICT), (PATIENT, STEADY), (SLOW, PATIENT)]
