"""Worlds: the same test text for each backend and colour.

A test that takes ``world`` runs in each of them. ``world.decorate(fn, ttl=...)`` makes the
decorated function; ``world.do(...)`` finishes what a call returned, in either colour; heals wait
in ``world.executor`` until the test runs them, and time stands until ``world.clock`` is moved.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import importlib
import inspect
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cachetools
import pytest

import oob_heal
from oob_heal import CacheInfo, HealingCache
from oob_heal._model import Outcome
from oob_heal.backends.memory import MemoryBackend
from oob_heal.codecs import JsonCodec
from oob_heal.testing import FlakyBackend, ManualClock, ManualExecutor, SharedStore

pytest_plugins = ["pytester"]

REAL = {"engines", "redis", "sqlite", "stores", "tier"}  # folders whose tests start servers,
WAITS = {"Gate", "in_threads", "run_python", "subprocess", "wait_until"}  # and what others use
BACKENDS = ("table", "memory", "mapping", "store")
COLOURS = ("sync", "async")


def pytest_configure(config: pytest.Config) -> None:
    """A planted fault is in what is imported, and nothing else is (see tests/faults)."""
    planted = os.environ.get("OOB_HEAL_PLANTED")
    where = Path(oob_heal.__file__).resolve()
    if planted is not None and not where.is_relative_to(Path(planted).resolve()):
        raise pytest.UsageError(f"the package under test is not the planted one: {where}")


def pytest_collection_finish() -> None:
    """What is there before the first test is nothing that a test could leave behind: no collection
    goes through it again, which is a seventh of the whole run."""
    importlib.import_module("hypothesis")  # it asks the collector who holds what it is given
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where servers, processes and threads run, a busy machine has a say: a test that fails there
    is tried again, twice at most, and the summary tells. Where time, chance and execution are
    arguments, nothing is; and nowhere with ``-p no:rerunfailures``: that is how to measure."""
    if not config.pluginmanager.has_plugin("rerunfailures"):
        return
    here = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(here).parts[0] if item.path.is_relative_to(here) else ""
        if folder in REAL or WAITS.intersection(dir(getattr(item, "module", None))):
            item.add_marker(pytest.mark.flaky(reruns=2))


class Table(MemoryBackend):
    """A memory backend whose table is read as it is: nothing can fail there, or be counted."""

    @property
    def backend(self) -> MemoryBackend:
        return self

    @property
    def asked(self) -> Any:
        pytest.skip("a read of the table asks nothing")

    def fail(self, *_: Any, **__: Any) -> None:
        pytest.skip("a read of the table cannot fail")


class World:
    """One cache on one kind of backend, in one colour, with time and execution by hand."""

    def __init__(self, backend: str, colour: str, store: SharedStore | None = None) -> None:
        self.kind = backend
        self.colour = colour
        self.store = store or (SharedStore() if backend == "store" else None)
        self.clock = self.store.clock if self.store else ManualClock()
        self.executor = ManualExecutor()
        self.backend: Any = (
            Table(clock=self.clock) if backend == "table" else FlakyBackend(self._backend())
        )
        self.cache = HealingCache(
            backend=self.backend,
            executor=self.executor,
            clock=self.clock,
            namespace="test",
            codec=JsonCodec(),  # a test's function need not say what it returns
        )
        self.functions: list[Any] = []

    def _backend(self) -> Any:
        if self.store is not None:
            backend = self.store.backend()
            backend.deadline = 20.0  # s by the real clock: a busy machine is no failure
            return backend
        if self.kind == "memory":
            return MemoryBackend(clock=self.clock)
        from oob_heal.backends.mapping import MappingBackend

        return MappingBackend(cachetools.LRUCache(10_000), clock=self.clock)

    def decorate(self, fn: Callable[..., Any], **options: Any) -> Any:
        """The decorated function, in this world's colour; ``fn`` is sync in either. A default
        of this helper: ``jitter=0``, so that edges are exact."""
        options = {"ttl": 60, "jitter": 0, "name": fn.__qualname__, **options}
        if self.colour == "async" and not inspect.iscoroutinefunction(fn):
            original = fn

            @functools.wraps(original)
            async def coloured(*args: Any, **kwargs: Any) -> Any:
                return original(*args, **kwargs)

            fn = coloured
        decorated = self.cache(**options)(fn)
        self.functions.append(decorated)
        return decorated

    def another_process(self) -> World:
        """A world with a cache of its own on the same store of bytes."""
        assert self.store is not None, "only a store is shared by processes"
        return World("store", self.colour, self.store)

    @staticmethod
    def do(result: Any) -> Any:
        """Finish a call: await it if it is a coroutine."""
        return asyncio.run(result) if inspect.iscoroutine(result) else result

    def ledger_balances(self) -> None:
        """H14: published = healed + skipped + refused + failed + dropped + lost + healing."""
        for each in self.functions:
            published, ended, healing = each._oob_heal_core.inflight.ledger()
            assert published == sum(ended.values()) + healing
            info: CacheInfo = each.cache_info()
            assert sum(getattr(info, outcome.value) for outcome in Outcome) + info.healing == (
                published
            )


@pytest.fixture(params=[f"{backend}-{colour}" for backend in BACKENDS for colour in COLOURS])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Every backend in every colour; the ledger balances at the end of each test."""
    backend, colour = request.param.split("-")
    made = World(backend, colour)
    yield made
    made.ledger_balances()


@pytest.fixture(params=COLOURS)
def shared(request: pytest.FixtureRequest) -> Iterator[World]:
    """The world of the shared store alone, in every colour."""
    made = World("store", request.param)
    yield made
    made.ledger_balances()


class Dependency:
    """A source that counts its calls and can fail: call it with a key."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.error: BaseException | None = None
        self.value: Any = "v"

    def __call__(self, key: Any = None) -> Any:
        self.calls.append(key)
        if self.error is not None:
            raise self.error
        return self.value


@pytest.fixture
def dependency() -> Dependency:
    return Dependency()
