"""What has no place in a key is refused at the call, by the name of its parameter (H34)."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest

from oob_heal import HealingCache, UnkeyableArgumentError
from oob_heal.testing import ManualExecutor, SharedStore
from tests.conftest import Dependency, World
from tests.corpus import UNKEYABLE, Bits, Colour, Order


@dataclasses.dataclass(frozen=True)
class Ending:
    """What is read of it ends whoever iterates."""

    n: int

    def __getattribute__(self, name: str) -> Any:
        raise StopIteration


def source(n: Any, m: Any = None) -> str:
    return "v"


FUNCTIONS = [
    HealingCache(ttl=60, executor=ManualExecutor())(default=None)(source),
    HealingCache(ttl=60, executor=ManualExecutor(), backend=SharedStore().backend())()(source),
]
LABEL = "tests.test_hostile_arguments.source"


def refused(f: Any, *args: Any, **kwargs: Any) -> UnkeyableArgumentError:
    before = f.cache_info()
    with pytest.raises(UnkeyableArgumentError) as caught:
        f(*args, **kwargs)
    assert f.cache_info() == before
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value


@pytest.mark.parametrize("f", FUNCTIONS)
def test_what_is_not_on_the_list_is_refused_with_the_line_to_write(f: Any) -> None:
    for value in UNKEYABLE:
        for args, kwargs, parameter in [((value,), {}, "n"), ((1,), {"m": (value,)}, "m")]:
            error = refused(f, *args, **kwargs)
            assert (error.parameter, error.function) == (parameter, LABEL)
            assert f'write @healing_cache(..., ignore=("{parameter}",)) to leave it' in str(error)
            assert "or key=lambda ...: ..." in str(error)


def test_the_error_says_what_it_is_and_never_what_it_holds() -> None:
    told = [
        ([], "a value of type builtins.list"),
        (Colour, "a value of type enum.EnumType"),
        (float("nan"), "a NaN, which is not equal to itself"),
        (type("Child", (Order,), {})(1), "a value of type tests.test_hostile_arguments.Child"),
        (Order({}), "a value of type builtins.dict"),
    ]
    for value, said in told:
        for f in FUNCTIONS:
            assert f"cannot be part of a key: {said}; write" in str(refused(f, value))


def test_stars_and_defaults_are_named_too() -> None:
    def stars(*args: Any, **kwargs: Any) -> None: ...

    def with_default(n: int, options: Any = []) -> None:  # noqa: B006 - as users write it
        ...

    cache = HealingCache(ttl=60, executor=ManualExecutor())
    f, g = cache()(stars), cache()(with_default)
    assert refused(f, 1, []).parameter == "args"
    assert refused(f, 1, x=[]).parameter == "kwargs"
    assert refused(g, 1).parameter == "options"


class Hostile:
    """Whatever is asked of it raises: so nothing is asked."""

    def _raise(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("touched")

    __eq__ = __hash__ = __repr__ = __str__ = __bool__ = __len__ = __iter__ = _raise  # type: ignore[assignment]
    __getattribute__ = __getattr__ = __reduce_ex__ = __format__ = __lt__ = _raise


class Endless(Hostile):
    def _loop(self, *_: Any) -> Any:
        while True:
            pass

    __eq__ = __hash__ = __repr__ = __str__ = _loop  # type: ignore[assignment]


class SpiteText(str):
    __slots__ = ()
    __hash__ = __eq__ = Hostile._raise  # type: ignore[assignment]


class Pretender:
    """Says that it is a member of an enum."""

    name = "RED"
    value = 1

    @property
    def __class__(self) -> Any:
        return Colour


def nested(depth: int, wrap: Any) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = wrap(value)
    return value


HOSTILE: dict[str, tuple[Any, str]] = {
    "raises at everything": (lambda: Hostile(), "a value of type"),  # noqa: PLW0108
    "never returns": (lambda: Endless(), "a value of type"),  # noqa: PLW0108
    "inside a tuple": (lambda: (1, Hostile()), "a value of type"),
    "inside a dataclass": (lambda: Order(Endless()), "a value of type"),
    "a text of its own kind": (lambda: SpiteText("a"), "a value of type"),
    "pretends to be an enum": (lambda: Pretender(), "a value of type"),  # noqa: PLW0108
    "a mock of an enum": (lambda: mock.Mock(spec=Colour.RED), "a value of type"),
    "tuples, 10,000 deep": (lambda: nested(10_000, lambda v: (v,)), "more than 32 levels"),
    "dataclasses, 10,000 deep": (lambda: nested(10_000, Order), "more than 32 levels"),
    "a set in a set in a set": (
        lambda: nested(100, lambda v: frozenset([v])),
        "more than 32 levels",
    ),
    "10 MB of text": (lambda: "x" * 10_000_000, "larger than 65,536"),
    "10 MB of bytes": (lambda: b"x" * 10_000_000, "larger than 65,536"),
    "10 MB in pieces": (lambda: ("x" * 10_000,) * 1_000, "larger than 65,536"),
    "a million members": (lambda: (None,) * 1_000_000, "larger than 65,536"),
    "an int of 10 MB": (lambda: 1 << 80_000_000, "larger than 65,536"),
    "a flag of 10 MB": (lambda: Bits(1 << 80_000_000), "larger than 65,536"),
    "a million digits": (lambda: Decimal("9" * 10**6), "larger than 65,536"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_and_huge_arguments_are_refused_at_once(what: str) -> None:  # H34
    make, said = HOSTILE[what]
    value = make()
    for f in FUNCTIONS:
        began = time.thread_time()  # of this thread's own: a busy machine is no failure
        error = refused(f, value)
        assert time.thread_time() - began < 2, "it took its time over what it refuses"
        assert error.parameter == "n"
        assert said in str(error)
        assert len(str(error)) < 400


def test_a_list_that_holds_itself_is_refused() -> None:  # H34
    endless: list[Any] = []
    endless.append(endless)
    for f in FUNCTIONS:
        refused(f, endless)


def test_an_argument_that_raises_ends_no_key() -> None:  # H01
    f = HealingCache(executor=ManualExecutor())(ttl=60)(source)
    with pytest.raises(StopIteration):
        f(Ending(1), "whoever comes next")


def test_what_is_just_inside_the_limits_is_taken(world: World, dependency: Dependency) -> None:
    f = world.decorate(source, default=None)
    for value in ("x" * 65_000, b"x" * 65_000, (1,) * 65_000, 1 << 500_000, nested(30, Order)):
        world.do(f.set("s", value))
        assert world.do(f(value)) == "s"


def test_what_key_raises_reaches_the_caller(world: World) -> None:
    gone = KeyError("no such tenant")

    def key(n: Any, m: Any = None) -> Any:
        raise gone

    f = world.decorate(source, key=key, default=None)
    for call in (f, f.lookup, f.peek, f.heal, f.invalidate, f.heal_now):
        with pytest.raises(KeyError) as caught:
            world.do(call(1))
        assert caught.value is gone
    assert world.executor.pending == ()
    assert not world.backend.asked


def test_what_key_returns_is_held_to_the_same_list(world: World) -> None:
    f = world.decorate(source, key=lambda n: n, default=None)
    for value in ([], {}, Hostile(), "x" * 10_000_000):
        with pytest.raises(UnkeyableArgumentError, match="key= cannot be a key") as caught:
            world.do(f(value))
        assert caught.value.parameter == "key="
    assert world.do(f((1, "a"))) is None


def test_an_async_call_is_refused_when_it_is_awaited_and_nothing_is_left() -> None:
    async def f(n: Any) -> Any:
        return n

    cache = HealingCache(ttl=60, executor=ManualExecutor())
    g = cache(default=None)(f)

    async def main() -> None:
        with pytest.raises(UnkeyableArgumentError):
            await g(Hostile())
        assert await g(1) is None

    asyncio.run(main())
