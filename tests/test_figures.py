"""The figures agree with what callers saw, and with the ledger."""

from __future__ import annotations

import concurrent.futures
from collections import Counter
from typing import Any

import pytest

from oob_heal import CacheMissError, HealingCache
from oob_heal._tally import AGE_BOUNDS
from oob_heal.executors.queue import QueueExecutor
from oob_heal.executors.threads import ThreadExecutor
from oob_heal.figures import Buckets, FunctionFigures
from tests.conftest import Dependency, World
from tests.waiting import Gate, in_threads, wait_until


def figures_of(world: World, function: Any) -> FunctionFigures:
    label = function._oob_heal_core.label
    (found,) = [each for each in world.cache.figures().functions if each.function == label]
    return found


def filled(buckets: Buckets) -> list[tuple[float, int]]:
    """The buckets that are not empty, by their upper bounds."""
    bounds = (*buckets.bounds, float("inf"))
    return [(bound, n) for bound, n in zip(bounds, buckets.counts, strict=True) if n]


def calling(dependency: Any) -> Any:
    def source(n: int) -> Any:
        return dependency(n)

    return source


class Client:
    """Asks, and keeps books of its own."""

    def __init__(self, world: World, function: Any) -> None:
        self.world, self.function = world, function
        self.kinds: Counter[str] = Counter()
        self.ages: list[float] = []

    def ask(self, n: int, *, plainly: bool) -> None:
        served = self.world.do(self.function.peek(n)) if plainly else None
        ask = self.function if plainly else self.function.lookup
        try:
            answer = self.world.do(ask(n))
        except CacheMissError:
            self.kinds["error"] += 1
            return
        served = served if plainly else answer
        if served is None or served.is_default:
            self.kinds["default"] += 1
        else:
            self.kinds[served.freshness.value] += 1
            self.ages.append(served.age)

    def agrees_with(self, figures: FunctionFigures, ttl: float) -> None:
        assert {kind: count for kind, count in figures.answers.items() if count} == self.kinds
        assert figures.ages.count == len(self.ages)
        for bound, count in figures.ages.up_to:
            really = sum(age <= bound for age in self.ages)
            assert count == really if bound >= ttl else count <= really, bound


@pytest.mark.parametrize("default", [{"default": "d"}, {}], ids=["default", "strict"])
def test_the_figures_are_what_a_client_counted_through_an_outage(
    world: World, dependency: Dependency, default: dict[str, Any]
) -> None:
    f = world.decorate(calling(dependency), name="f", ttl=60, max_stale=2_000, **default)
    client = Client(world, f)
    for step in range(120):
        dependency.error = ConnectionError() if 20 <= step < 100 else None
        world.clock.advance(7.03 + 3 * (step % 20))
        for n in range(3):
            client.ask(n, plainly=step % 3 == n)
        world.executor.run_all()
    assert set(client.kinds) == {"fresh", "stale", "default" if default else "error"}
    assert max(client.ages) > 900
    figures = figures_of(world, f)
    client.agrees_with(figures, 60)
    info = f.cache_info()
    assert figures.heals["healed"] == info.healed
    assert figures.heals["failed"] == info.failed > 0
    assert figures.answers["fresh"] == info.hits
    assert figures.time_to_heal.count == info.healed
    assert figures.heal_duration.count == info.healed + info.failed


def test_a_stale_answer_counts_under_the_first_bound_that_it_is_younger_than(world: World) -> None:
    f = world.decorate(lambda n: n, name="f", ttl=1)
    world.do(f.set(1, 1))
    for step in (1, 3.999, 0.001, 295, 604_000):  # ages 1, 4.999, 5, 300, 604_300
        world.clock.advance(step)
        world.do(f(1))
    assert filled(figures_of(world, f).ages) == [(2, 1), (5, 1), (15, 1), (900, 1), (604_800, 1)]


