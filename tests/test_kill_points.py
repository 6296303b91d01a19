"""Whoever is killed at whatever step of a heal costs its key one lease and one read (H13).

12 steps each for a pool of threads and for a queue with its workers; in the usual run 2 kills at
each, with OOB_HEAL_FULL=1 50: 1,200 in all.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.amounts import FULL, PLANTED
from tests.children import ROOT

EACH = 50 if FULL else 2
LIMIT = 900 if FULL else 30 if PLANTED else 55  # s


@pytest.mark.timeout(LIMIT + 5)
@pytest.mark.parametrize("kind", ["threads", "queue"])
def test_a_process_killed_at_any_step_of_a_heal_costs_one_lease_and_one_read(kind: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.kills", kind, "--each", str(EACH)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told["healed"]) == 12
    assert set(told["healed"].values()) == {EACH} == {told["each"]}
    print(f"{kind}: {sum(told['healed'].values())} of {12 * EACH} killed and healed")
