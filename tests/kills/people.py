"""The processes of a run: those that die at a point, and those that find what they left.

Law: each of these functions is a process's whole life, forked from one that has opened nothing.
They speak through a pipe, in plain tuples.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from oob_heal import HealingCache
from oob_heal.testing import ManualExecutor
from tests.kills.points import (
    LEASE,
    MortalBackend,
    MortalQueue,
    MortalThreads,
    Points,
    Spool,
    decorated,
    in_worker,
)

LIFE = 60  # s, at most: then SIGALRM, which is no SIGKILL
NOBODY = Points(None)


def until(condition: Callable[[], Any]) -> None:
    """Look until it is true, or the process's life is over."""
    while not condition():
        time.sleep(0.002)


def _cache(folder: Path, points: Points, ahead: list[float], executor: Any) -> tuple[Any, Any, Any]:
    signal.alarm(LIFE)
    logging.disable()
    backend = MortalBackend(str(folder / "cache.db"), points, ahead)
    clock = lambda: time.monotonic() + ahead[0]  # noqa: E731 - two of them, side by side
    cache = HealingCache(backend=backend, executor=executor, clock=clock)
    return backend, cache, decorated(cache, folder, points)


def prepare(folder: Path, stale: Iterable[int]) -> None:
    """Stale entries of some keys."""
    backend, _, source = _cache(folder, NOBODY, [0.0], ManualExecutor())
    for n in stale:
        source.set(-2, n)
        source.mark_stale(n)
    backend.close()


def dies_requesting(folder: Path, kind: str, point: str, n: int) -> None:
    """A request's process: reads one key, and heals it or hands it on until it dies."""
    points = Points(point)
    send = Spool(folder, points).send
    executor = MortalThreads(points) if kind == "threads" else MortalQueue(points, send)
    _, _, source = _cache(folder, points, [0.0], executor)
    source(n)
    time.sleep(LIFE + 5)


def dies_working(folder: Path, point: str) -> None:
    """A worker's process: takes one message, and heals it until it dies."""
    in_worker.set()
    points = Points(point)
    _, cache, _ = _cache(folder, points, [0.0], ManualExecutor())
    payload = Spool(folder, points).take()
    points("received")
    cache.heal_message(payload)
    time.sleep(LIFE + 5)


def reads(folder: Path, keys: list[int], ahead: float, said: Connection) -> None:
    """Another request's process: one read of each key, and what came of the heal, if any."""
    executor = ManualExecutor()
    backend, _, source = _cache(folder, NOBODY, [ahead], executor)
    found = []
    for n in keys:
        answer = source(n)
        outcome = executor.run_next().value if executor.pending else "fresh"
        found.append((n, answer, outcome))
    backend.close()
    said.send(found)


def requests(folder: Path, keys: list[int], lease_passes: bool, pipe: Connection) -> None:
    """A request's process that lives: it reads each key, and its events are sent. Told to go on,
    a lease has passed, and it reads each once more."""
    ahead, spool = [0.0], Spool(folder, NOBODY)
    clock = lambda: time.monotonic() + ahead[0]  # noqa: E731
    executor = MortalQueue(NOBODY, spool.send, clock)
    _, _, source = _cache(folder, NOBODY, ahead, executor)
    for passed in [0.0, LEASE] if lease_passes else [LEASE]:
        ahead[0] = passed
        for n in keys:
            source(n)
        until(lambda: spool.sent == executor.submits)
        pipe.send(spool.sent)
        if passed < LEASE:
            pipe.recv()
    pipe.recv()  # a worker has been there
    until(lambda: source.cache_info().healing == 0)
    info = source.cache_info()
    ended = info.healed + info.skipped + info.refused + info.failed + info.dropped + info.lost
    pipe.send(([source(n) for n in keys], executor.submits, ended))
    executor.close()


def works(folder: Path, ahead: float, said: Connection) -> None:
    """A worker that lives: it heals all that was sent."""
    in_worker.set()
    backend, cache, _ = _cache(folder, NOBODY, [ahead], ManualExecutor())
    spool, outcomes = Spool(folder, NOBODY), []
    while (payload := spool.take()) is not None:
        outcome = cache.heal_message(payload)
        outcomes.append("poison" if outcome is None else outcome.value)
    backend.close()
    said.send(outcomes)
