"""Many processes on one file: one heal a key among all, and whoever is killed leaves it whole.

In the usual run 10 kills and 10 rounds; OOB_HEAL_FULL=1 makes 500 kills and 200 rounds.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import oob_heal
from oob_heal.backends.sqlite import SqliteBackend
from tests.amounts import FULL
from tests.children import run_python

ROOT = Path(oob_heal.__file__).resolve().parents[1]
KILLS = 500 if FULL else 10
ROUNDS = 200 if FULL else 10

# One process forks writers and kills them: it opens no connection while one of them lives.
KILLED = """
import os, random, signal, sqlite3, time
from oob_heal import Lease
from oob_heal._envelope import unseal
from oob_heal.backends.sqlite import SqliteBackend
from tests.sqlite.texts import SCOPE, entry, key

PATH, KEYS, LEASE = {path!r}, 8, 0.05
chance = random.Random({seed})

def write_until_killed(seed):
    mine = random.Random(seed)
    backend = SqliteBackend(PATH, deadline=10, max_bytes=1_000_000)
    os.write(ready[1], b".")
    while True:
        n, size = mine.randrange(KEYS), mine.choice([1, 100, 5_000])
        act = mine.randrange(12)
        if act == 0:
            backend.delete(key(n))
        elif act == 1:
            backend.mark_stale(key(n))
        elif act == 2:
            backend.clear(SCOPE)
        elif act == 3:
            backend.set(key(n), entry(n, size), 60)
        else:
            lease = backend.acquire(key(n), LEASE, force=True)
            if isinstance(lease, Lease) and act > 5:
                backend.commit(lease, entry(n, size), 60)

found = crashed = 0
ready = os.pipe()
for kill in range({kills}):
    pids = []
    for writer in range(2):
        pid = os.fork()
        if pid == 0:
            try:
                write_until_killed(f"{{kill}} {{writer}}")
            finally:
                os._exit(1)
        pids.append(pid)
    for pid in pids:
        os.read(ready[0], 1)
    time.sleep(chance.uniform(0.0, 0.05))
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, status
    killed_at = time.time()
    with SqliteBackend(PATH, deadline=10) as backend:
        for n in range(KEYS):
            data = backend.get(key(n))
            if data is not None:
                sealed = unseal(key(n), data)
                assert sealed is not None, "an entry is torn"
                words = b"value %d, " % n
                assert sealed.payload == words * (len(sealed.payload) // len(words))
                found += 1
            lease = backend.acquire(key(n), LEASE, force=True)
            while not isinstance(lease, Lease):
                assert lease.until <= killed_at + LEASE, "a lease outlives its time"
                assert time.time() < killed_at + 10
                time.sleep(max(0.0, lease.until - time.time()))
                lease = backend.acquire(key(n), LEASE, force=True)
            crashed += lease.previous_at is not None
            backend.release(lease)
        looks = sqlite3.connect(PATH)
        assert looks.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        counts = "SELECT (SELECT count(*) FROM entries), (SELECT count(*) FROM leases)"
        assert looks.execute(counts).fetchall() == (
            looks.execute("SELECT entries, leases FROM totals").fetchall()
        )
        looks.close()
print(found, crashed)
"""


@pytest.mark.timeout(900 if FULL else 60)
def test_whoever_is_killed_in_a_write_leaves_the_file_whole_and_no_lease_beyond_its_time(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # H13
    monkeypatch.setattr("tests.children.LIMIT", 800 if FULL else 50)
    seed = os.environ.get("OOB_HEAL_SEED", "1")
    found, crashed = map(int, run_python(KILLED.format(path=path, kills=KILLS, seed=seed)).split())
    assert found > KILLS, "writers were killed before they had written anything"
    assert crashed > 0, "nobody was killed while it had a lease"


FLEET = """
import os, sys, time
from oob_heal import HealingCache
from oob_heal.backends.sqlite import SqliteBackend

path, rounds, fleet, number = sys.argv[1], *map(int, sys.argv[2:])
backend = SqliteBackend(path, deadline=20.0)
cache = HealingCache(backend=backend)
calls = os.open(path + ".calls", os.O_APPEND | os.O_CREAT | os.O_WRONLY)

@cache(ttl=3600, name="fleet.source", default=-1)
def source(n: int) -> int:
    os.write(calls, b"%d\\n" % n)
    return n

open(f"{path}.ready.{number}", "w").close()
while not all(os.path.exists(f"{path}.ready.{each}") for each in range(fleet)):
    time.sleep(0.002)
for n in range(rounds):
    source(n)
    until = time.monotonic() + 30
    while source.peek(n) is None:
        assert time.monotonic() < until, "it never healed"
        time.sleep(0.001)
    assert source(n) == n
cache.close()
backend.close()
"""


@pytest.mark.timeout(600 if FULL else 60)
def test_eight_processes_heal_each_key_of_each_round_once(path: str) -> None:  # H19
    SqliteBackend(path).close()
    fleet = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", FLEET, path, str(ROUNDS), "8", str(number)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(8)
    ]
    try:
        said = [process.communicate(timeout=500 if FULL else 55)[1] for process in fleet]
    finally:
        for process in fleet:
            process.kill()
            process.wait()
    assert said == [""] * 8
    assert [process.returncode for process in fleet] == [0] * 8
    calls = Counter(map(int, Path(f"{path}.calls").read_text().split()))
    assert calls == dict.fromkeys(range(ROUNDS), 1)
