"""The reference model and every order of two heals and one write, on real servers.

The server's time is the test's (``timed``), else these are the tests of the core. In CI a part of
them, so that all of Redis stays under 90 s: 40 examples of the machine (of 300), every 24th of
the 1,680 orders. OOB_HEAL_FULL=1 runs them all.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from oob_heal import HealingCache, Outcome
from oob_heal.testing import ManualExecutor
from tests import test_orders as orders
from tests.model.backends import BACKENDS
from tests.model.machine import Guarded, Machine
from tests.redis.servers import Server
from tests.redis.timed import Timed, under_the_tests_clock
from tests.test_state_machine import LOOK

FULL = os.environ.get("OOB_HEAL_FULL") == "1"
EXAMPLES = 1_000 if FULL else 40
EVERY = 1 if FULL else 24


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    with contextlib.closing(asyncio.new_event_loop()) as made:
        yield made


@pytest.fixture(autouse=True)
def _timed(monkeypatch: pytest.MonkeyPatch) -> None:
    under_the_tests_clock(monkeypatch)


@pytest.mark.timeout(1_800 if FULL else 60)
@pytest.mark.parametrize("machine", [Machine, Guarded])
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_whatever_happens_redis_does_what_the_model_says(
    server: Server,
    machine: type[Machine],
    colour: str,
    loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # H06 H07 H13 H14 H17 H19 H28 H42
    places: list[Timed] = []
    examples = EXAMPLES if machine is Machine else EXAMPLES // 2

    def place() -> Timed:
        while places:
            places.pop().close()
        places.append(Timed(server))
        return places[-1]

    monkeypatch.setitem(BACKENDS, "redis", place)

    class Looking(machine):  # type: ignore[misc, valid-type]
        pass

    Looking.kind, Looking.colour, Looking.loop = "redis", colour, loop
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


class RedisTable(orders.Table):
    """Three processes on one real server."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop | None) -> None:
        self.place = Timed(server)
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
    server: Server, actors: tuple[str, ...], colour: str, loop: asyncio.AbstractEventLoop
) -> None:  # H06, H07
    table = RedisTable(server, loop if colour == "async" else None)
    outcomes: Counter[Outcome] = Counter()
    chosen = orders.ORDERS[::EVERY]
    try:
        for n, order in enumerate(chosen):
            outcomes += orders.Race(table, n, actors, stale=True).run(order)
            if n % 10 == 9:  # the leases of old keys would have to be counted at every step
                table.place.client.delete("none", *table.place.client.keys("*:l"))
    finally:
        table.place.close()
    assert outcomes.total() == 2 * len(chosen)
    assert min(outcomes[Outcome.HEALED], outcomes[Outcome.REFUSED]) > len(chosen) / 4
