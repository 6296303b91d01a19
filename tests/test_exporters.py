"""The figures as Prometheus and OpenTelemetry have them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from oob_heal import Breaker, HealingCache, Promise
from oob_heal import Dependency as Limits
from oob_heal._breaker import without_secrets
from oob_heal.export import _series
from oob_heal.export._otel_once import TOGETHER, OneReading
from oob_heal.export.otel import INSTRUMENTS, Telemetry
from oob_heal.export.prometheus import Collector
from oob_heal.figures import CacheFigures, DependencyFigures, ExecutorFigures
from oob_heal.observe import Advice, LogObserver
from oob_heal.testing import ManualClock, ManualExecutor
from tests.conftest import Dependency, World
from tests.test_figures import calling

LABELS = ("function", "executor", "dependency", "answer", "outcome", "state", "le")


class Shown:
    """A cache of which there are only figures."""

    def __init__(self, **figures: Any) -> None:
        self._figures = CacheFigures(**{"functions": (), **figures})

    def figures(self) -> CacheFigures:
        return self._figures


def lived_through(world: World, dependency: Dependency, *observers: Any) -> Any:
    """A function that had a bit of everything: 1 fresh, 2 stale, 3 default, 1 healed, 1 failed."""
    world.cache = HealingCache(
        backend=world.backend.backend,
        executor=world.executor,
        clock=world.clock,
        namespace="test",
        observers=observers,
    )
    f = world.decorate(
        calling(dependency), name="f", default="d", promise=Promise(younger_than=300)
    )
    for _ in range(3):
        world.do(f(1))
    world.clock.advance(2)
    world.executor.run_all()
    world.do(f(1))
    world.clock.advance(100)
    dependency.error = ConnectionError()
    for _ in range(2):
        world.do(f(1))
    world.executor.run_all()
    world.cache.close()
    return f


@pytest.fixture
def lived() -> World:
    world = World("memory", "sync")
    lived_through(world, Dependency())
    return world


def scraped(*caches: Any) -> dict[str, float]:
    """What Prometheus reads, by name and labels, through its own parser."""
    registry = CollectorRegistry()
    registry.register(Collector(*caches))
    families = text_string_to_metric_families(openmetrics(registry).decode())
    return {
        " ".join((sample.name, *(sample.labels[e] for e in LABELS if e in sample.labels))): (
            sample.value
        )
        for family in families
        for sample in family.samples
    }


def test_prometheus_reads_what_the_ledger_says(lived: World) -> None:
    read = scraped(lived.cache)
    expected = {
        "oob_heal_answers_total test:f fresh": 1,
        "oob_heal_answers_total test:f stale": 2,
        "oob_heal_answers_total test:f default": 3,
        "oob_heal_answers_total test:f error": 0,
        "oob_heal_answer_age_seconds_bucket test:f 30.0": 0,
        "oob_heal_answer_age_seconds_bucket test:f 60.0": 1,
        "oob_heal_answer_age_seconds_bucket test:f 300.0": 3,
        "oob_heal_answer_age_seconds_bucket test:f +Inf": 3,
        "oob_heal_heals_total test:f healed": 1,
        "oob_heal_heals_total test:f failed": 1,
        "oob_heal_heals_total test:f lost": 0,
        "oob_heal_heals_under_way test:f": 0,
        "oob_heal_time_to_heal_seconds_sum test:f": 2,
        "oob_heal_time_to_heal_seconds_count test:f": 1,
        "oob_heal_heal_duration_seconds_count test:f": 2,
        "oob_heal_failing_keys test:f": 1,
        "oob_heal_backend_failures_total test:f": 0,
        "oob_heal_backend_failing test:f": 0,
        "oob_heal_promise_kept test:f": 0,
        "oob_heal_promise_young_ratio test:f": 0.5,
        "oob_heal_promise_target_ratio test:f": 0.99,
    }
    assert {name: read.get(name) for name in expected} == expected


def test_the_names_keep_the_conventions_of_prometheus(lived: World) -> None:
    registry = CollectorRegistry()
    registry.register(Collector(lived.cache))
    for family in registry.collect():
        assert re.fullmatch(r"oob_heal_[a-z_]+", family.name)
        assert family.documentation.endswith(".")
        assert family.name.endswith("_seconds") == (family.type == "histogram")
        for sample in family.samples:
            assert set(sample.labels) <= set(LABELS)
            assert family.type != "counter" or sample.name.endswith("_total")
    assert b"oob_heal_answers_total{" in generate_latest(registry)


def test_the_collector_names_its_series_before_there_are_figures() -> None:
    collector = Collector(HealingCache())
    assert [each.name for each in collector.describe()] == [e.name for e in collector.collect()]
    registry = CollectorRegistry()
    registry.register(collector)
    with pytest.raises(ValueError, match="Duplicated"):
        registry.register(Collector(HealingCache()))


def collected(reader: InMemoryMetricReader) -> dict[str, Any]:
    """What OpenTelemetry collects: by name and attributes, the number or the histogram's point."""
    data: Any = reader.get_metrics_data()
    read: dict[str, Any] = {}
    for metric in data.resource_metrics[0].scope_metrics[0].metrics:
        for point in metric.data.data_points:
            name = metric.name + "".join(f" {each}" for each in point.attributes.values())
            read[name] = getattr(point, "value", point)
    return read


