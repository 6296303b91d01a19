"""A store held to the reference model, and to every order of two heals and one write.

Law: one text for every store. Its test file says how a place is made, and how much of this belongs
to the usual run. A place is as ``tests/model/backends.py`` has them, with ``close()``; one whose
old keys are in the way has ``tidy()``, and one whose fronts hear of writes ``catch_up``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from oob_heal import HealingCache, Outcome
from oob_heal.testing import ManualExecutor
from tests import test_orders as orders
from tests.amounts import FULL, PLANTED
from tests.model.backends import BACKENDS
from tests.model.machine import Guarded, Machine
from tests.model.runs import standing_loop
from tests.test_state_machine import LOOK

COLOURS = ("sync", "async")
TIDY_EVERY = 10  # races: the leases of old keys would have to be counted at every step

Make = Callable[[], Any]
LIMIT = 1_800 if FULL else 60 if PLANTED else 300  # s: a busy machine is no failure

in_time = pytest.mark.timeout(LIMIT)
each_colour = pytest.mark.parametrize("colour", COLOURS)
each_machine = pytest.mark.parametrize("machine", [Machine, Guarded])
each_race = pytest.mark.parametrize(
    "actors",
    [*(("heal", "heal", write) for write in orders.WRITES), ("heal", "drop", "set")],
    ids="-".join,
)


def look(
    make: Make, machine: type[Machine], kind: str, colour: str, examples: int, monkeypatch: Any
) -> None:
    """Have the machine do what it likes to places of a store, one after the other."""
    places: list[Any] = []

    def place() -> Any:
        while places:
            places.pop().close()
        places.append(make())
        return places[-1]

    monkeypatch.setitem(BACKENDS, kind, place)

    class Looking(machine):  # type: ignore[misc, valid-type]
        pass

    with standing_loop() as loop:
        Looking.kind, Looking.colour, Looking.loop = kind, colour, loop
        try:
            run_state_machine_as_test(Looking, settings=settings(LOOK, max_examples=examples))
        finally:
            for each in places:
                each.close()


class InSync:
    """An async decorated function, called as a sync one."""

    def __init__(self, f: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._f = f
        self._loop = loop

    def __call__(self, *args: Any) -> Any:
        return self._loop.run_until_complete(self._f(*args))

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._f, name)
        if name.startswith("_"):
            return member

        def called(*args: Any) -> Any:
            result = member(*args)
            done = asyncio.iscoroutine(result)
            return self._loop.run_until_complete(result) if done else result

        return called


class CaughtUp:
    """A decorated function whose front has heard all there is before each call."""

    def __init__(self, table: Table, f: Any) -> None:
        self._table = table
        self._f = f

    def __call__(self, *args: Any) -> Any:
        self._table.catch_up()
        return self._f(*args)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            self._table.catch_up()
        return getattr(self._f, name)


class Table(orders.Table):
    """Three processes on one place, and the leases that the store itself counts."""

    def __init__(self, place: Any, loop: asyncio.AbstractEventLoop | None) -> None:
        self.place = place
        self.clock = place.clock
        self.truth = Counter()
        self.loop = loop
        self.cores: list[Any] = []
        over = getattr(place, "over", lambda backend: backend)
        self.processes = [self._process(over(place.backend())) for _ in range(3)]
        self.leases = self  # type: ignore[assignment]

    def catch_up(self) -> None:
        self.place.catch_up([self])

    def __len__(self) -> int:
        return int(self.place.live_leases())

    def _process(self, backend: Any) -> orders.Process:
        process = super()._process(backend) if self.loop is None else self._coloured(backend)
        self.cores.append(process.f._oob_heal_core)
        fronted = hasattr(self.place, "catch_up")
        return process._replace(f=CaughtUp(self, process.f)) if fronted else process

    def _coloured(self, backend: Any) -> orders.Process:
        executor = ManualExecutor()
        cache = HealingCache(backend=backend, executor=executor, clock=self.clock)

        @cache(name="source", **orders.TERMS)
        async def source(n: int) -> int:
            return self.truth[n]

        assert self.loop is not None
        return orders.Process(InSync(source, self.loop), executor)


def race(place: Any, actors: tuple[str, ...], colour: str, every: int) -> None:
    """Have these three race in every order, or in each of so many; the place is closed then."""
    outcomes: Counter[Outcome] = Counter()
    chosen = orders.ORDERS[::every]
    with standing_loop() as loop, contextlib.closing(place):
        table = Table(place, loop if colour == "async" else None)
        for n, order in enumerate(chosen):
            outcomes += orders.Race(table, n, actors, stale=True).run(order)
            if n % TIDY_EVERY == TIDY_EVERY - 1 and hasattr(place, "tidy"):
                place.tidy()
    assert outcomes.total() == 2 * len(chosen)
    assert min(outcomes[Outcome.HEALED], outcomes[Outcome.REFUSED]) > len(chosen) / 4
