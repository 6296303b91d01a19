"""No thread or no descriptor is to be had: callers do not notice, and later everything heals.

The limits are real ones of the operating system, set in a process of their own: RLIMIT_NPROC as a
user that has no privilege, RLIMIT_NOFILE as anybody.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.children import run_python

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs limits of the system")

SCRIPT = """
import asyncio, json, os, resource, sys, tempfile, threading, time, warnings
from oob_heal import Backoff, HealingCache
from oob_heal.backends.sqlite import SqliteBackend
from oob_heal.executors.queue import QueueExecutor
from oob_heal.executors.tasks import TaskExecutor
from oob_heal.executors.threads import ThreadExecutor
from oob_heal.testing import SharedStore
import anyio._backends._asyncio, encodings.idna, logging, traceback  # while files can be opened

def unraisable(said):  # asyncio's own noise, of a loop that it began to make
    if "BaseEventLoop.__del__" not in repr(said.object):
        sys.__unraisablehook__(said)

sys.unraisablehook = unraisable
logging.getLogger("oob_heal").setLevel(logging.CRITICAL)  # what failed is logged, and should be
asked, heard, sent = [], [], []
queue = QueueExecutor(sent.append)
folder = tempfile.mkdtemp()
file = SqliteBackend(os.path.join(folder, "cache"))

class SyncOnly:  # its reads are done on threads, where the function is async
    aio, deadline = None, 60.0  # s, which no caller has: it is told at once
    def __init__(self):
        self.backend = SharedStore().backend()
    def __getattr__(self, name):
        return getattr(self.backend, name)

def observer(happening):
    with open(os.devnull):
        heard.append(happening)

def cache(**options):
    options = {"ttl": 60, "backoff": Backoff(initial=0.001, maximum=0.01), **options}
    return HealingCache(observers=[observer], **options)

def blocking(n) -> str:
    asked.append(n)
    return "v"

def opening(n) -> str:
    with open(os.devnull):
        return "v"

async def awaiting(n) -> str:
    return "v"

def made(source, **options):
    return cache(**options)(default="default", name=source.__name__)(source)

engine = cache(backend=SharedStore().backend(), executor=queue)
FUNCTIONS = {
    "threads": made(blocking),
    "a function that opens a file": made(opening),
    "async on threads": made(awaiting, executor=ThreadExecutor()),
    "tasks": made(awaiting),
    "sync in tasks": made(blocking, executor=TaskExecutor()),
    "async over a sync backend": made(awaiting, backend=SyncOnly()),
    "queue": engine(default="default", name="queued")(blocking),
    "sqlite": made(blocking, backend=file),
}

def no_threads():
    if os.geteuid() == 0:  # whom no limit of threads binds
        for each in [folder, *(os.path.join(folder, name) for name in os.listdir(folder))]:
            os.chown(each, 65534, 65534)
        os.setgid(65534), os.setuid(65534)
    soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    resource.setrlimit(resource.RLIMIT_NPROC, (1, hard))
    try:
        threading.Thread(target=int).start()
    except RuntimeError:
        return lambda: resource.setrlimit(resource.RLIMIT_NPROC, (soft, hard))
    start = threading.Thread.start  # a system that does not hold its limit
    def cannot(thread):
        raise RuntimeError("can't start new thread")
    threading.Thread.start = cannot
    return lambda: setattr(threading.Thread, "start", start)

def no_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    taken = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
    def give_back():
        for each in taken:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return give_back

async def ask(f, n=1):
    answer = f(n)
    return await answer if asyncio.iscoroutine(answer) else answer

async def until(condition, what):
    end = time.monotonic() + 15
    while not await condition():
        assert time.monotonic() < end, what
        await asyncio.sleep(0.002)

async def main(exhaust):
    give_back = exhaust()
    told = {}
    for name, f in FUNCTIONS.items():
        assert [await ask(f) for _ in range(3)][0] == "default", name
        async def ended():
            return not f.cache_info().healing
        await until(ended, f"{name} came to no end")
        info = f.cache_info()
        told[name] = [each for each in ("healed", "dropped", "failed", "lost", "refused")
                      if getattr(info, each)]
    assert not heard
    give_back()
    for name, f in FUNCTIONS.items():
        async def healed():
            while sent:
                engine.heal_message(sent.pop())
            return await ask(f) == "v"
        await until(healed, f"{name} does not heal again")
    async def all_hear():
        return len(heard) > 0
    await until(all_hear, "no observer hears")
    print(json.dumps(told))

asyncio.run(main({"threads": no_threads, "descriptors": no_descriptors}[os.environ["MODE"]]))
for each in (engine, queue, file):
    each.close()
"""

NO_HEAL: list[str] = []  # the read itself had none, and no heal is published unread


def ended(mode: str) -> dict[str, Any]:
    """How the first heals of each function ended; that all heal later, the script has seen."""
    found: dict[str, Any] = json.loads(run_python(SCRIPT, MODE=mode))
    return found


# H31
def test_without_a_thread_heals_are_dropped_until_there_is_one_again() -> None:
    assert ended("threads") == {
        "threads": ["dropped"],
        "a function that opens a file": ["dropped"],
        "async on threads": ["dropped"],
        "tasks": ["healed"],  # they need none
        "sync in tasks": ["dropped"],
        "async over a sync backend": NO_HEAL,
        "queue": ["dropped"],
        "sqlite": ["dropped"],
    }


# H31
def test_without_a_descriptor_heals_come_to_an_end_and_later_to_a_value() -> None:
    assert ended("descriptors") == {
        "threads": ["healed"],
        "a function that opens a file": ["failed"],
        "async on threads": ["dropped"],  # no event loop is to be had
        "tasks": ["healed"],
        "sync in tasks": ["healed"],
        "async over a sync backend": ["healed"],
        "queue": ["lost"],  # its outbox had it when no loop was to be had
        "sqlite": NO_HEAL,
    }
