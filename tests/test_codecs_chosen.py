"""Which codec a function gets, and what it must say for it."""

from __future__ import annotations

import dataclasses
import inspect
import logging
from collections.abc import Callable
from typing import Any, TypeVar

import pydantic
import pytest

from oob_heal import CodecError, Freshness, HealingCache, Outcome
from oob_heal.codecs import JsonCodec, SignedPickleCodec
from oob_heal.codecs.msgpack import MsgpackCodec
from oob_heal.codecs.pydantic import PydanticCodec
from oob_heal.testing import ManualExecutor, SharedStore
from tests.children import run_python
from tests.conftest import World
from tests.in_a_dict import InADict

CANARY = "hunter2"
T = TypeVar("T")


class Model(pydantic.BaseModel):
    name: str


@dataclasses.dataclass
class Article:
    name: str
    sizes: tuple[int, ...]


class Strange:
    """No type of values."""


@pytest.fixture
def typed(shared: World) -> World:
    """A shared store under a cache that names no codec."""
    shared.cache = HealingCache(
        backend=shared.backend, executor=shared.executor, clock=shared.clock, namespace="test"
    )
    return shared


def codec_of(f: Any) -> Any:
    return f._oob_heal_core.shelf.codec


def test_on_a_shared_backend_the_return_annotation_is_the_codec(typed: World) -> None:
    value = Article("tea", (1, 2))

    def source(n: int) -> Article | None:
        return value

    f = typed.decorate(source, default=None)
    assert typed.do(f(1)) is None
    assert typed.executor.run_next() is Outcome.HEALED
    served = typed.do(f(1))
    assert (served, served is value) == (value, False)
    assert (type(codec_of(f)), type(served.sizes)) == (MsgpackCodec, tuple)
    typed.do(f.set(None, 1))
    assert typed.do(f.lookup(1)) == (None, Freshness.FRESH, 0, False)


def missing(n):  # type: ignore[no-untyped-def]
    return n


def anything(n: int) -> Any:
    return n


def any_object(n: int) -> object:
    return n


def variable(n: T) -> T:
    return n


def unresolvable(n: int) -> NotDefinedYet:  # type: ignore[name-defined]  # noqa: F821
    return n


def strange(n: int) -> list[Strange]:
    return []


def function(n: int) -> Callable[[int], str]:
    return str


def model(n: int) -> Model:
    return Model(name="a")


def too_many(n: int) -> list[int] | tuple[int, ...]:
    return []


@pytest.mark.parametrize(
    ("fn", "said"),
    [
        (missing, "is missing"),
        (anything, r"says nothing of what it returns \(Any\)"),
        (any_object, r"says nothing of what it returns \(Any\)"),
        (variable, r"says nothing of what it returns \(Any\)"),
        (unresolvable, r"cannot be resolved \(NameError\): name what the module defines above"),
        (strange, "names Strange, which msgspec cannot tell: make it a dataclass"),
        (function, "names Callable, which msgspec cannot tell"),
        (model, "names Model, which msgspec cannot tell"),
        (too_many, "is nothing that msgspec reads: Type unions may not contain more than one"),
    ],
)
def test_an_annotation_that_does_not_say_enough_is_refused_with_the_ways_out(
    typed: World, fn: Any, said: str
) -> None:
    with pytest.raises(TypeError, match=said) as caught:
        typed.decorate(fn)
    for way in (fn.__qualname__, "-> list[str]", "codec=", "JsonCodec()", "PydanticCodec(Model)"):
        assert way in str(caught.value)
    assert typed.functions == []
    for codec in (JsonCodec(), SignedPickleCodec([b"k" * 32]), PydanticCodec(int)):
        assert codec_of(typed.decorate(fn, codec=codec, name=type(codec).__name__)) is codec


