"""One process of the package, and its model beside it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from oob_heal import Breaker, Dependency, HealingCache
from oob_heal.testing import ManualClock, ManualExecutor
from tests.model import process as model
from tests.model.backends import Way
from tests.model.books import Failed
from tests.model.guard import Limits
from tests.model.promises import KEYS
from tests.model.store import Key

if TYPE_CHECKING:
    from tests.model.acts import Acts


class BrokenError(Exception):
    """The dependency fails."""


class BusyError(Exception):
    """The dependency says when to come back."""

    retry_after = 4


class GoneError(Exception):
    """The dependency says that there is nothing: in ``drop_on``."""


ERRORS = {
    "broken": (Failed(), BrokenError),
    "busy": (Failed(hint=BusyError.retry_after), BusyError),
    "gone": (Failed(nothing=True), GoneError),
}


class Lagging:
    """A process's own clock: as fast as the store's, and somewhere else."""

    def __init__(self, clock: ManualClock, behind: float) -> None:
        self.clock = clock
        self.behind = behind

    def __call__(self) -> float:
        return self.clock() - self.behind


class Deaf:
    """Nobody observes."""

    listening = traces = hears_misses = False

    def tell(self, happening: Any) -> None:
        """Not a word."""

    def traceparent(self) -> None:
        """No trace."""

    def heal_span(self, *_: Any) -> None:
        """None of its own."""


def declared(limits: Limits) -> Dependency:
    """The same, as ``dependency=`` wants it."""
    breaker = None
    if limits.failures is not None:
        breaker = Breaker(failures=limits.failures, open_for=limits.open_for)
    return Dependency("model", concurrency=limits.places, breaker=breaker)


async def _at_once(seconds: float) -> None:
    """No time passes while a heal waits for a place."""


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
            dependency=declared(world.limits),
        )
        self.cache._parts.sleep, self.cache._parts.asleep = lambda _: None, _at_once
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
        self.model.spares(world.limits, shared=world.place.processes > 1)
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
