"""What is measured of trouble: everything expiring, stampedes, an outage; and of room.

Law: as in ``speed``: rows of plain numbers, each peer in turn.
"""

from __future__ import annotations

import asyncio
import gc
import queue
import threading
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from tests.benchmarks import eviction
from tests.benchmarks.peers import OURS, Peer
from tests.benchmarks.speed import Row, here, one, tried
from tests.benchmarks.timing import percentile

ROUND_TRIP = 0.05  # s that the dependency takes
LIMIT = 20.0  # s for a peer in an outage of two


def everything_expires(quick: bool) -> Row:
    """Milliseconds that callers wait while every key expires under a 50 ms dependency."""
    table: Row = {}
    for peer in here():
        if peer.name in ("lru_cache", "oob_heal, coarse clock"):
            continue
        tried(table, peer.name, lambda peer=peer: _latencies(peer, 0.3 if quick else 2.0))
    table[WAKES.name] = _latencies(WAKES, 0.3 if quick else 2.0)
    return table


def _latencies(peer: Peer, seconds: float) -> Row:
    calls = [0]

    def slow(a: int) -> int:
        calls[0] += 1
        time.sleep(ROUND_TRIP)
        return a

    assert peer.sync is not None
    made: Any = peer.sync(slow, 1_000, 0.2)
    if peer is OURS:
        for n in range(8):
            made.set(n, n)
    spent: list[float] = []

    def work() -> None:
        until, n = time.perf_counter() + seconds, 0
        while (start := time.perf_counter()) < until:
            made(n % 8)
            n += 1
            spent.append(time.perf_counter() - start)
            time.sleep(0.0005)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    spent.sort()
    shares = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "worst": 1.0}
    told = {name: percentile(spent, share) * 1e3 for name, share in shares.items()}
    return {**told, "answers": len(spent), "calls of the dependency": calls[0]}


def stampede(quick: bool) -> Row:
    """Calls of the dependency that 200 threads, or 1,000 tasks, make of one absent key; and what
    our callers wait there."""
    table: Row = {"200 threads": {}, "1,000 tasks": {}}
    for peer in here():
        if peer.name != "oob_heal, coarse clock":
            tried(table["200 threads"], peer.name, lambda peer=peer: stampede_of_threads(peer))
    for peer in here(sync=False):
        tried(table["1,000 tasks"], peer.name, lambda peer=peer: stampede_of_tasks(peer))
    rounds = 1 if quick else 10
    table["callers of 200 threads, ms"] = {
        "oob_heal": _waits(OURS, stampede_of_threads, rounds),
        "who does nothing at all": _waits(NOTHING, stampede_of_threads, rounds),
    }
    table["callers of 1,000 tasks, ms"] = {"oob_heal": _waits(OURS, stampede_of_tasks, rounds)}
    return table


def _at_once(fn: Callable[..., Any], size: int, ttl: float) -> Callable[..., Any]:
    threading.Thread(target=fn, args=(1,)).start()
    return lambda a: None


NOTHING = Peer("who does nothing at all", "", _at_once)


def _awake(fn: Callable[..., Any], size: int, ttl: float) -> Callable[..., Any]:
    """Hands each key to a thread whenever its time is over, and does nothing else."""
    due = dict.fromkeys(range(8), 0.0)
    asked: queue.SimpleQueue[int] = queue.SimpleQueue()

    def heal() -> None:
        while True:
            fn(asked.get())

    def ask(a: int) -> None:
        now = time.monotonic()
        if now >= due[a]:
            due[a] = now + ttl
            asked.put(a)

    for _ in range(8):
        threading.Thread(target=heal, daemon=True).start()
    return ask


WAKES = Peer("who does nothing but wake a thread", "", _awake)


def _waits(peer: Peer, crowd: Callable[..., int], rounds: int) -> Row:
    """Milliseconds that a caller waits in a stampede: mostly for its turn to run."""
    spent: list[float] = []
    for _ in range(rounds):
        crowd(peer, spent=spent)
    spent.sort()
    return {f"p{share:g}": percentile(spent, share / 100) * 1e3 for share in (50, 99)}


