"""Callers at a steady rate, in both colours, whatever happens; and what each of them met.

Law: open loop: the next caller comes when it is due, not when the one before was answered. What
is measured is the caller's time from when it was due until it has its answer.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Self

from oob_heal import Backoff, Freshness, HealingCache
from oob_heal.backends.redis import RedisBackend

RATE = 200  # callers a second, both colours together
KEYS = 10
TTL = 0.5  # s
BACKOFF = Backoff(initial=0.1, maximum=0.5)


class Call(NamedTuple):
    at: float
    took: float
    away: bool  # the backend said so before the call
    error: BaseException | None


class Load:
    """A service with one sync and one async function over a backend, and its callers."""

    def __init__(self, backend: RedisBackend) -> None:
        self.backend = backend
        self.cache = HealingCache(backend=backend, namespace="load")
        self.calls: list[Call] = []
        self.asked: list[float] = []  # when the dependency was called
        self.by_key: Counter[Any] = Counter()
        self._end = threading.Event()

        # A short backoff: how soon the server is found is asked here, not what backoff draws.
        @self.cache(ttl=TTL, jitter=0, backoff=BACKOFF, default=-1, name="load.sync")
        def plain(n: int) -> int:
            self._dependency(("plain", n))
            return n

        @self.cache(ttl=TTL, jitter=0, backoff=BACKOFF, default=-1, name="load.async")
        async def coloured(n: int) -> int:
            self._dependency(("coloured", n))
            return n

        self.plain, self.coloured = plain, coloured
        self._threads = [
            *(threading.Thread(target=self._call_sync, args=(n,), daemon=True) for n in range(4)),
            threading.Thread(target=lambda: asyncio.run(self._call_async()), daemon=True),
        ]

    def _dependency(self, key: Any) -> None:
        self.asked.append(time.monotonic())
        self.by_key[key] += 1

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in self._threads), "a caller hangs"
        self.cache.close()

    @property
    def away(self) -> bool:
        return any(pool.trouble is not None for pool in self.backend._keeper.pools.values())

    def _note(self, due: float, away: bool, error: BaseException | None) -> None:
        self.calls.append(Call(due, time.monotonic() - due, away, error))

    def _call_sync(self, number: int) -> None:
        every = 4 / (RATE / 2)
        due = time.monotonic() + number * every / 4
        n = number
        while not self._end.wait(max(0.0, due - time.monotonic())):
            away, error = self.away, None
            started = time.monotonic()
            try:
                assert self.plain(n % KEYS) in (n % KEYS, -1)
            except BaseException as caught:
                error = caught
            self._note(started, away, error)
            n += 1
            due = max(due + every, time.monotonic() - 0.1)

    async def _call_async(self) -> None:
        every = 1 / (RATE / 2)
        due, n, tasks = time.monotonic(), 0, set()
        while not self._end.is_set():
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            tasks.add(task := asyncio.create_task(self._one_async(n)))
            task.add_done_callback(tasks.discard)
            n += 1
            due = max(due + every, time.monotonic() - 0.1)
        await asyncio.gather(*tasks)

    async def _one_async(self, n: int) -> None:
        away, error = self.away, None
        started = time.monotonic()
        try:
            assert await self.coloured(n % KEYS) in (n % KEYS, -1)
        except BaseException as caught:
            error = caught
        self._note(started, away, error)

    def freshness(self) -> Callable[[], bool]:
        """Asked again and again: whether each key was fresh since the first time. Not all at one
        moment: each goes stale every ttl, and heals when its next caller comes."""
        left = set(range(KEYS))

        def look() -> bool:
            for n in list(left):
                served = self.plain.peek(n)
                if served is not None and served.freshness is Freshness.FRESH:
                    left.discard(n)
            return not left

        return look


class Yardstick:
    """What this machine adds to any wait: a thread asks another over a socket, as often as there
    are callers, and notes how long that took. No server is behind it, and no code of ours."""

    def __init__(self) -> None:
        self.took: list[float] = []
        self._end = threading.Event()
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._ask, self._echo)
        ]

    def __enter__(self) -> Self:
        self._near, self._far = socket.socketpair()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._threads[0].join(10)
        self._near.close()
        self._threads[1].join(10)
        self._far.close()

    def _ask(self) -> None:
        while not self._end.wait(1 / RATE):
            started = time.monotonic()
            self._near.sendall(b"?")
            self._near.recv(1)
            self.took.append(time.monotonic() - started)

    def _echo(self) -> None:
        while word := self._far.recv(1):
            self._far.sendall(word)


def percentile(times: list[float], percent: float) -> float:
    """Of so many per cent of these, the longest."""
    return sorted(times)[min(len(times) - 1, int(len(times) * percent / 100))]


def descriptors(backend: RedisBackend) -> int:
    """How many this process has open, but for those of the backend's links through a proxy: a
    socket here, and two of the proxy's. How many links it needs is the load's affair."""
    links = sum(len(pool.links) for pool in backend._keeper.pools.values())
    return sum(1 for _ in Path("/proc/self/fd").iterdir()) - 3 * links


def overloaded() -> bool:
    """Whether others keep this machine so busy that milliseconds mean nothing here."""
    return os.getloadavg()[0] > 1.5 * (os.cpu_count() or 1)


def share(times: list[float], within: float) -> float:
    """How many of these are within it."""
    return sum(took <= within for took in times) / max(1, len(times))


def wait_for(condition: Callable[[], Any], limit: float) -> float:
    """Look often until it is true; how long that took. An AssertionError beyond the limit."""
    start = time.monotonic()
    while not condition():
        took = time.monotonic() - start
        assert took < limit, f"it was not so within {limit:g} s"
        time.sleep(0.005)
    return time.monotonic() - start
