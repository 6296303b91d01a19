"""See a schedule again: ``python -m tests.schedules SCENARIO memory-async SEED``."""

from __future__ import annotations

import asyncio
import sys

from tests.schedules.play import Player
from tests.schedules.scheduler import Schedule

name, world, seed = sys.argv[1:]
schedule = Schedule(seed=int(seed))
loop = asyncio.new_event_loop()
try:
    player = Player(name, *world.split("-"), loop, fine=True)
    player.play(schedule, begins_stale=bool(int(seed) % 2))
finally:
    loop.close()
print(f"all is well: {schedule}")
