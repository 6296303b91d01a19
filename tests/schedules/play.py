"""Plays scenarios, one schedule after another, and says how to see a bad one again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from tests.schedules.scenarios import SCENARIOS, Scenario, stale
from tests.schedules.scheduler import Schedule
from tests.schedules.spared import SPARED
from tests.schedules.stage import Stage

EVERY: dict[str, Scenario] = SCENARIOS | SPARED
REUSED = 200  # schedules for which a stage serves: a key each


class Player:
    """One scenario in one world; ``fine``: actors stop after each verb, too."""

    def __init__(
        self, name: str, kind: str, colour: str, loop: asyncio.AbstractEventLoop, *, fine: bool
    ) -> None:
        self.name, self.kind, self.colour, self.loop, self.fine = name, kind, colour, loop, fine
        self.scenario = EVERY[name]
        self._stage: Stage | None = None

    def stage(self) -> Stage:
        """One with a key of which nothing is known."""
        old = self._stage
        once = self.scenario.crashes or self.scenario.shared  # what is known would stay known
        if old is None or once or old.n >= REUSED:
            limits = self.scenario.limits
            self._stage = Stage(self.kind, self.colour, self.loop, fine=self.fine, limits=limits)
        else:
            old.renew()
        assert self._stage is not None
        return self._stage

    def play(self, schedule: Schedule, *, begins_stale: bool) -> None:
        stage = self.stage()
        actors: list[Any] = []
        try:
            if begins_stale:
                stale(stage)
            actors = self.scenario.make(stage)
            schedule.run(actors, stage.check)
            for actor in actors:
                actor.end()
            if self.scenario.one_call:
                assert stage.calls <= 1, f"{stage.calls} calls"
            self.scenario.after(stage)
            if not self.scenario.crashes:
                assert stage.place.live_leases() == 0, "a lease was left, though nobody crashed"
            stage.all_is_well_at_last()
        except BaseException as error:
            for actor in actors:
                actor.end()
            where = f"{self.name!r} on {self.kind}-{self.colour}"
            how = f"begins_stale={begins_stale}, fine={self.fine}"
            error.add_note(f"in {where}, {how}, {schedule}")
            raise

    def play_all(self, schedules: Iterable[Schedule]) -> int:
        """How many there were. Every other one of those with a seed begins stale."""
        count = 0
        for schedule in schedules:
            odd = bool(schedule.seed is not None and schedule.seed % 2)
            self.play(schedule, begins_stale=odd)
            count += 1
        return count