def test_opentelemetry_collects_what_the_ledger_says() -> None:
    world, reader = World("memory", "sync"), InMemoryMetricReader()
    telemetry = Telemetry(meter_provider=MeterProvider([reader]))
    lived_through(world, Dependency(), telemetry)
    telemetry.watch(world.cache, Shown(dependencies=(DependencyFigures("db", "open", 3, 4),)))
    read = collected(reader)
    expected = {
        "oob_heal.answers test:f fresh": 1,
        "oob_heal.answers test:f stale": 2,
        "oob_heal.answers test:f default": 3,
        "oob_heal.answers.aged test:f 60": 1,
        "oob_heal.answers.aged test:f 300": 2,
        "oob_heal.heals test:f healed": 1,
        "oob_heal.heals test:f failed": 1,
        "oob_heal.keys.failing test:f": 1,
        "oob_heal.promise.kept test:f": 0,
        "oob_heal.promise.young test:f": 0.5,
        "oob_heal.promise.target test:f": 0.99,
        "oob_heal.dependency.calls db": 3,
        "oob_heal.dependency.calls.limit db": 4,
        "oob_heal.breaker.state db open": 1,
        "oob_heal.breaker.state db closed": 0,
    }
    assert {name: read.get(name) for name in expected} == expected
    assert (read["oob_heal.heal.time_to_heal test:f"].sum) == 2
    healed, failed = (
        read[f"oob_heal.heal.duration test:f {each}"] for each in ("healed", "failed")
    )
    assert (healed.count, failed.count) == (1, 1)


class Read(Shown):
    """And it counts how often they are read, and shows that count."""

    times = 0

    def figures(self) -> CacheFigures:
        self.times += 1
        return CacheFigures((), (), (DependencyFigures("db", "open", self.times, 4),))


def test_a_collection_of_opentelemetry_reads_the_figures_once() -> None:
    reader, other, cache = InMemoryMetricReader(), InMemoryMetricReader(), Read()
    telemetry = Telemetry(meter_provider=MeterProvider([reader, other]))
    telemetry.watch(cache)
    telemetry._reading._clock = ManualClock(0.0)  # however long a collection takes
    for time, collects in enumerate((reader, reader, other, reader), 1):
        assert collected(collects)["oob_heal.dependency.calls db"] == time == cache.times


def test_what_an_instrument_asks_for_late_is_another_collection() -> None:
    clock, cache = ManualClock(0.0), Read()
    reading = OneReading(cache.figures, 3, clock)

    def asked(instrument: str) -> int:
        return reading.of(instrument).dependencies[0].calling

    assert [asked(each) for each in "abab"] == [1, 1, 2, 2]
    clock.advance(TOGETHER)
    assert asked("c") == 3, "what stands for a collection is never older"
    assert [asked(each) for each in "abc"] == [3, 3, 4]


def test_the_names_and_units_keep_the_conventions_of_opentelemetry() -> None:
    for each in INSTRUMENTS:
        assert re.fullmatch(r"oob_heal(\.[a-z_]+)+", each.name)
        assert not each.name.endswith(("_total", "_seconds"))
        assert re.fullmatch(r"1|s|\{[a-z]+\}", each.unit)


def test_an_observer_of_heals_alone_leaves_a_hit_as_it_is() -> None:
    cache = HealingCache(ttl=60, observers=[Telemetry()])
    f = cache(name="f")(calling(Dependency()))
    assert f._oob_heal_core.plain
    assert not HealingCache(ttl=60, observers=[print])(name="g")(f)._oob_heal_core.plain


