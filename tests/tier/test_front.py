"""Memory in front of a shared store: what it saves, and what it never serves."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from oob_heal import BackendError, CacheMissError, Freshness, HealingCache, Outcome, Reason
from oob_heal._envelope import seal, unseal
from oob_heal.backends.memory import MemoryBackend
from oob_heal.backends.tiered import TieredBackend
from oob_heal.codecs import JsonCodec
from oob_heal.observe import BackendFailed
from oob_heal.testing import ManualClock, ManualExecutor, SharedStore
from tests.tier.told import TellingBackend, ToldStore

LIFE = 5.0  # s of front_life
TTL = 60.0


class Process:
    """One process: a front, a cache, a decorated function; its heals are run by hand."""

    def __init__(
        self, store: ToldStore, colour: str, observers: tuple[Any, ...] = (), **options: Any
    ) -> None:
        self.clock = ManualClock(5_000.0)  # its own, monotonic: not the store's
        self.shared: TellingBackend = store.backend()
        self.tier = TieredBackend(self.shared, clock=self.clock, **{"front_life": LIFE, **options})
        self.executor = ManualExecutor()
        self.cache = HealingCache(
            backend=self.tier,
            executor=self.executor,
            clock=self.clock,
            codec=JsonCodec(),
            observers=observers,
        )
        self.source: Any = "from the source"

        @self.cache(ttl=TTL, max_stale=600, jitter=0, default="default", name="f")
        def plain(n: int) -> Any:
            return self.source

        @self.cache(ttl=TTL, max_stale=600, jitter=0, default="default", name="f", version=1)
        async def coloured(n: int) -> Any:
            return self.source

        self.f: Any = plain if colour == "sync" else coloured

    def __call__(self, n: int = 1) -> Any:
        return self.do(self.f(n))

    def do(self, result: Any) -> Any:
        return asyncio.run(result) if inspect.iscoroutine(result) else result

    def write(self, verb: str, value: Any = None, n: int = 1) -> None:
        self.do(
            {
                "set": lambda: self.f.set(value, n),
                "delete": lambda: self.f.invalidate(n),
                "mark_stale": lambda: self.f.mark_stale(n),
                "clear": self.f.cache_clear,
            }[verb]()
        )

    def heal(self, value: Any, n: int = 1) -> Outcome:
        self.source = value
        assert self.f.heal(n)
        return self.executor.run_next()

    def freshness(self, n: int = 1) -> Freshness:
        found: Freshness = self.do(self.f.lookup(n)).freshness
        return found


class Fleet:
    """A store, and two processes with fronts of their own."""

    def __init__(self, colour: str) -> None:
        self.store = ToldStore()
        self.colour = colour
        self.here, self.there = (Process(self.store, colour) for _ in range(2))

    def pass_time(self, seconds: float) -> None:
        for clock in (self.store.clock, self.here.clock, self.there.clock):
            clock.advance(seconds)


@pytest.fixture(params=["sync", "async"])
def fleet(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    made = Fleet(request.param)
    yield made
    for process in (made.here, made.there):
        published, ended, healing = process.f._oob_heal_core.inflight.ledger()
        assert published == sum(ended.values()) + healing
        process.tier.close()


def test_a_hit_asks_the_shared_tier_once_in_front_life(fleet: Fleet) -> None:
    fleet.there.write("set", "a")
    assert [fleet.here() for _ in range(100)] == ["a"] * 100
    assert fleet.here.shared.reads == 1
    fleet.pass_time(LIFE - 0.001)
    fleet.here()
    assert fleet.here.shared.reads == 1
    fleet.pass_time(0.001)
    assert [fleet.here() for _ in range(100)] == ["a"] * 100
    assert fleet.here.shared.reads == 2, "past front_life it is held against the shared tier once"


@pytest.mark.parametrize("silent", [False, True], ids=["heard", "lost"])
@pytest.mark.parametrize("verb", ["set", "delete", "mark_stale", "clear", "commit"])
def test_a_write_is_known_here_at_once_and_elsewhere_when_heard_or_after_front_life(
    fleet: Fleet, verb: str, silent: bool
) -> None:
    fleet.here.write("set", "old")
    assert (fleet.here(), fleet.there()) == ("old", "old")
    fleet.store.silent = silent
    if verb == "commit":
        fleet.pass_time(0.5)
        assert fleet.here.heal("new") is Outcome.HEALED
    else:
        fleet.here.write(verb, "new")
    expected = {"set": "new", "commit": "new", "mark_stale": "old"}.get(verb, "default")
    state = Freshness.STALE if verb == "mark_stale" else Freshness.FRESH
    for process in (fleet.here, fleet.there):
        if process is fleet.there and silent:
            assert process() == "old"
            fleet.pass_time(LIFE)
        assert process() == expected
        if expected != "default":
            assert process.freshness() is state


def written_anew(store: ToldStore, name: str) -> bytes:
    """The bytes of another entry of the same value."""
    sealed = unseal(name, store.get(name))
    assert sealed is not None
    return seal(name, sealed._replace(spread=(sealed.spread + 0.5) % 1))


# H07: the news of a write overtakes the reply of the read that began before it.
@pytest.mark.parametrize("verb", ["set", "delete", "mark_stale", "clear", "commit"])
@pytest.mark.parametrize("where", ["here", "there"])
def test_what_was_read_before_a_write_is_not_held_after_it(
    fleet: Fleet, verb: str, where: str
) -> None:
    fleet.there.write("set", "old")
    writer: Process = getattr(fleet, where)
    reader = fleet.here

    def write() -> None:
        if verb == "commit":
            writer.source = "new"
            key = writer.f.cache_key(1)
            name = reader.f._oob_heal_core.shelf._name(key)
            lease = writer.tier.acquire(name, 10)
            assert writer.tier.commit(lease, written_anew(fleet.store, name), 600)
        elif fleet.colour == "sync":
            writer.write(verb, "new")
        else:  # inside the reader's own loop
            name = reader.f._oob_heal_core.shelf._name(reader.f.cache_key(1))
            scope = reader.f._oob_heal_core.shelf._scope_name
            rest = (written_anew(fleet.store, name), 600) if verb == "set" else ()
            getattr(writer.tier, verb)(scope if verb == "clear" else name, *rest)

    reader.shared.before_reply = write
    assert reader() == "old", "it was true when the read began"
    reads = reader.shared.reads
    reader()
    assert reader.shared.reads == reads + 1, "what the read brought was held, though it is over"


def test_a_stale_front_asks_the_shared_tier_before_anything_is_healed(fleet: Fleet) -> None:
    fleet.here.write("set", "old")
    fleet.here()
    fleet.pass_time(TTL)
    fleet.store.silent = True
    assert fleet.here() == "old"
    heal = fleet.here.executor.step_next()
    assert fleet.there.heal("new") is Outcome.HEALED
    fleet.here.source = "must not be called"
    assert heal.run() is Outcome.SKIPPED
    assert fleet.here() == "new", "and what the heal found there is in front from now on"


def test_while_the_shared_tier_is_away_the_front_serves_by_age_and_nothing_heals(
    fleet: Fleet,
) -> None:  # H18
    fleet.here.write("set", "a")
    fleet.here()
    fleet.store.down = True
    fleet.pass_time(LIFE)
    assert (fleet.here(), fleet.here.freshness()) == ("a", Freshness.FRESH)
    assert not fleet.here.executor.pending
    fleet.pass_time(TTL)
    assert (fleet.here(), fleet.here.freshness()) == ("a", Freshness.STALE)
    fleet.here.source = "must not be called"
    assert fleet.here.executor.run_next() is Outcome.FAILED
    fleet.pass_time(600 - LIFE - 0.001)
    assert fleet.here.freshness() is Freshness.STALE
    fleet.pass_time(0.001)
    assert fleet.here() == "default", "the hard limit holds there too"  # H09
    assert fleet.here(2) == "default", "what it never held it has not"


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_read_in_whose_place_the_front_answered_is_told_as_a_failure(colour: str) -> None:  # H18
    told: list[Any] = []
    store = ToldStore()
    here = Process(store, colour, observers=(told.append,))
    here.write("set", "a")
    here()
    store.down = True
    here.clock.advance(LIFE)
    assert here() == "a"
    here.cache.close()
    failures = [each for each in told if isinstance(each, BackendFailed)]
    assert [(each.verb, each.error) for each in failures] == [("get", "ConnectionError")]


def test_what_is_written_while_the_shared_tier_is_away_is_not_served_as_before(
    fleet: Fleet,
) -> None:
    fleet.here.write("set", "a")
    fleet.here()
    fleet.store.down = True
    with pytest.raises(BackendError):
        fleet.here.write("delete")
    assert fleet.here() == "default", "the application said that it is gone"


def test_ages_are_the_stores_whatever_the_clock_here_says(fleet: Fleet) -> None:  # H11
    fleet.here.write("set", "a")
    fleet.store.clock.advance(TTL - 1)
    assert fleet.there.freshness() is Freshness.FRESH
    fleet.store.clock.advance(1)
    assert fleet.there.freshness() is Freshness.STALE, "its front is young, and the entry is not"


def test_when_news_may_have_been_missed_every_entry_is_looked_at_again(fleet: Fleet) -> None:
    fleet.here.write("set", "old")
    fleet.there()
    fleet.store.silent = True
    fleet.here.write("set", "new")
    assert fleet.there() == "old"
    (scope,) = fleet.there.tier._news.scopes
    fleet.there.tier.near.hear("missed", scope)
    assert fleet.there() == "new"


@pytest.mark.parametrize("when", ["after the read", "during the read"])
@pytest.mark.parametrize("verb", ["set", "mark_stale", "commit"])
def test_late_news_of_a_write_leave_what_was_read_after_it(
    fleet: Fleet, verb: str, when: str
) -> None:
    here, there, store = fleet.here, fleet.there, fleet.store
    here.write("set", "old")
    store.late = True
    if verb == "commit":
        fleet.pass_time(0.5)
        assert here.heal("new") is Outcome.HEALED
    else:
        here.write(verb, "new")
    if when == "during the read":
        here.shared.before_reply = there.shared.before_reply = store.deliver
    expected = "old" if verb == "mark_stale" else "new"
    assert [here(), there()] == [expected] * 2
    store.deliver()
    looked = [here.shared.reads, there.shared.reads]
    assert [here(), there()] == [expected] * 2
    assert [here.shared.reads, there.shared.reads] == looked, "a writer's own news empty its front"
    store.late = False
    there.write("set", "newest")
    assert [here(), there()] == ["newest"] * 2


def test_a_front_is_bounded_and_what_was_looked_at_longest_ago_goes_first(
    fleet: Fleet,
) -> None:  # H20
    small = Process(fleet.store, fleet.colour, maxsize=3)
    for n in range(10):
        small.write("set", f"value {n}", n)
        assert small(n) == f"value {n}"
    assert len(small.tier.near) == 3
    assert sum(map(len, small.tier.near._names.values())) == 3
    reads = small.shared.reads
    assert [small(n) for n in (7, 8, 9)] == ["value 7", "value 8", "value 9"]
    assert small.shared.reads == reads
    small.write("clear")
    assert (len(small.tier.near), small.tier.near._names) == (0, {})


def test_no_look_is_remembered_when_it_is_over(fleet: Fleet) -> None:
    fleet.here.write("set", "a")
    fleet.here()
    fleet.store.down = True
    fleet.here(2)
    assert fleet.here.tier.near._looks == set()


def test_functions_of_one_tier_do_not_mix(fleet: Fleet) -> None:
    other = fleet.here.cache(ttl=TTL, default="other's", name="g")(lambda n: 1)
    fleet.here.write("set", "a")
    assert fleet.here() == "a"
    assert other(1) == "other's"
    other.cache_clear()
    reads = fleet.here.shared.reads
    assert fleet.here() == "a"
    assert fleet.here.shared.reads == reads


def test_a_child_looks_at_everything_again(fleet: Fleet) -> None:  # H22
    fleet.here.write("set", "a")
    fleet.here()
    near = fleet.here.tier.near
    near.after_fork(consistent=True)
    reads = fleet.here.shared.reads
    assert fleet.here() == "a"
    assert fleet.here.shared.reads == reads + 1
    near.after_fork(consistent=False)
    assert len(near) == 0


def test_without_default_nothing_in_front_is_an_error_that_says_why(fleet: Fleet) -> None:
    fleet.store.down = True
    bare = fleet.here.cache(ttl=TTL, name="bare")(lambda n: 1)
    with pytest.raises(CacheMissError) as told:
        bare(1)
    assert told.value.reason is Reason.UNAVAILABLE


def test_what_cannot_be_in_the_back_is_refused_by_its_name() -> None:
    good = SharedStore().backend()
    for shared in (MemoryBackend(), {}, SharedStore, TieredBackend(good), good.aio):
        with pytest.raises(TypeError, match=r"^shared "):
            TieredBackend(shared)
    for options in ({"front_life": 0}, {"front_life": float("inf")}, {"maxsize": 0}):
        with pytest.raises(ValueError, match=next(iter(options))):
            TieredBackend(good, **options)  # type: ignore[arg-type]


def test_a_backend_without_news_is_looked_at_every_front_life() -> None:
    store = SharedStore()
    clock = ManualClock()
    tier = TieredBackend(store.backend(), front_life=LIFE, clock=clock)
    cache = HealingCache(backend=tier, executor=ManualExecutor(), clock=clock)

    @cache(ttl=TTL, default="default", name="quiet")
    def f(n: int) -> str:
        return "v"

    f.set("a", 1)
    assert f(1) == "a"
    there = HealingCache(backend=store.backend(), executor=ManualExecutor())
    there(ttl=TTL, name="quiet")(f.__wrapped__).set("b", 1)
    assert f(1) == "a"
    clock.advance(LIFE)
    assert f(1) == "b"
    del tier
    gc.collect()
