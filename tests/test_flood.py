"""A flood of keys that an attacker chose leaves every table at its cap.

50,000 keys in the quick tier, 200,000 in the full one, a million with OOB_HEAL_FULL=1.
"""

from __future__ import annotations

import gc
import threading
from pathlib import Path
from typing import Any

import pytest

from oob_heal import HealingCache
from oob_heal.backends._leaf import MISSES
from oob_heal.executors.threads import ThreadExecutor
from oob_heal.testing import ManualExecutor
from tests.amounts import amount

pytestmark = pytest.mark.timeout(600)  # s: all of it work, and a busy machine has a share for it
KEYS = amount(50_000, thorough=200_000, full=1_000_000)
MOST = 64 * 1024 * 1024  # bytes


def resident() -> int:
    """Bytes of this process in memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def tables_at_their_caps(f: Any) -> None:
    core = f._oob_heal_core
    backend = core.shelf.backend
    assert sum(len(table) for table in backend._tables.values()) <= backend.maxsize
    assert len(core.front.tables.get(int, {})) <= backend.maxsize + MISSES
    assert len(backend._leases._held) <= backend._leases.maxsize
    assert len(backend._leases._past) <= backend._leases.maxsize
    assert len(core.inflight._marks) <= core.inflight.limit
    assert len(core.inflight._open) <= core.inflight.limit
    assert len(core.unhealed._told) <= 1_000


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_a_flood_of_absent_keys_over_a_dead_dependency_stay_within_bounds() -> None:  # H20
    hold = threading.Event()
    with (
        ThreadExecutor(4, queue=1_000) as executor,
        HealingCache(executor=executor) as cache,
    ):

        @cache(ttl=60, default=0, heal_timeout=3_600)  # however slow the machine: none is given up
        def dead(n: int) -> int:
            hold.wait()
            raise ConnectionError

        before = resident()
        for n in range(KEYS):
            dead(n)
        grown = resident() - before
        info = dead.cache_info()
        tables_at_their_caps(dead)
        hold.set()
    assert grown <= MOST, f"{grown / 1024 / 1024:.1f} MB"
    assert info.absent == KEYS
    assert info.dropped >= KEYS - 2_000


def test_a_flood_of_keys_that_heal_and_fail_stays_within_bounds() -> None:  # H20
    executor = ManualExecutor()
    cache = HealingCache(executor=executor)

    @cache(ttl=60, default=0, maxsize=1_000)
    def source(n: int) -> int:
        if n % 2:
            raise ValueError
        return n

    for n in range(20_000):
        source(n)
        if len(executor.pending) > 500:
            executor.run_all()
    executor.run_all()
    tables_at_their_caps(source)
    info = source.cache_info()
    assert (info.healed, info.failed, info.currsize) == (10_000, 10_000, 1_000)
    assert len(cache.failing()) == 1_000
