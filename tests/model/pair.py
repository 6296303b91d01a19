"""One process of the package, and its model beside it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from oob_heal import Dependency, HealingCache
from oob_heal.testing import ManualClock, ManualExecutor
from tests.model import process as model
from tests.model.backends import Way
from tests.model.promises import KEYS
from tests.model.store import Key

if TYPE_CHECKING:
    from tests.model.acts import Acts


class BrokenError(Exception):
    """The dependency fails."""


class GoneError(Exception):
    """The dependency says that there is nothing: in ``drop_on``."""


class Lagging:
    """A process's own clock: as fast as the store's, and somewhere else."""

    def __init__(self, clock: ManualClock, behind: float) -> None:
        self.clock = clock
        self.behind = behind

    def __call__(self) -> float:
        return self.clock() - self.behind


class Deaf:
    """Nobody observes."""

    listening = False

    def tell(self, happening: Any) -> None:
        """Not a word."""

    def traceparent(self) -> None:
        """No trace."""

    def cache_missed(self, *_: Any) -> None:
        """No span to note it in."""

    def heal_span(self, *_: Any) -> None:
        """None of its own."""


# What a breaker does is told elsewhere (tests/test_breaker.py), and the model knows none.
UNGUARDED = Dependency("model", concurrency=10_000, breaker=None)


class Process:
    """One process of the package, and its model."""

    def __init__(self, world: Acts) -> None:
        self.world = world
        self.backend = world.place.backend()
        self.way = Way(self.backend)
        self.executor = ManualExecutor()
        clock = world.place.clock
        self.cache = HealingCache(
            backend=world.place.over(self.way) if hasattr(world.place, "over") else self.way,
            executor=self.executor,
            clock=Lagging(clock, world.place.began) if world.place.began else clock,
            namespace="model",
            drop_on=GoneError,
            dependency=UNGUARDED,
        )
        self.cache._parts.random = lambda: world.store.chance
        self.cache._parts.hub = Deaf()  # else each of thousands of caches has a thread for its log
        self.functions = [self._decorate(0), self._decorate(1)]
        self.cores = [each._oob_heal_core for each in self.functions]
        for core in self.cores:
            core.inflight.limit = world.limit
        store = getattr(self.backend, "store", self.backend)
        world.desk.locks += [store.lock, *(core.inflight.lock for core in self.cores)]
        make = getattr(world.place, "model", model.Process)
        self.model = make(world.store, world.rules, forgets=world.place.forgets, limit=world.limit)
        self.turn = itertools.cycle([{"a": 1, "b": 2}, {"b": 2, "a": 1}])

    def _decorate(self, function: int) -> Any:
        desk = self.world.desk
        decorate: Any = self.cache(name=f"f{function}", **self.world.rules[function].options())
        if self.world.colour == "sync":

            def source(n: int | bool | str, **more: int) -> str:
                return desk.call()

            return decorate(source)

        async def asource(n: int | bool | str, **more: int) -> str:
            return await desk.acall()

        return decorate(asource)

    def ask(self, member: str, key: Key, *value: Any) -> Any:
        """A member of the decorated function, called for a key, its keywords in any order."""
        f = self.functions[key[0]]
        called = f if member == "call" else getattr(f, member)
        if member == "cache_clear":
            return self.world.desk.do(called())
        return self.world.desk.do(called(*value, KEYS[key[1]], **next(self.turn)))
