"""What travels to a worker: arguments, by their annotations and by name, and the trace."""

from __future__ import annotations

import dataclasses
import enum
import queue
from collections.abc import Hashable, Iterator, Sequence
from contextvars import ContextVar
from decimal import Decimal
from typing import Any, Literal, NamedTuple, NewType, Protocol

import pytest

from oob_heal import HealingCache, Outcome
from oob_heal._message import LARGEST
from oob_heal.codecs import JsonCodec
from oob_heal.executors.queue import QueueExecutor
from oob_heal.observe import HealEnded, traceparent
from oob_heal.testing import SharedStore
from tests.conftest import World
from tests.waiting import wait_until

ArticleId = NewType("ArticleId", int)
Articles = NewType("Articles", list[int])


class Colour(enum.Enum):
    RED = 1


class Point(NamedTuple):
    x: int


@dataclasses.dataclass(frozen=True)
class Frozen:
    x: int


@dataclasses.dataclass
class Thawed:
    x: int


class Session:
    pass


class Speaks(Protocol):
    def speak(self) -> str: ...


TRAVELS: list[Any] = [
    int, str, bytes, Decimal, None, int | None, list[int] | int, tuple[int, ...], frozenset[str],
    Colour, Point, Frozen, ArticleId, Literal["a"], Any, object, Sequence[int], Hashable, Speaks,
    "not.to.be.resolved",
]  # fmt: skip
STAYS: list[Any] = [
    list[int], dict[str, int], set[int], bytearray, Session, Thawed, Articles, type,
    tuple[list[int], ...], tuple[int, Session], frozenset[Session], Session | list[int],
]  # fmt: skip


@pytest.fixture
def engine() -> queue.SimpleQueue[bytes]:
    return queue.SimpleQueue()


@pytest.fixture
def cache(engine: queue.SimpleQueue[bytes]) -> Iterator[HealingCache]:
    with (
        QueueExecutor(engine.put, look_after=0.001) as executor,
        HealingCache(
            backend=SharedStore().backend(), executor=executor, ttl=60, codec=JsonCodec()
        ) as made,
    ):
        yield made


def annotated(hint: Any) -> Any:
    def source(value: Any = None) -> str:
        return "v"

    source.__annotations__["value"] = hint
    return source


@pytest.mark.parametrize("hint", TRAVELS, ids=str)
def test_what_may_travel_is_decorated(cache: HealingCache, hint: Any) -> None:
    cache(name="f")(annotated(hint))


@pytest.mark.parametrize("hint", STAYS, ids=str)
def test_an_annotation_that_cannot_travel_is_refused_at_decoration_by_name(
    cache: HealingCache, hint: Any
) -> None:
    with pytest.raises(TypeError, match=r"parameter 'value' of f may be .*cannot travel"):
        cache(name="f")(annotated(hint))


def test_what_is_left_out_with_a_default_need_not_travel(cache: HealingCache) -> None:
    cache(name="f", ignore="value")(annotated(Session))


def test_without_a_queue_an_annotation_refuses_nothing() -> None:
    HealingCache(ttl=60)()(annotated(Session))


# H36: by name, without the argument.
def test_an_argument_that_cannot_travel_is_named_at_publish(
    cache: HealingCache, engine: queue.SimpleQueue[bytes]
) -> None:
    heard: list[Any] = []
    with cache.override(observers=[heard.append]):

        @cache(name="f", key=len, default="default")
        def source(basket: Any) -> str:
            return "v"

        assert source(["canary"]) == "default"
        assert source(["", "canary"]) == "default"
        wait_until(lambda: source.cache_info().dropped == 2)
        assert source(("\U0001f600" * 30_000, "", "canary")) == "default"
        wait_until(lambda: source.cache_info().dropped == 3)
        wait_until(lambda: sum(isinstance(each, HealEnded) for each in heard) == 3)
    told = [each.advice for each in heard if isinstance(each, HealEnded)]
    assert all("'basket' of f" in each and "cannot travel" in each for each in told)
    assert "canary" not in str(heard)
    assert engine.empty()


def test_a_message_of_the_most_that_fits_arrives(
    cache: HealingCache, engine: queue.SimpleQueue[bytes]
) -> None:
    seen: list[str] = []

    @cache(name="f", default="default")
    def source(text: str, more: str) -> str:
        seen.append(text)
        return "v"

    source("é" * 21_000, "é" * 21_000)
    message = engine.get(timeout=10)
    assert LARGEST - 10_000 < len(message) <= LARGEST
    assert cache.heal_message(message) is Outcome.HEALED
    source("é" * 22_000, "é" * 22_000)
    wait_until(lambda: source.cache_info().dropped == 1)


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
request_trace: ContextVar[Any] = ContextVar("request_trace", default=None)


class Tracer:
    def __call__(self, happening: Any) -> None: ...

    def traceparent(self) -> Any:
        trace = request_trace.get()
        if isinstance(trace, Exception):
            raise trace
        return trace


@pytest.mark.parametrize(
    ("told", "carried"),
    [(TRACE, TRACE), (None, None), (b"00", None), (ValueError(), None), ("' OR 1=1", None)],
    ids=["a trace", "none", "no text", "an error", "no trace"],
)
def test_the_trace_of_the_caller_travels_with_the_event_and_stands_in_the_heal(
    shared: World, told: Any, carried: Any
) -> None:
    engine: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    inside: list[Any] = []

    def source(n: int) -> str:
        inside.append((traceparent.get(), request_trace.get()))
        return "v"

    worker = shared.another_process()
    worker.decorate(source, name="f")
    with QueueExecutor(engine.put) as executor, shared.cache.override(observers=[Tracer()]):
        function = shared.decorate(source, name="f", executor=executor, default="default")
        token = request_trace.set(told)
        shared.do(function(1))
        request_trace.reset(token)
        assert worker.cache.heal_message(engine.get(timeout=10)) is Outcome.HEALED
    assert inside == [(carried, None)]
    worker.ledger_balances()
