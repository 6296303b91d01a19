"""All the numbers of one run, fixed before it begins."""

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Durations are seconds."""

    engine: str
    warm: float  # two workers heal
    alone: float  # one of them was killed
    back: float  # there are two again
    ttl: float
    seed: int
    workers: int = 2
    airports: int = 20
    rate: float = 50.0  # requests a second
    slowness: float = 0.1  # of the dependency
    patience: float = 20.0  # a client gives up after this long
    in_time: float = 0.5  # the bound that 95 % of the answers have to keep
    starts_within: float = 60.0

    @property
    def length(self) -> float:
        """How long the load goes on."""
        return self.warm + self.alone + self.back


def plan_run(engine: str, *, short: bool, seed: int) -> Plan:
    """The run for a reader, or the short one for a machine that only wants to know if it holds."""
    warm, alone, back = (4.0, 7.0, 3.0) if short else (10.0, 14.0, 10.0)
    return Plan(engine, warm, alone, back, ttl=4.0, seed=seed)


def choose_codes(plan: Plan, known: Sequence[str]) -> list[str]:
    """The airports of this run."""
    return random.Random(plan.seed).sample(sorted(known), plan.airports)