def test_threads_that_are_answered_at_once_are_all_counted() -> None:
    world = World("memory", "sync")
    f = world.decorate(calling(Dependency()), name="f", ttl=60, default=None)
    f.set("v", 1)
    world.clock.advance(100)
    in_threads(8, lambda number: [f(number % 2) for _ in range(1_000)])
    figures = figures_of(world, f)
    assert figures.answers == {"fresh": 0, "stale": 4_000, "default": 4_000, "error": 0}
    assert filled(figures.ages) == [(300, 4_000)]


def test_stale_answers_are_added_up_while_nobody_settles_them(world: World) -> None:
    f = world.decorate(calling(lambda n: "v"), default=None)
    tally, lock = f._oob_heal_core.tally, f._oob_heal_core.inflight.lock
    held: list[bool] = []

    class Watched(list[int]):
        def __iter__(self) -> Any:
            held.append(lock.locked())
            return super().__iter__()

    tally.stale_by_age = Watched(tally.stale_by_age)
    f.cache_info()
    figures_of(world, f)
    assert held
    assert all(held[:2])  # what follows gives each its age, and adds nothing up


def test_no_answer_shows_younger_than_it_was_where_keys_are_of_different_ages() -> None:
    """While their heals are under way, a table may answer for them by itself."""
    world = World("memory", "sync")
    world.cache = HealingCache(executor=world.executor, clock=world.clock, namespace="test")
    f = world.decorate(calling(Dependency()), name="f", ttl=1)
    client = Client(world, f)
    for n, step in enumerate((1_000, 100, 10, 3)):
        f.set("v", n)
        world.clock.advance(step)
    for _ in range(5):
        for n in (0, 3, 1, 2, 0, 3):
            client.ask(n, plainly=True)
            world.clock.advance(0.2)
    figures = figures_of(world, f)
    assert figures.ages.count == len(client.ages) == 30
    for bound, count in figures.ages.up_to:
        assert count <= sum(age < bound for age in client.ages), bound


@pytest.mark.parametrize(("ttl", "bound"), [(60, 60), (61, 300), (10**6, float("inf"))])
def test_a_fresh_answer_counts_under_the_smallest_bound_not_below_the_ttl(
    world: World, ttl: float, bound: float
) -> None:
    f = world.decorate(lambda n: n, name="f", ttl=ttl)
    world.do(f.set(1, 1))
    world.do(f(1))
    assert filled(figures_of(world, f).ages) == [(bound, 1)]


def test_what_cannot_be_read_is_answered_by_a_default_or_an_error(world: World) -> None:
    f, strict = (
        world.decorate(calling(Dependency()), name="f", default=0),
        world.decorate(calling(Dependency()), name="strict"),
    )
    world.backend.fail("get")
    world.do(f(1))
    with pytest.raises(CacheMissError):
        world.do(strict(1))
    world.backend.recover()
    mild, hard = figures_of(world, f), figures_of(world, strict)
    assert (mild.answers["default"], mild.answers["error"]) == (1, 0)
    assert (hard.answers["default"], hard.answers["error"]) == (0, 1)
    assert (mild.backend_failures, mild.backend_failing) == (1, True)
    world.clock.advance(10)
    assert not figures_of(world, f).backend_failing


def test_a_default_factory_that_raises_gave_an_error(world: World) -> None:
    def factory() -> str:
        raise ZeroDivisionError

    f = world.decorate(calling(Dependency()), name="f", default_factory=factory)
    with pytest.raises(ZeroDivisionError):
        world.do(f(1))
    answers = figures_of(world, f).answers
    assert answers == {"fresh": 0, "stale": 0, "default": 0, "error": 1}


def test_a_value_that_cannot_be_copied_was_not_served(world: World) -> None:
    def copy(value: Any) -> Any:
        if broken:
            raise TypeError
        return value

    broken: list[int] = []
    f = world.decorate(calling(Dependency()), name="f", default_factory=lambda: "d", copy=copy)
    world.do(f.set("v", 1))
    broken.append(1)
    for age in (0, 100):
        world.clock.advance(age)
        assert world.do(f(1)) == "d"
    answers = figures_of(world, f).answers
    assert answers == {"fresh": 0, "stale": 0, "default": 2, "error": 0}


