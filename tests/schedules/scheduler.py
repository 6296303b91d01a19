"""Who goes next: from a seed, from a list, or in every way there is."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tests.schedules.actors import Actor

LONGEST = 400  # steps: a schedule ends long before


class Schedule:
    """Chooses among those that can go, and remembers what it chose and what came of it."""

    def __init__(self, *, seed: int | None = None, choices: Sequence[int] = ()) -> None:
        self.seed = seed
        self.choices = list(choices)
        self.made: list[tuple[int, int]] = []  # what was chosen, of how many
        self.trace: list[str] = []
        self._random = random.Random(seed)

    def choose(self, count: int) -> int:
        place = len(self.made)
        if place < len(self.choices):
            chosen = self.choices[place]
        else:
            chosen = 0 if self.seed is None else self._random.randrange(count)
        self.made.append((chosen, count))
        return chosen

    def run(self, actors: list[Actor], check: Callable[[], None]) -> None:
        """Move them until none can go on; ``check`` after every step."""
        for _ in range(LONGEST):
            able = [actor for actor in actors if actor.can_go]
            if not able:
                return
            actor = able[self.choose(len(able))]
            actor.go()
            self.trace.append(f"{actor.name}: {'ends' if actor.over else actor.at}")
            check()
        raise AssertionError("the schedule does not end")

    def __str__(self) -> str:
        steps = "\n  ".join(self.trace)
        chosen = ",".join(str(choice) for choice, _ in self.made)
        return f"seed {self.seed}, choices {chosen}\n  {steps}"


def all_schedules() -> Iterator[Schedule]:
    """Every schedule, if each that is brought is run before the next is asked for."""
    choices: list[int] = []
    while True:
        schedule = Schedule(choices=choices)
        yield schedule
        made = schedule.made
        while made and made[-1][0] + 1 == made[-1][1]:
            made.pop()
        if not made:
            return
        choices = [choice for choice, _ in made]
        choices[-1] += 1


def schedules_from(seed: Any, count: int) -> Iterator[Schedule]:
    """So many at random."""
    for number in range(count):
        yield Schedule(seed=int(seed) + number)
