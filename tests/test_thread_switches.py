"""Real threads that are switched all the time: counted exactly, called once, never older.

The interpreter is asked to switch every microsecond; a busy machine wakes a thread later than
that, so beside it a thread steps aside now and then, by a seed, between two lines of the package.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from oob_heal import HealingCache
from oob_heal.backends.memory import MemoryBackend
from oob_heal.executors.threads import ThreadExecutor
from oob_heal.testing import SharedStore
from tests.waiting import in_threads, wait_until

THREADS = 8
ASIDE = 1e-5  # s: no waiting for anything, but long enough for another thread to wake
READS = {"memory": 10_000, "store": 1_000}  # of a thread; hits on the store cost more


@pytest.fixture(autouse=True)
def switched_every_microsecond() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


@pytest.fixture
def steps_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads started from here on let another go, between some lines of the package."""
    chance = random.Random(1).random
    one_at_a_time, usual = threading.Lock(), threading.Thread.run

    def at_line(frame: Any, event: str, arg: Any) -> Any:
        if event == "line" and chance() < 0.2:
            time.sleep(ASIDE)
        return at_line

    def at_call(frame: Any, event: str, arg: Any) -> Any:
        where = frame.f_code.co_filename
        return at_line if "/oob_heal/" in where or "/cachetools/" in where else None

    def run(thread: threading.Thread) -> None:
        with one_at_a_time:  # two at once are an error of the interpreter's
            sys.settrace(at_call)
        usual(thread)

    monkeypatch.setattr(threading.Thread, "run", run)


@pytest.fixture(params=["memory", "store"])
def cache(request: pytest.FixtureRequest) -> Iterator[HealingCache]:
    """Real threads, which heal; on the store, whose clock stands, nothing grows old."""
    backend: Any = MemoryBackend() if request.param == "memory" else SharedStore().backend()
    with ThreadExecutor() as executor, HealingCache(backend=backend, executor=executor) as made:
        yield made


def drained(f: Any) -> Any:
    """The counters once nothing is under way; the ledger balances."""
    wait_until(lambda: f.cache_info().healing == 0)
    published, ended, healing = f._oob_heal_core.inflight.ledger()
    assert (published, healing) == (sum(ended.values()), 0)
    return f.cache_info()


def test_every_read_is_counted_once(
    cache: HealingCache, request: pytest.FixtureRequest
) -> None:  # H40
    reads = READS[request.node.callspec.params["cache"]]

    @cache(ttl=600, default=-1)
    def f(n: int) -> int:
        return n

    f.set(1, 1)

    def work(number: int) -> None:
        for _ in range(reads):
            assert f(1) == 1

    assert in_threads(THREADS, work) == [None] * THREADS
    assert (f.cache_info().hits, f.cache_info().misses) == (THREADS * reads, 0)


@pytest.mark.usefixtures("steps_aside")
def test_each_key_is_called_once_whoever_misses_it(cache: HealingCache) -> None:  # H40 H19 H14
    keys = 50
    calls: Counter[int] = Counter()
    lock = threading.Lock()

    @cache(ttl=600, default=-1)
    def f(n: int) -> int:
        with lock:
            calls[n] += 1
        return n

    def work(number: int) -> list[int]:
        return [f(n) for n in range(keys)]

    for answers in in_threads(THREADS, work):
        assert all(answer in (n, -1) for n, answer in enumerate(answers))
    info = drained(f)
    assert calls == Counter(range(keys))
    assert (info.healed, info.failed, info.refused, info.dropped, info.lost) == (keys, 0, 0, 0, 0)
    assert info.hits + info.misses == THREADS * keys


@pytest.mark.usefixtures("steps_aside")
def test_nothing_older_than_the_last_acknowledged_write_is_served(
    cache: HealingCache,
) -> None:  # H40 H07
    """One thread writes, whenever it can while a heal is about to commit; the others read."""
    writes = 150
    truth = floor = 0
    called, over = threading.Event(), threading.Event()

    @cache(ttl=600, default=-1)
    def f(n: int) -> int:
        called.set()
        return truth

    def write() -> None:
        nonlocal truth, floor
        for turn in range(writes):
            truth += 1
            called.clear()
            if turn % 8:
                f.invalidate(1)
            else:
                f.set(truth, 1)
            floor = truth
            called.wait(0.005)  # for a heal, if one comes: after set() there is none
        over.set()

    def read() -> int:
        served = 0
        while not over.is_set():
            at_least = floor
            answer = f(1)
            assert answer == -1 or at_least <= answer <= truth, (at_least, answer, truth)
            served += answer != -1
        return served

    told = in_threads(4, lambda number: read() if number else write())
    assert told[0] is None, told[0]
    assert all(isinstance(served, int) for served in told[1:]), told
    drained(f)