def test_the_time_to_heal_counts_from_the_miss_and_the_duration_from_the_lease(
    world: World,
) -> None:
    def slow(n: int) -> str:
        world.clock.advance(2)
        if n:
            raise ConnectionError
        return "v"

    f = world.decorate(slow, default=None)
    for n in range(2):
        world.do(f(n))
    world.clock.advance(7)
    world.executor.run_all()
    figures = figures_of(world, f)
    assert (figures.time_to_heal.count, figures.time_to_heal.total) == (1, 9)
    assert (figures.heal_duration.count, figures.heal_duration.total) == (2, 4)
    assert filled(figures.time_to_heal) == [(10, 1)]
    assert figures.failing == 1


def test_a_heal_that_did_not_run_here_is_in_no_histogram(world: World) -> None:
    f = world.decorate(calling(Dependency()), name="f", default=None)
    world.executor.reject(ValueError())
    world.do(f(1))
    world.executor.reject(None)
    for n in (2, 3):
        world.do(f(n))
    world.executor.pending[1].cut_off()
    world.do(f.set("v", 2))
    world.executor.run_all()
    figures = figures_of(world, f)
    assert [figures.heals[each] for each in ("dropped", "lost", "healed")] == [1, 1, 1]
    assert figures.heal_duration.count == figures.time_to_heal.count == 0


def test_the_worker_of_a_queue_times_the_heal_and_the_publisher_does_not(shared: World) -> None:
    messages: list[bytes] = []
    executor = QueueExecutor(messages.append, look_after=0.01)
    f = shared.decorate(calling(Dependency()), name="f", default=None, executor=executor)
    worker = shared.another_process()
    worker.decorate(calling(Dependency()), name="f", default=None)
    shared.do(f(1))
    wait_until(lambda: messages)
    shared.clock.advance(4)
    shared.do(worker.cache.aheal_message(messages[0]))
    wait_until(lambda: f.cache_info().healed)
    (there,) = worker.cache.figures().functions
    assert (there.time_to_heal.count, there.time_to_heal.total) == (1, 4)
    here = figures_of(shared, f)
    assert (here.heals["healed"], here.time_to_heal.count) == (1, 0)
    executor.close(1)


def test_the_executors_say_how_many_heals_wait_and_run() -> None:
    gate, cache = Gate(), HealingCache(ttl=60)
    mine, pool = ThreadExecutor(threads=2), concurrent.futures.ThreadPoolExecutor(1)
    for number, executor in enumerate((mine, mine, pool)):
        f = cache(name=f"f{number}", default=None, executor=executor)(calling(gate))
        for n in range(3):
            f(n)
    gate.wait_for_calls(3)
    said = {each.executor: each.heals for each in cache.figures().executors}
    assert said == {
        "ThreadExecutor": {"waiting": 4, "running": 2, "hung": 0},
        "ThreadPoolExecutor": {"waiting": 2},
    }
    gate.opened.set()
    mine.close(5)
    pool.shutdown()


def test_an_executor_that_talks_nonsense_is_not_listened_to() -> None:
    class Talker:
        def submit(self, heal: Any) -> None: ...

        def figures(self) -> Any:
            return {"waiting": "secret", "running": True, "hung": 3, "secret": 7}

    class Liar(Talker):
        def figures(self) -> Any:
            raise OSError("secret")

    cache = HealingCache(ttl=60)
    functions = [cache(name=kind.__name__, executor=kind())(lambda n: n) for kind in (Talker, Liar)]
    (said,) = cache.figures().executors
    assert (said.executor, said.heals) == ("Talker", {"hung": 3})
    assert functions


def test_histograms_add_up_if_their_bounds_are_the_same() -> None:
    one, two = Buckets((1.0,), (1, 2), 3.0), Buckets((1.0,), (3, 4), None)
    assert one + one == Buckets((1.0,), (2, 4), 6.0)
    assert (one + two).total is None
    with pytest.raises(ValueError, match="different bounds"):
        one + Buckets((2.0,), (0, 0), 0.0)


def test_the_bounds_are_those_that_the_docs_name() -> None:
    assert AGE_BOUNDS[-8:] == (30, 60, 300, 900, 3600, 4 * 3600, 86_400, 7 * 86_400)
