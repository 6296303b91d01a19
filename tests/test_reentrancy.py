"""The user's code may call back from wherever it runs: none of it runs under our locks."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import cachetools
import pytest

from oob_heal import HealingCache, OobHealError
from oob_heal.codecs import JsonCodec
from oob_heal.testing import ManualExecutor
from tests.conftest import World
from tests.service import drive_by_hand
from tests.waiting import in_threads

ENOUGH = 5.0  # s: what is locked out stays so for ever


class Poke:
    """Calls back into everything of a function, from wherever it is called; never into itself."""

    def __init__(self) -> None:
        self.function: Any = None
        self.cache: HealingCache | None = None
        self.times = 0
        self.inside = False

    def __call__(self, *_: Any) -> None:
        if self.function is None or self.inside:
            return
        self.inside = True
        self.times += 1
        try:
            self._everything()
        finally:
            self.inside = False

    def _everything(self) -> None:
        f = self.function
        for act in (
            lambda: f(20),
            lambda: f.lookup(21),
            lambda: f.peek(22),
            lambda: f.set("poked", 23),
            lambda: f.invalidate(24),
            lambda: f.mark_stale(25),
            lambda: f.heal(26),
            f.cache_info,
            # Voids the lease of whoever heals: heal_now would begin again, for heal_timeout.
            f.cache_clear if self.times < 5 else f.cache_info,
        ):
            try:
                told = act()
                if inspect.iscoroutine(told):
                    drive_by_hand(told)
            except (OobHealError, AssertionError):  # a miss; or a backend that would be awaited
                pass
        assert self.cache is not None
        self.cache.failing()


def use(world: World, poke: Poke, f: Any) -> None:
    """Everything that a function does, while poke pokes; it must come to an end."""
    poke.function, poke.cache = f, world.cache

    def everything(_: int) -> None:
        world.do(f.set("v", 1))
        world.do(f(1))
        world.do(f.set("w", 1))
        world.clock.advance(61)
        world.do(f(1))
        world.do(f(2))
        for _ in range(10):
            if world.executor.pending:
                world.executor.run_next()
        for act in (lambda: f.heal_now(3), lambda: f.invalidate(1), f.cache_clear):
            try:
                world.do(act())
            except Exception:
                pass
        f.cache_info()

    functions, world.functions = world.functions, []  # locked for ever, their books cannot be read
    (told,) = in_threads(1, everything, ENOUGH)
    world.functions = functions
    assert told is None
    assert poke.times > 0
    poke.function = None


@contextmanager
def around_poking(poke: Poke) -> Iterator[None]:
    poke()
    yield
    poke()


class PokingCodec(JsonCodec):
    def __init__(self, poke: Poke) -> None:
        self.poke = poke

    def encode(self, value: Any) -> bytes:
        self.poke()
        return super().encode(value)

    def decode(self, data: bytes) -> Any:
        self.poke()
        return super().decode(data)


class TellingError(Exception):
    """An error whose words are the user's code, too."""

    def __init__(self, poke: Poke) -> None:
        self.poke = poke

    def __str__(self) -> str:
        self.poke()
        return "told"


def through(poke: Poke, value: Any) -> Any:
    poke()
    return value


HOOKS: dict[str, Callable[[Poke], dict[str, Any]]] = {
    "key": lambda poke: {"key": lambda n: through(poke, n)},
    "default_factory": lambda poke: {"default_factory": lambda: through(poke, "default")},
    "copy": lambda poke: {"copy": lambda value: through(poke, value)},
    "around": lambda poke: {"around": lambda: around_poking(poke)},
    "codec": lambda poke: {"codec": PokingCodec(poke)},
    "function": lambda poke: {},
    "error": lambda poke: {},
}


# H27
@pytest.mark.parametrize("hook", HOOKS)
def test_what_the_user_hands_in_may_call_back(world: World, hook: str) -> None:
    if hook == "codec" and world.kind != "store":
        return  # entries are objects there
    poke = Poke()

    def source(n: int) -> str:
        if hook == "function":
            poke()
        if hook == "error":
            raise TellingError(poke)
        return "v"

    options = {"default": "default"} if hook != "default_factory" else {}
    use(world, poke, world.decorate(source, **options, **HOOKS[hook](poke)))


class Submits:
    """An executor that asks the function how it is before it takes a heal."""

    def __init__(self, executor: ManualExecutor, poke: Poke) -> None:
        self.executor, self.poke = executor, poke

    def submit(self, heal: Any, /) -> None:
        self.poke()
        self.executor.submit(heal)


def test_an_executor_may_call_back(world: World) -> None:
    poke = Poke()
    f = world.decorate(lambda n: "v", name="f", executor=Submits(world.executor, poke), default=0)
    use(world, poke, f)


def test_an_observer_may_call_back() -> None:
    poke = Poke()
    world = World("memory", "sync")
    world.cache = HealingCache(
        backend=world.backend, executor=world.executor, clock=world.clock, observers=[poke]
    )
    f = world.decorate(lambda n: "v", name="f", default="default")
    use(world, poke, f)
    world.executor.run_all()
    in_threads(1, lambda _: world.cache.close(0.1), ENOUGH)


def test_a_mapping_may_call_back() -> None:
    poke = Poke()
    mapping: MutableMapping[Any, Any] = cachetools.LRUCache(
        100, getsizeof=lambda _: through(poke, 1)
    )
    world = World("mapping", "sync")
    world.cache = HealingCache(backend=mapping, executor=world.executor, clock=world.clock)
    use(world, poke, world.decorate(lambda n: "v", name="f", default="default"))
