"""What can be used only once, or only where it was made, is no value: refused by name (H33)."""

from __future__ import annotations

import asyncio
import gc
import io
import itertools
import sqlite3
import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest

from oob_heal import HealingCache, Outcome, UncacheableResultError
from oob_heal.testing import ManualExecutor
from tests.conftest import Dependency, World


def generator() -> Any:
    yield 1


async def async_generator() -> Any:
    yield 1


async def coroutine() -> int:
    return 1


class Future:
    def __await__(self) -> Any:
        yield


class DriverCursor:
    """As a database driver's, for a driver whose cursor is no iterator."""

    def execute(self, statement: str) -> None: ...

    def fetchone(self) -> None: ...


ONCE_ONLY: dict[str, tuple[Callable[[], Any], str]] = {
    "a generator": (generator, "a generator (generator)"),
    "an async generator": (async_generator, "a generator (async_generator)"),
    "a coroutine": (coroutine, "a coroutine or another awaitable (coroutine)"),
    "an awaitable": (Future, "a coroutine or another awaitable (Future)"),
    "an iterator": (lambda: iter([1]), "an iterator (list_iterator)"),
    "a map": (lambda: map(str, [1]), "an iterator (map)"),
    "a chain": (lambda: itertools.chain([1]), "an iterator (chain)"),
    "a file": (lambda: tempfile.TemporaryFile("w"), "(TextIOWrapper)"),  # noqa: SIM115
    "a file of bytes": (lambda: io.BytesIO(b"1"), "(BytesIO)"),
    "a cursor": (lambda: sqlite3.connect(":memory:").cursor(), "a database cursor (Cursor)"),
    "a driver's cursor": (DriverCursor, "a database cursor (DriverCursor)"),
}


@pytest.fixture(params=ONCE_ONLY)
def once_only(request: pytest.FixtureRequest) -> Iterator[tuple[Any, str]]:
    """Such a result and its name. It warns if it was left open or never awaited."""
    make, name = ONCE_ONLY[request.param]
    result = make()
    yield result, name
    for close in ("close", "aclose"):
        closing = getattr(result, close, None)
        if closing is not None and request.param not in ("a coroutine", "an async generator"):
            closing()
    if hasattr(result, "connection"):
        result.connection.close()


@pytest.mark.filterwarnings("error")
def test_a_heal_that_brings_one_fails_and_keeps_what_was_there(
    world: World, dependency: Dependency, once_only: tuple[Any, str]
) -> None:  # H33
    def source(n: int) -> Any:
        return dependency(n)

    result, name = once_only
    f = world.decorate(source, default="default")
    world.do(f.set("kept", 1))
    dependency.value = result
    world.clock.advance(1)
    assert f.heal(1)
    assert f.heal(2)
    world.executor.run_all()
    assert (f.cache_info().failed, f.cache_info().healed) == (2, 0)
    assert (world.do(f(1)), world.do(f(2))) == ("kept", "default")
    told = world.cache.failing()
    assert [each.error for each in told] == ["UncacheableResultError"] * 2
    assert name in told[0].message
    assert "which cannot be served twice" in told[0].message


@pytest.mark.filterwarnings("error")
def test_set_and_heal_now_refuse_it_by_name(
    world: World, dependency: Dependency, once_only: tuple[Any, str]
) -> None:  # H33
    def source(n: int) -> Any:
        return dependency(n)

    result, name = once_only
    dependency.value = result
    f = world.decorate(source, default="default")
    for refuse in (lambda: f.set(result, 1), lambda: f.heal_now(1)):
        with pytest.raises(UncacheableResultError) as caught:
            world.do(refuse())
        assert name in str(caught.value)
        assert "return what it holds, as a list, a tuple or text" in str(caught.value)
        assert source.__qualname__ in str(caught.value)
    assert world.do(f(1)) == "default"


def test_a_refused_coroutine_leaves_no_warning_that_it_was_never_awaited() -> None:  # H33
    executor = ManualExecutor()

    @HealingCache(ttl=60, executor=executor)(default=0)
    async def f(n: int) -> Any:
        return coroutine()  # the await is forgotten

    @HealingCache(ttl=60, executor=executor)(default=0)
    def g(n: int) -> Any:
        return coroutine()

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert (asyncio.run(f(1)), g(1)) == (0, 0)
        assert [executor.run_next(), executor.run_next()] == [Outcome.FAILED] * 2
        with pytest.raises(UncacheableResultError):
            g.set(coroutine(), 1)
        gc.collect()
    assert [str(each.message) for each in told] == []


def test_what_only_looks_like_one_is_a_value() -> None:
    """A mock has every attribute, and a lazy one is not asked for any."""

    class Lazy:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"{name} was asked of a value")

    f = HealingCache(ttl=60)()(lambda n: n)
    for value in (mock.Mock(), Lazy(), [iter(())], {"rows": []}, range(3), b"", memoryview(b"")):
        f.set(value, 1)
        assert f(1) is value


def test_values_that_are_false_are_values_and_an_error_is_none(
    world: World, dependency: Dependency
) -> None:  # H32
    def source(n: int) -> Any:
        return dependency(n)

    f = world.decorate(source, default="default")
    for value in (None, 0, "", False, [], {}):
        dependency.value = value
        world.do(f.heal_now(1))
        assert world.do(f(1)) == value
        assert not world.do(f.lookup(1)).is_default
        world.clock.advance(1)
    dependency.error = ValueError("no value")
    f.heal(2)
    world.executor.run_all()
    assert world.do(f(2)) == "default"
