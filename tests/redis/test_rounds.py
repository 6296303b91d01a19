"""The rounds over a cluster, some of whose servers swallow everything, by a clock moved by hand."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from oob_heal.backends import _redis_known, _redis_rounds
from oob_heal.backends._redis_known import Epoch, epoch_key
from oob_heal.backends._redis_link import Link
from oob_heal.backends._redis_pool import Pool
from oob_heal.backends._redis_rounds import BELIEVED, CONNECT, REFRESH, Rounds
from oob_heal.backends._redis_source import slot_of
from oob_heal.testing import ManualClock
from tests.redis.test_backend import SCOPE

WELL = "well"
EPOCH = 1_000_000
HOLES = 8


class Cluster:
    """In place of ``Source``. ``takes``: s to connect to a server; a hole never answers, and
    ``before_hole()`` is called when one is tried."""

    is_cluster = True

    def __init__(self, clock: ManualClock, takes: dict[str, float]) -> None:
        self.clock = clock
        self.takes = takes
        self.epoch = EPOCH
        self.before_hole: Callable[[], None] = lambda: None
        self.looked: list[float] = []  # when the well server was asked for the epoch

    def open(self) -> None:
        """There is nothing to make."""

    def connect(self, name: str, timeout: float) -> Link:
        if name != WELL:
            self.before_hole()
        self.clock.advance(self.takes[name])
        if name != WELL:
            raise TimeoutError(f"nothing within {timeout} s")
        return Wire(self)


class Wire(Link):
    """A link to the well server, which answers at once."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(sock=None)  # type: ignore[arg-type]
        self.cluster = cluster

    def ask(self, command: bytes, until: float, count: int = 1) -> list[Any]:
        now = self.cluster.clock()
        if count > 1:
            self.cluster.looked.append(now)
        return [[b"%d" % now, b"0"], *[b"%d" % self.cluster.epoch] * (count - 1)]

    def close(self) -> None:
        """There is no socket."""


class News:
    """In place of ``Waiting``: when those who wait were told to look."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.told: list[float] = []

    def wake(self) -> None:
        self.told.append(self.clock())


class ByHand(Rounds):
    """Rounds that a test makes, of servers in this order."""

    def __init__(self, cluster: Any) -> None:
        self.source = cluster
        self.deadline, self.most, self.keep_epochs = 0.05, 4, 3_600.0
        self.lock, self.listeners = threading.Lock(), weakref.WeakSet()
        self.start_afresh()
        self.pools = {name: Pool(self.ring, self.most) for name in cluster.takes}
        self.slots = {slot_of(epoch_key(SCOPE)): WELL}
        self.epochs[SCOPE] = Epoch(EPOCH, cluster.clock())
        self.news: Any = News(cluster.clock)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    made = ManualClock()
    for module in (_redis_known, _redis_rounds):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=made))
    return made


def among_holes(clock: ManualClock, takes: float) -> Cluster:
    """Of a well server in the middle of many that swallow everything, each for so long."""
    names = [f"hole {n}" for n in range(HOLES)]
    names.insert(HOLES // 2, WELL)
    return Cluster(clock, dict.fromkeys(names, takes) | {WELL: 0.0})


# H07 H18: at a visit each in turn it took as long as all the holes together.
@pytest.mark.parametrize("takes", [CONNECT, REFRESH, 0.2])
def test_a_well_server_is_visited_in_time_however_many_others_swallow_everything(
    clock: ManualClock, takes: float
) -> None:
    cluster = among_holes(clock, takes)
    rounds = ByHand(cluster)
    for _ in range(5):
        clock.advance(rounds.round())
    gaps = [b - a for a, b in zip(cluster.looked, cluster.looked[1:], strict=False)]
    assert max(gaps) < REFRESH + takes


def test_a_clear_on_a_well_server_is_heard_while_others_swallow_everything(
    clock: ManualClock,
) -> None:  # H07
    cluster = among_holes(clock, CONNECT)
    rounds = ByHand(cluster)
    rounds.round()
    unheard: list[int] = []

    def clear() -> None:
        unheard.append(cluster.epoch - rounds.epochs[SCOPE].number)  # type: ignore[union-attr]
        cluster.epoch += 1

    cluster.before_hole = clear
    rounds.round()
    assert unheard == [0] * HOLES, "each clear, before the next hole was tried"


def test_belief_in_a_well_server_never_lapses_while_others_swallow_everything(
    clock: ManualClock,
) -> None:  # H18
    cluster = among_holes(clock, CONNECT)
    rounds = ByHand(cluster)
    rounds.round()
    left: list[float] = []
    cluster.before_hole = lambda: left.append(rounds.pools[WELL].good_until - clock())
    for _ in range(5):
        clock.advance(rounds.round())
    assert min(left) > CONNECT


# H18: they have a deadline, which no hole heeds.
def test_who_waits_for_a_well_server_is_told_before_another_is_visited(clock: ManualClock) -> None:
    cluster = among_holes(clock, CONNECT)
    rounds = ByHand(cluster)
    rounds.round()
    assert set(cluster.looked) <= set(rounds.news.told)


# H07: a clear may follow the reply at once, and is written over ENDED s later.
def test_what_was_heard_is_believed_from_before_it_was_asked_for(clock: ManualClock) -> None:
    cluster = Cluster(clock, {WELL: 0.9})
    rounds = ByHand(cluster)
    rounds.round()
    (asked,) = cluster.looked
    assert clock() == asked + 0.9, "it went on to connect for those who wait"
    assert clock() < rounds.pools[WELL].good_until <= asked + BELIEVED
