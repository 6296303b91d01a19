"""The canary of ``test_secrets``, looked for in all that is shown of a cache (H36)."""

from __future__ import annotations

import dataclasses

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest

from oob_heal import CacheMissError, Reason
from oob_heal.export.otel import Telemetry
from oob_heal.export.prometheus import Collector
from oob_heal.http import headers
from tests.conftest import World
from tests.test_secrets import CANARY, Told, exercised


def test_a_canary_shows_in_no_metric_span_header_or_health(world: World) -> None:
    told, reader, exporter = Told(), InMemoryMetricReader(), InMemorySpanExporter()
    tracing = TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    telemetry = Telemetry(meter_provider=MeterProvider([reader]), tracer_provider=tracing)
    with tracing.get_tracer("tests").start_as_current_span("request"):
        f = exercised(world, told, telemetry)
    telemetry.watch(world.cache)
    registry = CollectorRegistry()
    registry.register(Collector(world.cache))
    strict = world.functions[-1]
    told(generate_latest(registry).decode(), reader.get_metrics_data())
    told(*(span.to_json() for span in exporter.get_finished_spans()))
    told(world.cache.figures(), world.cache.health(), dataclasses.asdict(world.cache.health()))
    told(f.cache_info(), strict.cache_info(), headers(world.do(f.lookup(CANARY))))
    told(headers(CacheMissError(f._oob_heal_core.label, Reason.ABSENT)))
    assert len(exporter.get_finished_spans()) > 5
    assert any("error.type" in each for each in told)
    assert any("not heal, most often because of" in each for each in told)
    assert [each for each in told if CANARY in each] == []