def test_only_a_backend_that_processes_share_asks_for_an_annotation(world: World) -> None:
    if world.kind != "store":
        with HealingCache(backend=world.backend, clock=world.clock) as cache:
            cache(ttl=1)(missing)
    backend = InADict()
    f = HealingCache(ttl=60, backend=backend)()(missing)
    f.set(["a", None], 1)
    (data,) = backend.data.values()
    assert (type(codec_of(f)), data[50:]) == (JsonCodec, b'["a",null]')
    assert f(1) == ["a", None]


def test_a_shared_backend_in_an_override_asks_as_well_and_everything_is_put_back() -> None:
    cache = HealingCache(ttl=60, executor=ManualExecutor())
    f, g = cache(default=None)(too_many), cache(default=None)(missing)
    f.set("mine", 1)
    with (
        pytest.raises(TypeError, match="its return annotation is nothing that msgspec reads"),
        cache.override(backend=SharedStore().backend()),
    ):
        raise AssertionError("not refused")
    assert (f(1), g(1)) == ("mine", None)


WITHOUT = """
import sys
sys.modules["msgspec"] = None
from oob_heal import HealingCache
from oob_heal.codecs import JsonCodec
from oob_heal.testing import SharedStore

def price(article: str) -> int:
    return 7

cache = HealingCache(ttl=60, backend=SharedStore().backend(), namespace="shop")
try:
    cache(name="shop.price")(price)
except ImportError as error:
    print(error)
f = cache(name="shop.price", codec=JsonCodec())(price)
f.set(7, "tea")
g = HealingCache(ttl=60)(default=3)(price)
g.set(5, "tea")
print(f("tea"), g("tea"))
sys.modules["pydantic"] = None
try:
    import oob_heal.codecs.pydantic
except ImportError as error:
    print(error)
"""


def test_without_msgspec_the_error_names_the_extra_and_the_other_way() -> None:
    refused, served, no_models = run_python(WITHOUT).splitlines()
    assert "pip install 'oob_heal[redis]', or write codec=JsonCodec()" in refused
    assert served == "7 5"
    assert no_models == "PydanticCodec needs pydantic: pip install 'oob_heal[pydantic]'"


def test_a_value_that_does_not_fit_is_a_failed_heal_with_advice_and_nothing_is_stored(
    typed: World, caplog: pytest.LogCaptureFixture
) -> None:  # H36: neither the value nor the key of a dict shows
    caplog.set_level(logging.WARNING, "oob_heal")

    def source(n: int) -> dict[str, tuple[str, ...]]:
        return {CANARY: [CANARY]}  # type: ignore[dict-item]

    f = typed.decorate(source, ttl=10, max_stale=60)
    typed.do(f.set({"kept": ()}, 1))
    typed.clock.advance(10)
    assert typed.do(f(1)) == {"kept": ()}
    assert typed.executor.run_next() is Outcome.FAILED
    typed.cache.close(1)
    assert typed.backend.asked["commit"] == 0
    assert typed.do(f.lookup(1)) == ({"kept": ()}, Freshness.STALE, 10, False)
    (failing,) = typed.cache.failing()
    said = "at $[...]: list comes back as tuple; return tuple(...) there, or annotate list"
    assert failing.error == "CodecError"
    assert said in failing.message
    assert sum(said in each for each in caplog.messages) == 1
    assert CANARY not in caplog.text + repr(failing) + failing.message
    for write in (lambda: f.set([CANARY], 1), lambda: f.heal_now(1)):
        with pytest.raises(CodecError) as caught:
            typed.do(write())
        assert CANARY not in f"{caught.value!r}"


def test_an_async_functions_annotation_is_what_it_brings(typed: World) -> None:
    async def source(n: int) -> tuple[int, ...]:
        return (n,)

    if typed.colour == "sync":
        return
    assert inspect.iscoroutinefunction(source)
    f = typed.decorate(source, default=())
    assert typed.do(f(1)) == ()
    typed.executor.run_all()
    assert typed.do(f(1)) == (1,)
