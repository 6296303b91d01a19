"""See a schedule again: ``python -m tests.schedules SCENARIO memory-async SEED``."""

from __future__ import annotations

import sys

from tests.model.runs import standing_loop
from tests.schedules.play import Player
from tests.schedules.scheduler import Schedule

name, world, seed = sys.argv[1:]
schedule = Schedule(seed=int(seed))
with standing_loop() as loop:
    player = Player(name, *world.split("-"), loop, fine=True)
    player.play(schedule, begins_stale=bool(int(seed) % 2))
print(f"all is well: {schedule}")
