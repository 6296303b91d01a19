"""Exit: a process ends within its grace period and quietly, whatever its heals are doing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from oob_heal._lifecycle import GRACE
from tests.amounts import FULL, PLANTED
from tests.children import ROOT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork to be quick")

TIMES = 19 if FULL else 1  # of each of 77 cases; the promise was made for 200 exits of each kind
LIMIT = 900 if FULL else 150  # s for all of them, on whatever machine
ENDS_WITHIN = 12 if PLANTED else 90  # s for each, or it is killed
SLACK = 0.5  # s

# One process that has everything imported, and a child of it for each case: the child runs the
# case and ends as any interpreter does, by falling off the end of this script.
SCRIPT = """
import atexit
late = []
atexit.register(lambda: [act() for act in late])  # before ours, so it runs after it
import asyncio, itertools, json, logging, os, pathlib, random, re, shutil, signal, sys
import tempfile, threading, time
from oob_heal import HealingCache, healing_cache
from oob_heal.executors.queue import QueueExecutor
from oob_heal.executors.tasks import TaskExecutor
from oob_heal.testing import SharedStore

signal.signal(signal.SIGINT, signal.default_int_handler)  # where it was started to ignore it, too
entered, keep, out = threading.Semaphore(0), [], 2

def hang(*_):
    entered.release()
    threading.Event().wait()

def nothing(): pass

def running():
    @healing_cache(ttl=60, default=None)
    def f(n):
        entered.release()
        threading.main_thread().join()  # however slow the machine: it has begun to exit
        time.sleep(0.1)
        os.write(out, b"ran;")
    f(1)
    entered.acquire()
    return f

def queued_and_short():
    @healing_cache(ttl=60, default=None)
    def f(n):
        entered.release()
        if n == 99:
            os.write(out, b"ran;")
    for n in range(100):
        f(n)
    return f

def hung():
    f = healing_cache(ttl=60, default=None, name="hung")(lambda n: hang())
    f(1)
    entered.acquire()
    return f

def hung_and_queued():
    f = hung()
    for n in range(2, 100):
        f(n)
    return f

def hung_async_on_threads():
    from oob_heal.executors.threads import ThreadExecutor
    keep.append(ThreadExecutor())
    @healing_cache(ttl=60, default=None, executor=keep[0])
    async def f(n):
        entered.release()
        await asyncio.sleep(3600)
    asyncio.run(f(1))
    entered.acquire()

def hung_sync_in_tasks():
    f = healing_cache(ttl=60, default=None, executor=TaskExecutor(), name="f")(lambda n: hang())
    async def main():
        f(1)
        while not entered.acquire(blocking=False):
            await asyncio.sleep(0.001)
    asyncio.run(main())

def hung_read():
    logging.getLogger("oob_heal").addHandler(logging.NullHandler())  # it warns, and should
    backend = SharedStore().backend()
    class SyncOnly:
        aio, deadline, get = None, 0.01, staticmethod(hang)
        def __getattr__(self, name):
            return getattr(backend, name)
    keep.append(SyncOnly())
    cache = HealingCache(ttl=60, backend=keep[0])
    async def source(n) -> int: return n
    asyncio.run(cache(default=None, name="f")(source)(1))
    entered.acquire()

def tasks_cut_off():
    async def source(n):
        await asyncio.sleep(3600)
    f, g = (healing_cache(ttl=60, default=None, name=name)(source) for name in "fg")
    async def cleans_up():
        try:
            await asyncio.sleep(3600)
        finally:
            await f(2)  # a miss while the loop ends: its heal has no first step
    async def main():
        keep.append(asyncio.create_task(cleans_up()))
        await f(1)
        await asyncio.sleep(0)
    asyncio.run(main())
    loop = asyncio.new_event_loop()  # and one that is closed over its tasks
    loop.run_until_complete(g(1))
    loop.run_until_complete(g(2))
    loop.close()

def hung_send():
    keep.append(QueueExecutor(hang))
    cache = HealingCache(ttl=60, backend=SharedStore().backend(), executor=keep[0])
    def source(n) -> int: return n
    f = cache(default=None, name="f")(source)
    for n in range(10):
        f(n)
    entered.acquire()

def hung_observer():
    cache = HealingCache(ttl=60, observers=[hang])
    keep.append(cache)
    f = cache(default=None, name="f")(lambda n: n)
    f(1)
    entered.acquire()

def failing():
    f = healing_cache(ttl=60, default=None, name="f")(lambda n: 1 / 0)
    for n in range(10):
        f(n)

