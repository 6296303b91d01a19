"""What happens when, fixed before the first request: phases, arrivals, keys and limits."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """What the store goes through."""

    EMPTY = "empty"
    WARM = "warm"
    DEAD = "dead"
    BACK = "back"  # and empty again


class Way(StrEnum):
    """Where a worker's entries are."""

    SHARED = "shared"
    ALONE = "alone"


@dataclass(frozen=True)
class Arrival:
    """One request of the load: when it arrives, in seconds from the start, and for what."""

    at: float
    code: str


@dataclass(frozen=True)
class Plan:
    """All the numbers of one run. Durations are seconds."""

    durations: dict[Phase, float]
    ttl: float
    workers: int
    seed: int
    rate: float = 75.0  # requests a second, each way
    airports: int = 40
    slowness: float = 0.1  # of an answer of the dependency
    patience: float = 10.0  # a client gives up after this long
    in_time: float = 0.5  # the bound that every answer has to keep
    fresh_within: float = 2.0  # after the store is back

    @property
    def length(self) -> float:
        """How long the load goes on."""
        return sum(self.durations.values())


def plan_run(*, short: bool, workers: int, seed: int) -> Plan:
    """The run for a reader, or the short one for a machine that only wants to know if it holds.

    The first phase is shorter than any freshness (jitter takes up to a tenth of the ttl): in it
    a key heals once.
    """
    seconds, ttl = ((3.0, 3.0, 3.0, 4.0), 4.0) if short else ((4.0, 12.0, 8.0, 12.0), 5.0)
    durations = dict(zip(Phase, seconds, strict=True))
    return Plan(durations=durations, ttl=ttl, workers=workers, seed=seed)


def choose_codes(plan: Plan, known: Sequence[str]) -> list[str]:
    """The airports of this run."""
    return random.Random(plan.seed).sample(sorted(known), plan.airports)


def plan_arrivals(plan: Plan, codes: Sequence[str], seed: int) -> list[Arrival]:
    """An open-loop load: arrivals as of independent users (Poisson), whatever the answers do."""
    chance = random.Random(f"{plan.seed} {seed}")
    arrivals, at = [], chance.expovariate(plan.rate)
    while at < plan.length:
        arrivals.append(Arrival(at, chance.choice(codes)))
        at += chance.expovariate(plan.rate)
    return arrivals
