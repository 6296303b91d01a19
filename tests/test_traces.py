"""A heal is a trace of its own, linked to the request that missed; who traces hurts nobody."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from oob_heal import HealingCache
from oob_heal.codecs.json import JsonCodec
from oob_heal.executors.queue import QueueExecutor
from oob_heal.export.otel import Telemetry
from tests.conftest import Dependency, World
from tests.test_figures import calling
from tests.waiting import LIMIT, wait_until


class Traced:
    """A tracer provider, what it exported, and a cache that is observed by it."""

    def __init__(self, world: World, **parts: Any) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = provider.get_tracer("tests")
        self.world = world
        world.cache = HealingCache(
            **{"backend": world.backend, "executor": world.executor, **parts},
            clock=world.clock,
            namespace="test",
            observers=[Telemetry(tracer_provider=provider)],
            codec=JsonCodec(),
        )

    def request(self, f: Any, *args: Any) -> trace.SpanContext:
        with self.tracer.start_as_current_span("request") as span:
            self.world.do(f(*args))
        return span.get_span_context()

    def spans(self, name: str) -> list[ReadableSpan]:
        self.world.cache._parts.hub.flush(LIMIT)
        return [each for each in self.exporter.get_finished_spans() if each.name == name]


def test_the_heal_is_a_trace_of_its_own_linked_to_the_request_that_missed(world: World) -> None:
    traced = Traced(world)
    inside: list[trace.SpanContext] = []

    def source(n: int) -> str:
        inside.append(trace.get_current_span().get_span_context())
        with traced.tracer.start_as_current_span("query"):
            return "v"

    f = world.decorate(source, name="f", default=None)
    request = traced.request(f, 1)
    world.executor.run_all()
    (asked,) = traced.spans("request")
    (event,) = asked.events
    assert event.name == "cache_missed"
    assert dict(event.attributes or {}) == {
        "oob_heal.function": "test:f",
        "oob_heal.reason": "absent",
    }
    (heal,) = traced.spans("heal test:f")
    assert heal.context.trace_id != request.trace_id
    assert heal.parent is None
    (link,) = heal.links
    assert (link.context.trace_id, link.context.span_id) == (request.trace_id, request.span_id)
    assert dict(heal.attributes or {}) == {
        "oob_heal.function": "test:f",
        "oob_heal.reason": "absent",
        "oob_heal.outcome": "healed",
        "oob_heal.attempt": 1,
    }
    (query,) = traced.spans("query")
    assert query.parent is not None
    assert query.parent.span_id == heal.context.span_id == inside[0].span_id
    assert trace.get_current_span() is trace.INVALID_SPAN, "nothing is left behind"


def test_a_heal_begun_in_a_request_is_no_part_of_its_trace(world: World) -> None:
    traced = Traced(world)
    f = world.decorate(calling(Dependency()), name="f", default=None)
    with traced.tracer.start_as_current_span("request") as span:
        world.do(f.heal_now(1))
    (heal,) = traced.spans("heal test:f")
    assert heal.parent is None
    assert heal.links[0].context.span_id == span.get_span_context().span_id


def test_a_failed_heal_says_so_by_the_type_of_its_error(world: World) -> None:
    traced, dependency = Traced(world), Dependency()
    dependency.error = ConnectionError("hunter2")
    f = world.decorate(calling(dependency), name="f", default=None)
    world.do(f(1))  # in no span: there is nothing to link to
    world.executor.run_all()
    (heal,) = traced.spans("heal test:f")
    assert heal.links == ()
    assert not heal.status.is_ok
    assert heal.attributes is not None
    assert heal.attributes["error.type"] == "ConnectionError"
    assert "hunter2" not in heal.to_json()


def test_a_hit_has_no_event_and_every_heal_ends_its_span(world: World) -> None:
    traced = Traced(world)
    f = world.decorate(calling(Dependency()), name="f", default=None)
    world.do(f.set("v", 1))
    traced.request(f, 1)
    assert traced.spans("request")[0].events == ()
    world.clock.advance(1)
    with traced.tracer.start_as_current_span("warm up") as span:
        world.do(f.heal_now(1))
    world.clock.advance(100)
    for _ in range(3):
        world.do(f(1))
    steps = world.executor.step_next()
    steps.next()
    steps.cut_off()
    steps.run()
    ended = [(each.attributes or {})["oob_heal.outcome"] for each in traced.spans("heal test:f")]
    assert ended == ["healed", "lost"]
    now = traced.spans("heal test:f")[0]
    assert now.links[0].context.span_id == span.get_span_context().span_id


def test_the_link_travels_through_a_queue(shared: World) -> None:
    messages: list[bytes] = []
    executor = QueueExecutor(messages.append)
    here, there = Traced(shared, executor=executor), Traced(shared.another_process())
    for each in (here, there):
        each.world.decorate(calling(Dependency()), name="f", default=None)
    request = here.request(here.world.functions[0], 1)
    wait_until(lambda: messages)
    shared.do(there.world.cache.aheal_message(messages[0]))
    (heal,) = there.spans("heal test:f")
    assert heal.links[0].context.span_id == request.span_id
    assert here.spans("heal test:f") == [], "the publisher did not heal"
    executor.close(1)


@pytest.mark.parametrize("traceparent", ["", "hunter2", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_what_a_message_says_of_a_trace_is_not_believed(world: World, traceparent: str) -> None:
    telemetry = Telemetry()
    telemetry.heal_span("f", next(iter(trace_reasons())), traceparent)


def trace_reasons() -> Sequence[Any]:
    from oob_heal import Reason

    return list(Reason)


class Blocks(SpanExporter):
    """An exporter that never comes back."""

    def __init__(self) -> None:
        self.opened, self.entered = threading.Event(), threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.entered.set()
        self.opened.wait(LIMIT)
        return SpanExportResult.SUCCESS


# H41: it exports where the span ends, and that is in a thread of its own.
def test_an_exporter_that_blocks_is_waited_for_by_no_heal(world: World) -> None:
    blocks, provider = Blocks(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(blocks))
    cache = HealingCache(
        executor=world.executor,
        clock=world.clock,
        observers=[Telemetry(tracer_provider=provider)],
    )
    f = cache(ttl=60, name="f", default=None)(calling(Dependency()))
    for n in range(100):
        f(n)
    world.executor.run_all()
    assert blocks.entered.wait(LIMIT)
    assert f.cache_info().healed == 100
    assert f(1) == "v"
    blocks.opened.set()


class Raises:
    """A tracer in which everything breaks."""

    only_heals = True

    def __init__(self) -> None:
        self.called: set[str] = set()

    def _break(self, name: str) -> Any:
        self.called.add(name)
        raise RuntimeError("hunter2")

    def __call__(self, happening: Any) -> None:
        self._break("call")

    def traceparent(self) -> str | None:
        return self._break("traceparent")

    def cache_missed(self, *_: Any) -> None:
        self._break("cache_missed")

    def heal_span(self, *_: Any) -> Any:
        self._break("heal_span")


class SpanRaises(Raises):
    def heal_span(self, *_: Any) -> Any:
        return self

    def enter(self) -> None:
        self._break("enter")

    def end(self, *_: Any) -> None:
        self._break("end")


# H41
@pytest.mark.parametrize("kind", [Raises, SpanRaises])
def test_a_tracer_that_raises_changes_no_answer_and_no_heal(world: World, kind: Any) -> None:
    raises = kind()
    world.cache = HealingCache(
        backend=world.backend,
        executor=world.executor,
        clock=world.clock,
        observers=[raises],
        codec=JsonCodec(),
    )
    f = world.decorate(calling(Dependency()), name="f", default=None)
    for n in range(3):
        assert world.do(f(n)) is None
    world.executor.run_all()
    for n in range(3):
        assert world.do(f(n)) == "v"
    assert f.cache_info().healed == 3
    world.cache.close()
    expected = {"call", "traceparent", "cache_missed"}
    assert raises.called == expected | ({"heal_span"} if kind is Raises else {"enter", "end"})
