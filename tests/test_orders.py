"""Whatever the order: two heals and one write of a key, every interleaving of their steps.

Law: each of the three does three steps, which makes 9! / (3!)^3 = 1,680 orders; all of them run in
the full tier, each fifth in the quick one, for each kind of write, on memory and on a store that
three processes share. Beside each race goes ``Expected``, the fence in twenty lines: after every
step what is served, how each heal ended and who holds the lease must be what it says. The two
colours differ in the driver only: sync will do.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from oob_heal import Freshness, HealingCache, Outcome
from oob_heal.backends.memory import MemoryBackend
from oob_heal.testing import FlakyBackend, ManualClock, ManualExecutor, SharedStore, Steps
from tests.amounts import amount

TTL = 1_000.0
WRITES = ("set", "invalidate", "mark_stale", "cache_clear")


class GoneError(Exception):
    """In ``drop_on``: the dependency says that there is nothing."""


TERMS: dict[str, Any] = {
    "ttl": TTL,
    "max_stale": None,
    "jitter": 0,
    "default": None,
    "drop_on": GoneError,
}


def all_orders() -> Iterator[tuple[int, ...]]:
    """Every order of 0, 0, 0, 1, 1, 1, 2, 2, 2."""
    for first in itertools.combinations(range(9), 3):
        rest = [place for place in range(9) if place not in first]
        for second in itertools.combinations(rest, 3):
            yield tuple(0 if p in first else 1 if p in second else 2 for p in range(9))


ORDERS = list(all_orders())
assert len(ORDERS) == 1_680
RUN = ORDERS[:: amount(5, thorough=1, full=1)]  # each fifth, or all
SOME = 500 * len(RUN) // 1_680  # of the heals at least end each of the ways of a test


class Process(NamedTuple):
    f: Any
    executor: ManualExecutor


class Table:
    """Three processes on one backend, and a source whose truth is a number that counts up."""

    def __init__(self, kind: str) -> None:
        store = SharedStore(ManualClock(1_000_000.0))
        self.clock = store.clock
        memory = MemoryBackend(clock=self.clock)
        self.truth: Counter[int] = Counter()
        # A wrapper each: else the second function of one name would be refused.
        ways = [store.backend() if kind == "store" else FlakyBackend(memory) for _ in range(3)]
        self.processes = [self._process(way) for way in ways]
        self.leases = (store if kind == "store" else memory)._leases

    def _process(self, backend: Any) -> Process:
        executor = ManualExecutor()
        cache = HealingCache(backend=backend, executor=executor, clock=self.clock)

        @cache(name="source", **TERMS)
        def source(n: int) -> int:
            return self.truth[n]

        return Process(source, executor)


class Expected:
    """What the rules say of one key: who may commit, and what is there."""

    def __init__(self) -> None:
        self.holder: Any = None
        self.quiet_until = -math.inf
        self.entry: tuple[int, float, bool] | None = None  # value, dated, marked stale
        self.newest_write = -math.inf
        self.newest_kind = ""

    def fresh(self, now: float) -> bool:
        return self.entry is not None and not self.entry[2] and now < self.entry[1] + TTL

    def write(self, kind: str, value: int, now: float) -> None:
        self.holder = None
        self.newest_write, self.newest_kind = now, kind
        if kind == "set":
            self.quiet_until = -math.inf
            self.entry = (value, now, False)
        elif kind == "mark_stale" and self.entry is not None:
            self.entry = (*self.entry[:2], True)
        elif kind != "mark_stale":
            self.entry = None

    def commit(self, heal: Any, value: int | None, now: float) -> Outcome:
        if self.holder is not heal:
            return Outcome.REFUSED
        self.holder = None
        self.quiet_until = -math.inf if value is not None else now + 60
        self.entry = None if value is None else (value, heal.lease.granted_at, False)
        return Outcome.HEALED


class Race:
    """One order of one key: each actor is a generator of three steps."""

    def __init__(self, table: Table, n: int, actors: tuple[str, ...], *, stale: bool) -> None:
        self.table, self.n = table, n
        self.expected = Expected()
        if stale:
            table.processes[0].f.set(0, n)
            self.expected.entry = (0, table.clock(), False)
            table.clock.advance(TTL)
        self.heals: list[Any] = []
        self.actors = [
            self.write(actor) if actor in WRITES else self.heal(self.published(process), actor)
            for process, actor in zip(table.processes, actors, strict=True)
        ]

    def published(self, process: Process) -> Any:
        before = self.expected.entry[0] if self.expected.entry else None
        assert process.f(self.n) == before
        self.heals.append(process.executor.pending[-1])
        return self.heals[-1]

    def run(self, order: tuple[int, ...]) -> Counter[Outcome]:
        for who in order:
            if next(self.actors[who]):
                self.check()
            self.table.clock.advance(1)
        for process in self.table.processes:
            for heal in process.executor.pending:  # also what reading published meanwhile
                heal.cut_off()
                process.executor.drop_next()
            published, ended, healing = process.f._oob_heal_core.inflight.ledger()
            assert (published, healing) == (sum(ended.values()), 0)
        return Counter(heal.outcome for heal in self.heals)

    def heal(self, heal: Any, actor: str) -> Iterator[bool]:
        """Takes the lease and reads again; calls; commits. Each step tells if it did anything."""
        expected, now = self.expected, self.table.clock
        if heal.ended:  # before it began: the application set the key itself
            assert (heal.outcome, expected.newest_kind) == (Outcome.HEALED, "set")
        steps = Steps(heal, fail=GoneError() if actor == "drop" else None)
        steps.next()
        if heal.lease is None:
            if heal.outcome is Outcome.REFUSED:
                assert expected.holder is not None or now() < expected.quiet_until
        else:
            assert expected.holder is None, "two leases of one key hold"
            assert now() >= expected.quiet_until
            expected.holder = heal
            steps.next()
            if expected.fresh(now()):
                assert steps.run() is Outcome.SKIPPED
                expected.holder = None
        yield True
        value = None if actor == "drop" else self.table.truth[self.n]
        yield steps.next() == "call"
        under_way = not heal.ended
        if under_way:
            assert steps.run() is expected.commit(heal, value, now())
        yield under_way

    def write(self, kind: str) -> Iterator[bool]:
        """The truth changes; the write; a read."""
        f, n = self.table.processes[0].f, self.n  # where a heal of the key is under way
        self.table.truth[n] = value = 1
        yield False
        {
            "set": lambda: f.set(value, n),
            "invalidate": lambda: f.invalidate(n),
            "mark_stale": lambda: f.mark_stale(n),
            "cache_clear": f.cache_clear,
        }[kind]()
        self.expected.write(kind, value, self.table.clock())
        yield True
        assert f(n) == (self.expected.entry[0] if self.expected.entry else None)
        yield True

    def check(self) -> None:
        expected, now = self.expected, self.table.clock()
        assert len(self.table.leases) == (expected.holder is not None)
        served = self.table.processes[0].f.peek(self.n)
        if served is None or expected.entry is None:
            assert served is expected.entry is None, "what is absent is served, or the reverse"
            return
        value, dated, _ = expected.entry
        assert (served.value, now - served.age) == (value, dated)
        assert served.freshness is (Freshness.FRESH if expected.fresh(now) else Freshness.STALE)
        assert served.value <= self.table.truth[self.n], "it was never true"
        if served.freshness is Freshness.FRESH:
            assert dated >= expected.newest_write, "a heal that began before the write landed"


def race_all(backend: str, actors: tuple[str, ...], *, stale: bool) -> Counter[Outcome]:
    """Every order of these three; how the heals among them ended."""
    table = Table(backend)
    outcomes: Counter[Outcome] = Counter()
    for n, order in enumerate(RUN):
        outcomes += Race(table, n, actors, stale=stale).run(order)
    return outcomes


@pytest.mark.parametrize("kind", WRITES)
@pytest.mark.parametrize("backend", ["memory", "store"])
def test_a_write_during_two_heals_of_a_stale_key_wins_in_every_order(
    backend: str, kind: str
) -> None:  # H07
    outcomes = race_all(backend, ("heal", "heal", kind), stale=True)
    assert outcomes.total() == 2 * len(RUN)
    assert min(outcomes[Outcome.HEALED], outcomes[Outcome.REFUSED]) > SOME


@pytest.mark.parametrize("backend", ["memory", "store"])
def test_invalidating_an_absent_key_under_two_heals_counts_in_every_order(
    backend: str,
) -> None:  # H07
    outcomes = race_all(backend, ("heal", "heal", "invalidate"), stale=False)
    assert min(outcomes[Outcome.HEALED], outcomes[Outcome.REFUSED]) > SOME


@pytest.mark.parametrize("other", ["heal", "set", "invalidate"])
@pytest.mark.parametrize("backend", ["memory", "store"])
def test_a_drop_wins_over_older_heals_and_loses_to_newer_writes_in_every_order(
    backend: str, other: str
) -> None:  # H06, H07
    outcomes = race_all(backend, ("heal", "drop", other), stale=True)
    assert min(outcomes[Outcome.HEALED], outcomes[Outcome.REFUSED]) > SOME
