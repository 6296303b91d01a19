"""A small deterministic world of events: reads, a dependency that is in trouble, and threads.

Law: nothing here decides for the library. Reads call the decorated function, heals wait in the real
fair queue and go through their real conversation; only threads, time and the dependency are played.
A call ends when the dependency says, so many seconds after it began; a thread past ``heal_timeout``
gives its heal up and is replaced, as those of ThreadExecutor are, while fewer hang than it allows.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

from oob_heal import HealingCache, HealRejectedError
from oob_heal.executors._fair import FairQueue
from oob_heal.testing import ManualClock, Steps

HANGS = math.inf  # s that a call takes which never ends


class World:
    """Time and what is due in it."""

    def __init__(self) -> None:
        self.clock = ManualClock(0.0)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Have something happen, unless it never does."""
        if seconds < HANGS:
            heapq.heappush(self._due, (self.clock() + seconds, next(self._number), act))

    def go_to(self, moment: float) -> None:
        """Let time pass, and what is due happen."""
        while self._due and self._due[0][0] <= moment:
            due, _, act = heapq.heappop(self._due)
            self._to(due)
            act()
        self._to(moment)

    def _to(self, moment: float) -> None:
        self.clock.advance(max(0.0, moment - self.clock()))


class Source:
    """A dependency: ``goes(key)`` says how a call that begins now will go: seconds, and an error
    or None."""

    def __init__(self, world: World, goes: Callable[[Any], tuple[float, Exception | None]]) -> None:
        self.world = world
        self.goes = goes
        self.begun: list[float] = []
        self.in_flight = self.most_in_flight = 0

    def begin(self, key: Any) -> tuple[float, Exception | None]:
        self.begun.append(self.world.clock())
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        return self.goes(key)


class Threads:
    """An executor whose threads are played: ``threads`` run, ``queue`` wait, ``most_hung`` hang and
    are replaced."""

    def __init__(
        self,
        world: World,
        sources: dict[str, Source],
        threads: int,
        queue: int,
        most_hung: int = 64,
    ) -> None:
        self.most_hung = most_hung
        self.world = world
        self.sources = sources
        self.threads = threads
        self.waiting = FairQueue(queue, threads)
        self.running = 0
        self.hung = Counter[str]()

    def submit(self, heal: Any, /) -> None:
        if self.hung.total() >= self.most_hung and self.hung[heal.group]:
            raise HealRejectedError
        shed = self.waiting.put(heal.group, heal)
        if shed is not None:
            shed.shed()
        self.world.after(0.0, self._start)

    def _start(self) -> None:
        while self.running < self.threads and (taken := self.waiting.take()) is not None:
            self.running += 1
            _Thread(self, *taken).start()


class _Thread:
    """One thread over one heal."""

    def __init__(self, pool: Threads, group: str, heal: Any) -> None:
        self.pool, self.group, self.heal = pool, group, heal
        self.source = pool.sources[group]
        self.given_up = self.replaced = False

    def start(self) -> None:
        self.steps = Steps(self.heal)
        while self.steps.due not in (None, "call"):
            self.steps.next()
        if self.steps.due is None:
            self._free()
            return
        takes, error = self.source.begin(self.heal.subject.args)
        if error is not None:
            self.steps.fail = error
        self.pool.world.after(takes, self._end)
        if takes >= self.heal.timeout:
            self.pool.world.after(self.heal.timeout, self._hang)

    def _end(self) -> None:
        if not self.given_up:
            self.source.in_flight -= 1
        else:
            self.pool.hung[self.group] -= 1
        self.steps.run()
        self._free()

    def _hang(self) -> None:
        self.source.in_flight -= 1
        replaced = self.pool.hung.total() < self.pool.most_hung
        self.pool.hung[self.group] += 1
        self.given_up = True
        self.heal.give_up()
        if replaced:
            self._free()
            self.replaced = True

    def _free(self) -> None:
        if not self.replaced:
            self.pool.running -= 1
            self.pool.waiting.done(self.group)
            self.pool.world.after(0.0, self.pool._start)


def cache_in(world: World, executor: Any, seed: int, **options: Any) -> HealingCache:
    """A cache in this world, whose chance is seeded."""
    import random

    cache = HealingCache(executor=executor, clock=world.clock, **options)
    cache._parts.random = random.Random(seed).random
    return cache