def stampede_of_threads(peer: Peer, count: int = 200, spent: list[float] | None = None) -> int:
    """How often a dependency of 50 ms is called; ``spent`` gets the seconds of each caller."""
    calls: list[int] = []
    waits = [] if spent is None else spent
    done = threading.Event()

    def slow(a: int) -> int:
        calls.append(a)
        time.sleep(ROUND_TRIP)
        done.set()
        return a

    assert peer.sync is not None
    made: Any = peer.sync(slow, 1_000, 3_600.0)
    start = threading.Barrier(count)

    def work() -> None:
        start.wait()
        began = time.perf_counter()
        made(1)
        waits.append(time.perf_counter() - began)

    workers = [threading.Thread(target=work) for _ in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    done.wait(10)
    return len(calls)


def stampede_of_tasks(peer: Peer, count: int = 1_000, spent: list[float] | None = None) -> int:
    """The same for tasks of one loop."""
    calls: list[int] = []
    waits = [] if spent is None else spent

    async def main() -> None:
        done = asyncio.Event()

        async def slow(a: int) -> int:
            calls.append(a)
            await asyncio.sleep(ROUND_TRIP)
            done.set()
            return a

        assert peer.coloured is not None
        made: Any = peer.coloured(slow, 1_000, 3_600.0)

        async def work() -> None:
            began = time.perf_counter()
            await made(1)
            waits.append(time.perf_counter() - began)

        await asyncio.gather(*(work() for _ in range(count)))
        await asyncio.wait_for(done.wait(), 10)

    asyncio.run(main())
    return len(calls)


def outage(quick: bool) -> Row:
    """What callers get of 20 known keys while the dependency raises, for a second or two."""
    table: Row = {}
    for peer in here():
        if peer.name in ("lru_cache", "oob_heal, coarse clock"):
            continue
        seconds = 0.4 if quick else 2.0
        tried(table, peer.name, lambda peer=peer: within(LIMIT, _outage, peer, seconds))
    return table


def within(limit: float, measure: Callable[..., Row], *args: Any) -> Row:
    """What a measure brings; TimeoutError for a peer whose caller never comes back."""
    brought: list[Row] = []
    thread = threading.Thread(target=lambda: brought.append(measure(*args)), daemon=True)
    thread.start()
    thread.join(limit)
    if not brought:
        raise TimeoutError(f"no end within {limit:g} s")
    return brought[0]


def _outage(peer: Peer, seconds: float) -> Row:
    down, calls = [False], [0]

    def source(a: int) -> int:
        calls[0] += down[0]
        if down[0]:
            raise ConnectionError("down")
        return a

    assert peer.sync is not None
    made: Any = peer.sync(source, 1_000, 0.2)
    for n in range(20):
        if peer is OURS:
            made.set(n, n)
        made(n)
    down[0] = True
    answers, errors, worst = 0, 0, 0.0
    until, n = time.perf_counter() + seconds, 0
    while (start := time.perf_counter()) < until:
        try:
            made(n % 20)
            answers += 1
        except ConnectionError:
            errors += 1
        worst = max(worst, time.perf_counter() - start)
        n += 1
        time.sleep(0.0005)
    per_key = calls[0] / 20 / seconds
    return {
        "answers": answers,
        "errors": errors,
        "retries a key and second": per_key,
        "worst ms": worst * 1e3,
    }


def memory(quick: bool) -> Row:
    """Bytes an entry over key and value, and milliseconds that a full collection grows by."""
    size = 20_000 if quick else 1_000_000
    table: Row = {}
    for peer in here():
        if peer.name in ("diskcache", "cachier", "dogpile.cache", "oob_heal, coarse clock"):
            continue
        tried(table, peer.name, lambda peer=peer: _bytes(peer, size))
    return table


def _bytes(peer: Peer, size: int) -> Row:
    keys = list(range(10**6, 10**6 + size))
    assert peer.sync is not None
    made: Any = peer.sync(one, size, 3_600.0)
    gc.collect()
    gc.freeze()  # what is there already is not gone through
    before_gc = _collection()
    tracemalloc.start()
    for key in keys:
        if peer is OURS:
            made.set(key, key)
        made(key)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    grown = _collection() - before_gc
    gc.unfreeze()
    return {"bytes": held / size, "gc ms": grown * 1e3}


def _collection() -> float:
    """Seconds of a full collection, the least of a few."""
    gc.collect()
    best = float("inf")
    for _ in range(7):
        start = time.perf_counter()
        gc.collect()
        best = min(best, time.perf_counter() - start)
    return best


def evictions(quick: bool) -> Row:
    """Hit ratios of the table that ships, and microseconds of a write that evicts."""
    table: Row = eviction.ratios(20_000, 5_000, 500) if quick else eviction.ratios()
    from oob_heal import HealingCache

    @HealingCache(ttl=3_600)(default=0, maxsize=10_000)
    def f(a: int) -> int:
        return a

    for n in range(10_000):
        f.set(n, n)
        f(n)
    spent = []
    for n in range(10_000, 20_000 if quick else 60_000):
        start = time.perf_counter()
        f.set(n, n)
        spent.append((time.perf_counter() - start) * 1e6)
        f(n)
    spent.sort()
    shares = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
    table["a write that evicts, us"] = {n: percentile(spent, share) for n, share in shares.items()}
    return table
