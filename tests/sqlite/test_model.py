"""The reference model, and every order of two heals and one write, on a file of SQLite.

In the usual run a part of them: 10 examples of the machine, every 48th of the 1,680 orders.
OOB_HEAL_FULL=1 runs 1,000 and all.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from oob_heal import HealingCache, Outcome
from oob_heal.backends.sqlite import SqliteBackend
from oob_heal.testing import ManualClock, ManualExecutor
from tests import test_orders as orders
from tests.model.backends import BACKENDS
from tests.model.machine import Guarded, Machine
from tests.redis.test_model import InSync
from tests.sqlite.files import a_file, close_all, new_path
from tests.test_state_machine import LOOK

FULL = os.environ.get("OOB_HEAL_FULL") == "1"
PLANTED = bool(os.environ.get("OOB_HEAL_PLANTED"))
EXAMPLES = 1_000 if FULL else 100 if PLANTED else 10
EVERY = 1 if FULL else 48


class Place:
    """Processes on one file, as the state machine wants them."""

    processes = 2
    forgets = True
    epochs = False
    maxsize = math.inf

    def __init__(self) -> None:
        close_all()
        self.clock = ManualClock(1_000_000.0)
        self.began = 900_000.0
        self.path = new_path()
        self._looks = a_file(self.clock, self.path)

    def backend(self) -> SqliteBackend:
        return a_file(self.clock, self.path)

    def live_leases(self) -> int:
        live = "SELECT count(*) FROM leases WHERE token IS NOT NULL AND until > ?"
        with self._looks._file.reading(math.inf) as link:
            ((count,),) = link.execute(live, (self.clock(),)).fetchall()
        return int(count)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    with contextlib.closing(asyncio.new_event_loop()) as made:
        yield made


@pytest.mark.timeout(1_800 if FULL else 60)
@pytest.mark.parametrize("machine", [Machine, Guarded])
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_whatever_happens_sqlite_does_what_the_model_says(
    machine: type[Machine],
    colour: str,
    loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # H06 H07 H13 H14 H17 H19 H28 H42
    monkeypatch.setitem(BACKENDS, "sqlite", Place)

    class Looking(machine):  # type: ignore[misc, valid-type]
        pass

    Looking.kind, Looking.colour, Looking.loop = "sqlite", colour, loop
    run_state_machine_as_test(Looking, settings=settings(LOOK, max_examples=EXAMPLES))


class Table(orders.Table):
    """Three processes on one file."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self.place = Place()
        self.clock = self.place.clock
        self.truth = Counter()
        self.loop = loop
        self.processes = [self._process(self.place.backend()) for _ in range(3)]
        self.leases = self  # type: ignore[assignment]

    def __len__(self) -> int:
        return self.place.live_leases()

    def _process(self, backend: Any) -> orders.Process:
        if self.loop is None:
            return super()._process(backend)
        executor = ManualExecutor()
        cache = HealingCache(backend=backend, executor=executor, clock=self.clock)

        @cache(
            ttl=orders.TTL,
            max_stale=None,
            jitter=0,
            name="source",
            default=None,
            drop_on=orders.GoneError,
        )
        async def source(n: int) -> int:
            return self.truth[n]

        return orders.Process(InSync(source, self.loop), executor)


@pytest.mark.timeout(1_800 if FULL else 60)
@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize(
    "actors",
    [*(("heal", "heal", write) for write in orders.WRITES), ("heal", "drop", "set")],
    ids="-".join,
)
def test_a_write_during_two_heals_wins_in_every_order(
    actors: tuple[str, ...], colour: str, loop: asyncio.AbstractEventLoop
) -> None:  # H06, H07
    table = Table(loop if colour == "async" else None)
    outcomes: Counter[Outcome] = Counter()
    chosen = orders.ORDERS[::EVERY]
    for n, order in enumerate(chosen):
        outcomes += orders.Race(table, n, actors, stale=True).run(order)
    assert outcomes.total() == 2 * len(chosen)
    assert min(outcomes[Outcome.HEALED], outcomes[Outcome.REFUSED]) > len(chosen) / 4
