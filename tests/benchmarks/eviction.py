"""Hit ratios on synthetic traces of published shape: ours beside FIFO, LRU and the optimum.

Law: a trace is a list of keys, made from a seed. ``ours`` is the table that ships, driven as a
cache that fills on a miss; the others are written down here in their shortest form. Zipf: Breslau
and others, "Web Caching and Zipf-like Distributions", INFOCOM 1999. Optimum: Belady, 1966.
"""

from __future__ import annotations

import bisect
import heapq
import itertools
import random
from collections import OrderedDict
from collections.abc import Callable

from oob_heal._encoding import token
from oob_heal._model import Entry
from oob_heal.backends._leaf import Room
from oob_heal.backends._table import Table


def zipf(alpha: float, keys: int, length: int, seed: int = 1) -> list[int]:
    """Keys 0 to ``keys`` - 1, the nth most popular drawn in proportion to n ** -alpha."""
    rng = random.Random(seed)
    sums = list(itertools.accumulate((n + 1) ** -alpha for n in range(keys)))
    return [bisect.bisect_left(sums, rng.random() * sums[-1]) for _ in range(length)]


def with_scans(trace: list[int], share: float, run: int = 1_000, seed: int = 2) -> list[int]:
    """The same, with runs of keys that come once, ``share`` of it all."""
    rng, fresh, mixed = random.Random(seed), itertools.count(10**9), []
    starts = set(rng.sample(range(len(trace)), int(len(trace) * share / (1 - share) / run)))
    for at, key in enumerate(trace):
        if at in starts:
            mixed += [next(fresh) for _ in range(run)]
        mixed.append(key)
    return mixed


def loops(keys: int, length: int) -> list[int]:
    """The same keys round and round, more of them than there is room for."""
    return [n % keys for n in range(length)]


def ours(trace: list[int], size: int) -> float:
    """The table that ships."""
    table = Table(Room(size))
    table.judged_by("bench", lambda _: float("inf"))
    hits = 0
    for key in trace:
        told = (token(key),)
        if table.get(told) is not None:
            hits += 1
            table.see(*table.find(told))
        else:
            table.put(told, Entry(None, 0.0))
    return hits / len(trace)


def lru(trace: list[int], size: int, *, moves: bool = True) -> float:
    held: OrderedDict[int, None] = OrderedDict()
    hits = 0
    for key in trace:
        if key in held:
            hits += 1
            if moves:
                held.move_to_end(key)
            continue
        if len(held) >= size:
            held.popitem(last=False)
        held[key] = None
    return hits / len(trace)


def fifo(trace: list[int], size: int) -> float:
    return lru(trace, size, moves=False)


def optimal(trace: list[int], size: int) -> float:
    """Evicts what comes again last."""
    following: list[int] = [0] * len(trace)
    seen: dict[int, int] = {}
    for at in range(len(trace) - 1, -1, -1):
        following[at] = seen.get(trace[at], len(trace) + at)
        seen[trace[at]] = at
    held: dict[int, int] = {}
    heap: list[tuple[int, int]] = []
    hits = 0
    for at, key in enumerate(trace):
        if key in held:
            hits += 1
        elif len(held) >= size:
            while True:
                due, farthest = heapq.heappop(heap)
                if held.get(farthest) == -due:
                    del held[farthest]
                    break
        held[key] = following[at]
        heapq.heappush(heap, (-following[at], key))
    return hits / len(trace)


POLICIES: dict[str, Callable[[list[int], int], float]] = {
    "ours": ours,
    "LRU": lru,
    "FIFO": fifo,
    "optimal": optimal,
}


def traces(length: int, keys: int, size: int) -> dict[str, list[int]]:
    """The traces of the table in the docs."""
    found = {}
    for alpha in (0.7, 0.9, 1.1):
        trace = zipf(alpha, keys, length)
        found[f"Zipf {alpha}"] = trace
        found[f"Zipf {alpha}, 10 % scans"] = with_scans(trace, 0.1)
    found["loop over 1.2 x the room"] = loops(size + size // 5, length)
    return found


def ratios(
    length: int = 300_000, keys: int = 100_000, size: int = 10_000
) -> dict[str, dict[str, float]]:
    """Hit ratio by trace and policy."""
    return {
        name: {policy: run(trace, size) for policy, run in POLICIES.items()}
        for name, trace in traces(length, keys, size).items()
    }


if __name__ == "__main__":
    for name, row in ratios().items():
        print(f"{name:28}", "  ".join(f"{policy} {share:6.1%}" for policy, share in row.items()))
