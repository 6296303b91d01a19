"""What is measured of speed: each measure returns rows of plain numbers.

Law: peers take turns in one run. A peer that fails in a measure is told, not fatal. ``quick`` makes
a measure short, for a look whether all of it works.
"""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from tests.benchmarks.peers import OURS, PEERS, Peer
from tests.benchmarks.timing import awaiting, loop_of, side_by_side

Row = dict[str, Any]


def one(a: Any) -> Any:
    return a


def two(a: Any, b: Any) -> Any:
    return a


async def aone(a: Any) -> Any:
    return a


def noop(a: Any) -> Any:
    return a


async def anoop(a: Any) -> Any:
    return a


def here(sync: bool = True) -> list[Peer]:
    """The peers of a colour that are installed."""
    way = "sync" if sync else "coloured"
    return [peer for peer in PEERS if getattr(peer, way) is not None and peer.version]


def filled(peer: Peer, fn: Callable[..., Any], size: int, calls: Iterable[tuple[Any, ...]]) -> Any:
    """The decorated function with these calls in it, each read twice."""
    assert peer.sync is not None
    made = peer.sync(fn, size, 3_600.0)
    for call in calls:
        if peer.package == OURS.package:
            made.set(call[0], *call)
            made(*call)
        made(*call)
    return made


def tried(found: Row, name: str, make: Callable[[], Any]) -> None:
    """Keep what ``make`` returns, or say why there is none."""
    try:
        found[name] = make()
    except Exception as error:
        print(f"    {name}: left out, {type(error).__name__}: {str(error)[:80]}")


def hits(quick: bool) -> Row:
    """Nanoseconds of a hit, by the shape of its arguments."""
    rounds = 3 if quick else 60
    shapes: dict[str, tuple[Any, tuple[Any, ...], Row]] = {
        "one int": (one, (5,), {}),
        "one int by keyword": (one, (), {"a": 5}),
        "one str": (one, ("tea",), {}),
        "two": (two, (5, "kg"), {}),
        "a tuple": (one, ((5, "kg"),), {}),
    }
    table: Row = {}
    for shape, (fn, args, kwargs) in shapes.items():
        calls: Row = {"empty call": loop_of(noop, 5)}
        bound = args or tuple(kwargs.values())
        for peer in here():

            def make(peer: Peer = peer) -> Any:
                made = filled(peer, fn, 10_000, [bound])
                made(*args, **kwargs)
                return loop_of(made, *args, **kwargs)

            tried(calls, peer.name, make)
        if shape == "one int":
            calls["dict read"] = loop_of({5: 5}.__getitem__, 5)
            calls["monotonic"] = loop_of(time.monotonic)
        best = side_by_side(calls, rounds)
        table[shape] = {name: seconds * 1e9 for name, seconds in best.items()}
    return table


def by_hand(size: int) -> Any:
    """The least that pure Python does for a typed entry with an age, over a dictionary that nobody
    evicts from: the floor under ours."""
    now = time.monotonic
    ends = now() + 3_600
    tables = {int: {n: (n, ends + n * 1e-9, complex(ends, n)) for n in range(size)}}

    def read(a: Any) -> Any:
        value, until, _ = tables[type(a)][a]
        if now() < until:
            return value
        raise KeyError(a)

    return read


def many_keys(quick: bool) -> Row:
    """Nanoseconds of a hit on random keys out of 1,000 and of 1,000,000."""
    table: Row = {}
    for size in (1_000, 20_000 if quick else 1_000_000):
        order = random.Random(1).sample(range(size), min(size, 100_000))
        calls: Row = {}
        made: Row = {"by hand": by_hand(size)}
        for peer in here():
            if peer.name in ("diskcache", "cachier", "dogpile.cache") and size > 1_000:
                continue  # minutes to fill
            name = peer.name
            tried(
                made, name, lambda peer=peer: filled(peer, one, size, ((n,) for n in range(size)))
            )
        for name, function in made.items():

            def timed(n: int, f: Any = function) -> float:
                start = time.perf_counter()
                for key in order:
                    f(key)
                return (time.perf_counter() - start) / len(order) * n

            calls[name] = timed
        gc.collect()
        best = dict.fromkeys(calls, float("inf"))
        for _ in range(2 if quick else 7):
            for name, call in calls.items():
                best[name] = min(best[name], call(1))
        table[f"{size:,} keys"] = {name: seconds * 1e9 for name, seconds in best.items()}
    return table


def threads(quick: bool) -> Row:
    """Hits a second of 1, 2, 4 and 16 threads together."""
    made: Row = {"empty call": noop}
    for peer in here():
        if peer.name != "diskcache":
            calls = ((n,) for n in range(100))
            tried(made, peer.name, lambda peer=peer, calls=calls: filled(peer, one, 10_000, calls))
    table: Row = {name: {} for name in made}
    for _ in range(1 if quick else 8):  # side by side: what a machine does meanwhile meets all
        for name, function in made.items():
            for count in (1, 2, 4, 16):
                rate = _rate(function, count, 0.02 if quick else 0.15)
                table[name][str(count)] = max(table[name].get(str(count), 0.0), rate)
    return table


def _rate(f: Any, count: int, seconds: float) -> float:
    done = [0] * count
    start = threading.Barrier(count + 1)
    stop = threading.Event()

    def work(me: int) -> None:
        start.wait()
        while not stop.is_set():
            for _ in range(1_000):
                f(5)
            done[me] += 1_000

    workers = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    for worker in workers:
        worker.start()
    start.wait()
    began = time.perf_counter()
    time.sleep(seconds)
    stop.set()
    for worker in workers:
        worker.join()
    return sum(done) / (time.perf_counter() - began)


def async_hits(quick: bool) -> Row:
    """Nanoseconds of an awaited hit."""
    calls: Row = {"empty coroutine": awaiting(anoop, 5)}
    for peer in here(sync=False):

        def make(peer: Peer = peer) -> Any:
            assert peer.coloured is not None
            made: Any = peer.coloured(aone, 10_000, 3_600.0)

            async def warm(*args: Any) -> None:
                if peer is OURS:
                    await made.set(5, 5)
                await made(5)
                await made(5)

            asyncio.run(warm())
            return awaiting(made, 5)

        tried(calls, peer.name, make)
    best = side_by_side(calls, 3 if quick else 40)
    return {"one int": {name: seconds * 1e9 for name, seconds in best.items()}}


def misses(quick: bool) -> Row:
    """Nanoseconds of our stale and absent reads while a heal is under way."""
    from oob_heal import HealingCache
    from oob_heal.testing import ManualExecutor

    @HealingCache(ttl=3_600, executor=ManualExecutor())(default=0)
    def f(a: Any) -> Any:
        return a

    f.set(5, 5)
    f.set(6, 6)
    f.mark_stale(6)
    for n in (5, 6, 7):
        for _ in range(3):
            f(n)
    calls = {
        "fresh": loop_of(f, 5),
        "stale, a heal under way": loop_of(f, 6),
        "absent with a default, a heal under way": loop_of(f, 7),
    }
    best: Row = {name: s * 1e9 for name, s in side_by_side(calls, 3 if quick else 60).items()}
    return {"ours": best}