def test_two_functions_of_one_name_are_one_series(lived: World) -> None:
    read = scraped(lived.cache, lived.cache)
    assert read["oob_heal_answers_total test:f stale"] == 4
    assert read["oob_heal_answer_age_seconds_bucket test:f +Inf"] == 6
    assert read["oob_heal_time_to_heal_seconds_sum test:f"] == 4
    executors = (ExecutorFigures("Pool", {"waiting": 2}),)
    read = scraped(Shown(executors=executors), Shown(executors=executors))
    assert read["oob_heal_executor_heals Pool waiting"] == 4
    calm, half, open_ = (
        DependencyFigures("db", state, 0, 4) for state in ("closed", "half-open", "open")
    )
    for order in ((calm, open_), (open_, calm), (half, open_), (open_, half)):
        read = scraped(*(Shown(dependencies=(each,)) for each in order))
        assert read["oob_heal_breaker_state db open"] == 1
        assert read["oob_heal_dependency_calls_limit db"] == 8


# H20: who decorates in a loop must not flood whoever stores the series.
def test_the_number_of_series_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_series, "AT_MOST", 3)
    cache = HealingCache(ttl=60)
    functions = [cache(name=f"f{n}", default=0)(calling(Dependency())) for n in range(10)]
    for f in functions:
        f.set(1, 1)
        f(1)
    read = scraped(cache)
    names = [name for name in read if name.endswith(" fresh")]
    assert sorted(names) == [
        "oob_heal_answers_total (others) fresh",
        *(f"oob_heal_answers_total f{n} fresh" for n in range(3)),
    ]
    assert sum(read[name] for name in names) == 10


# H36
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("stock", "stock"),
        ("shop:price@2", "shop:price@2"),
        ("https://stock.example/a", "https://stock.example/a"),
        ("https://me:hunter2@stock.example/a", "https://stock.example/a"),
        ("https://me:hun/ter2@stock.example/a", "https://stock.example/a"),
        ("https://me:hun@ter2@stock.example/a", "https://stock.example/a"),
        ("https://me:hun?#ter2@stock.example/a", "https://stock.example/a"),
        ("https://stock.example/a?token=hunter2", "https://stock.example/a"),
        ("https://stock.example/a#token=hunter2\nhunter2", "https://stock.example/a"),
        ("redis://:hunter2@stock.example:6379/0", "redis://stock.example:6379/0"),
    ],
)
def test_a_name_that_is_a_url_shows_no_secret(
    name: str, shown: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert without_secrets(name) == shown
    LogObserver()(Advice(name, "something"))
    said = [each for each in caplog.messages if each.endswith(": something")]  # others may speak
    assert said == [f"{shown}: something"]
    assert "hunter2" not in caplog.text
    assert repr(Limits(name)).startswith(f"Dependency('{shown}', concurrency=16, breaker=Breaker(")
    cache = HealingCache(ttl=60)
    keep = cache(dependency=Limits(name))(calling(Dependency()))
    with pytest.raises(TypeError, match="says two things of") as caught:
        cache(dependency=Limits(name, concurrency=1))(calling(Dependency()))
    assert repr(shown) in str(caught.value)
    assert keep


# H36
def test_an_open_breaker_shows_in_figures_metrics_and_health_and_no_password_does(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[Any] = []
    executor, clock = ManualExecutor(), ManualClock()
    cache = HealingCache(
        ttl=60,
        executor=executor,
        clock=clock,
        observers=[heard.append],
        dependency=Limits("https://me:hunter2@db.example/", breaker=Breaker(failures=2)),
        promise=Promise(younger_than=60),
    )
    dependency = Dependency()
    dependency.error = ConnectionError()
    f = cache(name="f", default=0)(calling(dependency))
    assert [each.breaker for each in cache.figures().dependencies] == ["closed"]
    for n in range(3):
        f(n)
    executor.run_all()
    (shown,) = cache.figures().dependencies
    assert (shown.dependency, shown.breaker) == ("https://db.example/", "open")
    read = scraped(cache)
    assert read["oob_heal_breaker_state https://db.example/ open"] == 1
    assert read["oob_heal_breaker_state https://db.example/ closed"] == 0
    assert "the breaker of its dependency is open" in cache.health().not_kept[0].because
    cache.close()
    assert any(type(each).__name__ == "BreakerMoved" for each in heard)
    assert "hunter2" not in f"{heard} {caplog.messages} {read} {cache.figures()} {cache.health()}"
