"""In one process the clock is monotonic: whoever sets the machine's clock changes nothing."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import time

wall = [0.0]
real = time.time
time.time = lambda: real() + wall[0]  # before anything here is imported

import cachetools
from oob_heal import Freshness, HealingCache
from oob_heal.backends.memory import MemoryBackend
from oob_heal.backends.mapping import MappingBackend

backends = None, MemoryBackend(), MappingBackend({}), cachetools.LRUCache(10)
functions = []
for number, backend in enumerate(backends):
    @HealingCache(backend=backend)(ttl=3_600, max_stale=86_400, jitter=0, name=f"f{number}")
    def f(n: int) -> int:
        return n

    f.set(1, 1)
    functions.append(f)
for step in (30 * 86_400, -60 * 86_400):
    wall[0] += step
    for f in functions:
        served = f.lookup(1)
        assert served.freshness is Freshness.FRESH and 0 <= served.age < 600, (step, served)
        assert f.cache_info().healing == 0
        f.heal(1)
    deadline = time.monotonic() + 20
    while any(f.cache_info().healing for f in functions) and time.monotonic() < deadline:
        time.sleep(0.001)
for f in functions:
    info = f.cache_info()
    assert (info.healed, info.lost, info.healing) == (2, 0, 0), info
print("well")
"""


def test_a_step_of_the_wall_clock_changes_nothing() -> None:  # H11
    """By a month forwards and two back, on each backend that lives in one process."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=50, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("well", "")