HEALS = (nothing, running, queued_and_short, hung, hung_and_queued, hung_async_on_threads,
         hung_sync_in_tasks, hung_read, tasks_cut_off, hung_send, hung_observer)

def falls_off(): return 0

def says_three(): sys.exit(3)

def is_terminated():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(4))
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)

def is_killed():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)

def is_interrupted():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)
    except KeyboardInterrupt:
        sys.exit(5)

def exits_in_a_thread():
    thread = threading.Thread(target=sys.exit, args=(6,))
    thread.start()
    thread.join()

def misses_at_exit():
    atexit.register(miss)
    late.append(miss)
    late.append(lambda: time.sleep(0.05))  # for whoever would have something to say

def miss():
    f = healing_cache(ttl=60, default="default", name=f"late {len(keep)}")(lambda n: n)
    keep.append(f)
    assert [f(n) for n in range(10)] == ["default"] * 10

EXITS = {falls_off: 0, says_three: 3, is_terminated: 4, is_killed: -15, is_interrupted: 5,
         exits_in_a_thread: 0, misses_at_exit: 0}

def watch(most):
    while len(cases) > most:
        pid, status = os.waitpid(-1, 0)
        ended = time.monotonic()
        out, err, heals, ending = cases.pop(pid)
        said, errors = out.read_text(), err.read_text()
        (began,) = re.findall("began=(.*?);", said) or [0]
        print(json.dumps({
            "case": f"{heals.__name__}, {ending.__name__}",
            "status": os.waitstatus_to_exitcode(status),
            "expected": EXITS[ending],
            "ran": "ran;" in said,
            "took": ended - float(began),
            "errors": errors,
        }), flush=True)

AT_ONCE = 32
matrix = list(itertools.product(HEALS, EXITS)) * TIMES
random.Random(25).shuffle(matrix)
folder = pathlib.Path(tempfile.mkdtemp())
cases, mine = {}, None
for number, (heals, ending) in enumerate(matrix):
    files = folder / f"{number}.out", folder / f"{number}.err"
    for file in files:
        file.touch()
    pid = os.fork()
    if pid == 0:
        mine = heals, ending
        break
    cases[pid] = *files, heals, ending
    watch(AT_ONCE - 1)

if mine is None:
    watch(0)
    shutil.rmtree(folder)
else:
    signal.alarm(ENDS_WITHIN)
    out = os.open(files[0], os.O_WRONLY | os.O_APPEND)
    os.dup2(os.open(files[1], os.O_WRONLY | os.O_APPEND), 2)
    mine[0]()
    os.write(out, f"began={time.monotonic()};".encode())
    mine[1]()
"""


def slowest_of(ends: list[dict[str, Any]]) -> dict[str, float]:
    """How long an exit took, by kind: each of them where there are many, to be judged beside as
    many that had nothing to wait for; else the quickest, for the others waited for this machine."""
    took: dict[str, float] = {}
    for end in ends:
        if end["status"] >= 0:
            kind = end["case"] if FULL else end["case"].split(", ")[0]
            best: Any = max if FULL else min
            took[kind] = best(took.get(kind, end["took"]), end["took"])
    return took


def bare(ends: list[dict[str, Any]]) -> float:
    """What exits may take beyond their grace: as long as the slowest with no heals took beside
    them, and SLACK."""
    heal_late = "misses_at_exit"
    quick = [
        end for end in ends if end["case"].startswith("nothing") and heal_late not in end["case"]
    ]
    slowest = max(end["took"] for end in quick)
    print(f"the slowest of {len(quick)} exits with no heals took {slowest:.2f} s")
    return float(SLACK + slowest)


# H25
@pytest.mark.timeout(2 * LIMIT)
def test_every_kind_of_exit_with_every_kind_of_heal_is_quiet_and_within_its_grace() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{TIMES=}; {ENDS_WITHIN=}\n{SCRIPT}"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    ends: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(ends) == 77 * TIMES
    wrong = [end["case"] for end in ends if end["status"] != end["expected"]]
    assert wrong == [], "the wrong exit code"
    noisy = {end["case"]: end["errors"] for end in ends if end["errors"]}
    assert noisy == {}, "noise on standard error"
    late = {kind: took for kind, took in slowest_of(ends).items() if took > GRACE + bare(ends)}
    assert late == {}, "later than the grace period"
    # What was under way and is soon done is done, but for the process that was killed.
    undone = [
        end["case"]
        for end in ends
        if end["case"].startswith(("running", "queued_and_short"))
        and not end["ran"]
        and end["took"] < GRACE  # else the machine was too slow for it
    ]
    assert all(case.endswith("is_killed") for case in undone), undone
