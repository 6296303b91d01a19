"""What happens when, fixed before the first request: phases, arrivals, keys and limits."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """What the dependency goes through."""

    HEALTHY = "healthy"
    SLOW = "slow"
    DEAD = "dead"
    BACK = "back"


@dataclass(frozen=True)
class Architecture:
    """One of the three services: its name in the code, and its name for a reader."""

    key: str
    label: str
    title: str


ARCHITECTURES = (
    Architecture(
        "in_the_request",
        "no cache",
        "No cache: every request calls the dependency",
    ),
    Architecture(
        "healed_in_band",
        "in-band cache",
        "Cache healed in band (cachetools): a miss calls the dependency",
    ),
    Architecture(
        "healed_out_of_band",
        "healing_cache",
        "healing_cache, healed out of band: no request calls the dependency",
    ),
)
HEALING = ARCHITECTURES[-1]


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
    seed: int
    rate: float = 50.0  # requests a second, to each of the three
    airports: int = 300  # asked for, the k-th most popular one 1/k as often as the first
    warmed: int = 200  # of these, the most popular: in both caches before the load starts
    threads: int = 32  # workers of each service
    client_timeout: float = 2.0  # of each service's calls of the dependency
    slowness: float = 1.0  # an answer of the dependency takes this long while it is slow
    patience: float = 5.0  # a client of a service gives up after this long
    in_time: float = 0.5  # the bound that an answer of healing_cache has to keep

    @property
    def length(self) -> float:
        """How long the load goes on."""
        return sum(self.durations.values())


def plan_run(*, short: bool, seed: int) -> Plan:
    """The run for a reader, or the short one for a machine that only wants to know if it holds."""
    seconds, ttl = ((2.0, 2.5, 3.0, 2.5), 1.5) if short else ((8.0, 12.0, 12.0, 10.0), 3.0)
    return Plan(durations=dict(zip(Phase, seconds, strict=True)), ttl=ttl, seed=seed)


def choose_codes(plan: Plan, known: Sequence[str]) -> list[str]:
    """The airports of this run, the most popular first."""
    return random.Random(plan.seed).sample(sorted(known), plan.airports)


def plan_arrivals(plan: Plan, codes: Sequence[str]) -> list[Arrival]:
    """An open-loop load: arrivals as of independent users (Poisson), whatever the answers do."""
    chance = random.Random(plan.seed)
    popularity = [1 / rank for rank in range(1, len(codes) + 1)]
    arrivals, at = [], chance.expovariate(plan.rate)
    while at < plan.length:
        arrivals.append(Arrival(at, chance.choices(codes, popularity)[0]))
        at += chance.expovariate(plan.rate)
    return arrivals
