"""What cannot be decorated, what does not go together, what cannot be a call: all refused by
name, and nothing is lost by it."""

from __future__ import annotations

import concurrent.futures
import functools
from collections.abc import Callable
from typing import Any

import pytest

from oob_heal import (
    CodecError,
    HealingCache,
    UncacheableResultError,
    UnkeyableArgumentError,
)
from oob_heal.backends.memory import MemoryBackend
from oob_heal.executors.queue import QueueExecutor
from oob_heal.testing import ManualClock, ManualExecutor, SharedStore
from tests.conftest import Dependency, World


def function(n: int = 0) -> int:
    return n


async def coroutine(n: int = 0) -> int:
    return n


def generator(n: int) -> Any:
    yield n


async def async_generator(n: int) -> Any:
    yield n


class Source:
    def __call__(self, n: int) -> int:
        return n

    def method(self, n: int) -> int:
        return n


UNDECORABLE: dict[str, tuple[Callable[[], Any], str]] = {
    "a generator": (lambda: generator, "return a list or a tuple"),
    "an async generator": (lambda: async_generator, "return a list or a tuple"),
    "a class": (lambda: Source, "decorate a function that makes one"),
    "a coroutine object": (lambda: coroutine(1), "decorate the async function itself"),
    "a static method below": (lambda: staticmethod(function), "put @staticmethod above"),
    "a class method below": (lambda: classmethod(function), "put @classmethod above"),
    "a callable object": (lambda *_: Source(), "not a Source; wrap it in one"),
    "a bound method": (lambda: Source().method, "not a method; wrap it in one"),
    "a partial": (lambda: functools.partial(function, 1), "not a partial; wrap it in one"),
    "a builtin": (lambda: len, "wrap it in one"),
    "a number": (lambda: 5, "decorates a function, not int"),
    "nothing": (lambda: None, "decorates a function, not NoneType"),
}


def still_works(cache: HealingCache) -> None:
    """No function is registered, and the next one heals."""
    assert repr(cache).endswith(" 0 functions>")
    with cache.override(backend=MemoryBackend(), executor=ManualExecutor()):
        cache(ttl=60, default=-1)(function).set(3, 3)


@pytest.mark.parametrize("what", UNDECORABLE)
def test_what_is_no_function_is_refused_with_what_to_do(what: str) -> None:
    make, said = UNDECORABLE[what]
    cache = HealingCache(ttl=60)
    with pytest.raises(TypeError) as caught:
        cache()(make())
    assert said in str(caught.value)
    still_works(cache)


@pytest.mark.parametrize("first", ["self", "cls"])
def test_a_method_must_say_what_identifies_its_instance(first: str) -> None:  # H02
    space: dict[str, Any] = {}
    exec(f"def m({first}, n): return n", space)
    cache = HealingCache(ttl=60)
    for ignore in ((), "n"):
        with pytest.raises(TypeError, match=rf"ignore=\('{first}',\).* or key=lambda {first}"):
            cache(ignore=ignore)(space["m"])
    still_works(cache)
    cache(ignore=first)(space["m"])
    cache(key=lambda _, n: n, name="other")(space["m"])


def ignoring(n: int, session: Any) -> int:
    return n


def made_in_main(backend: Any, **options: Any) -> Any:
    space: dict[str, Any] = {"__name__": "__main__"}
    exec("def price(n) -> int: return n", space)
    return HealingCache(ttl=60)(backend=backend, **options)(space["price"])


def shared() -> Any:
    return SharedStore().backend()


MISMATCHES: dict[str, tuple[Callable[[], Any], str]] = {
    "a process pool": (
        lambda: HealingCache(executor=concurrent.futures.ProcessPoolExecutor(1))(ttl=1)(function),
        "a process pool cannot carry heals; give executor=QueueExecutor",
    ),
    "a queue, and entries in this process": (
        lambda: HealingCache(executor=QueueExecutor(print))(ttl=1)(function),
        "of a MemoryBackend; give a backend with shared leases",
    ),
    "a queue, and a mapping": (
        lambda: HealingCache(executor=QueueExecutor(print), backend={})(ttl=1)(function),
        "of a MappingBackend; give a backend with shared leases",
    ),
    "a queue, and an ignored parameter without a default": (  # H44
        lambda: HealingCache(executor=QueueExecutor(print), backend=shared())(
            ttl=1, ignore="session"
        )(ignoring),
        "parameter 'session' of tests.test_refusals.ignoring cannot travel",
    ),
    "a sync function on an async backend": (
        lambda: HealingCache(backend=shared().aio)(ttl=1)(function),
        "has async verbs only; write async def, or give a backend that answers sync",
    ),
    "two clocks": (
        lambda: HealingCache(clock=ManualClock())(ttl=1, backend=MemoryBackend())(function),
        "different clocks; give the backend the same clock=",
    ),
    "__main__ where others share": (
        lambda: made_in_main(shared()),
        "__main__.price has another name in another process; write name=...",
    ),
}


@pytest.mark.parametrize("what", MISMATCHES)
def test_parts_that_do_not_go_together_are_refused_with_what_to_give(what: str) -> None:
    decorate, said = MISMATCHES[what]
    with pytest.raises(TypeError) as caught:
        decorate()
    assert said in str(caught.value)


def test_what_is_nearly_a_mismatch_is_taken() -> None:
    HealingCache(backend=shared().aio)(ttl=1)(coroutine)
    made_in_main(MemoryBackend())
    made_in_main(shared(), name="shop.price")
    queue = HealingCache(executor=QueueExecutor(print), backend=shared())
    queue(ttl=1, ignore="n")(function)
    clock = ManualClock()
    HealingCache(clock=clock)(ttl=1, backend=MemoryBackend(clock=clock))(function)


def loaded(source: str = "def price(n) -> int: return n", path: str = "shop.py") -> Any:
    """A function as its module makes it, each time it is loaded."""
    space: dict[str, Any] = {"__name__": "shop"}
    exec(compile(source, path, "exec"), space)
    return space.get("price", space.get("other"))


@pytest.mark.parametrize("backend", [MemoryBackend, dict, shared])
def test_two_functions_of_one_name_on_one_backend_are_refused(backend: Any) -> None:  # H01
    def closure(n: int) -> Any:
        def inner(m: int) -> int:
            return n + m

        return inner

    cache = HealingCache(ttl=60, backend=backend())
    kept = [cache()(closure(1)), cache()(loaded())]
    refused = [
        (closure(2), {}),
        (loaded(path="another_shop.py"), {}),
        (loaded("def other(n) -> int: return -n"), {"name": "shop.price"}),
    ]
    if backend is shared:  # in any shape: a worker tells them by name
        other_shape = loaded("def price(n, more=0) -> int: return n", "another_shop.py")
        refused.append((other_shape, {}))
    for fn, options in refused:
        with pytest.raises(TypeError, match=r"two functions .*named .*; write name=\.\.\."):
            cache(**options)(fn)
    assert repr(cache).endswith(" 2 functions>")
    kept += [cache(**option)(closure(3)) for option in ({"version": 1}, {"namespace": "b"})]
    kept += [cache(name="inner")(closure(3))]
    kept[0].set(5, 5)
    assert [each.peek(5) is None for each in kept] == [False, True, True, True, True]


def test_a_function_that_is_loaded_again_is_the_same_function() -> None:
    cache = HealingCache(ttl=60, backend=MemoryBackend())
    before = cache()(loaded())
    before.set(7, 1)
    again = cache()(loaded())
    assert again(1) == 7
    del before
    assert again(1) == 7


CALLS: dict[str, tuple[tuple[Any, ...], type[Exception], str]] = {
    "no argument": ((), TypeError, r"source\(\) missing 1 required positional argument: 'n'"),
    "one too many": ((1, 2), TypeError, r"source\(\) takes 1 positional argument but 2 were"),
    "a list": (([1],), UnkeyableArgumentError, r"argument 'n' of .*source.*ignore=\(\"n\",\)"),
    "a NaN": ((float("nan"),), UnkeyableArgumentError, "a NaN"),
}


@pytest.mark.parametrize("what", CALLS)
def test_a_refused_call_leaves_no_mark_no_count_and_no_lease(
    world: World, dependency: Dependency, what: str
) -> None:
    def source(n: Any) -> Any:
        return dependency(n)

    args, error, said = CALLS[what]
    f = world.decorate(source, default=None)
    for member in (f, f.lookup, f.peek, f.invalidate, f.mark_stale, f.heal, f.heal_now):
        with pytest.raises(error, match=said):
            world.do(member(*args))
    with pytest.raises(error, match=said):
        f.cache_key(*args)
    with pytest.raises(error, match=said):
        world.do(f.set("v", *args))
    with pytest.raises(TypeError, match="unexpected keyword argument 'm'"):
        world.do(f(1, m=2))
    assert set(f.cache_info()) <= {0, None, f.cache_info().maxsize}
    assert (dependency.calls, world.executor.pending, world.backend.asked) == ([], (), {})
    assert (world.do(f(1)), world.executor.run_all(), world.do(f(1))) == (None, 1, "v")


def test_a_value_that_cannot_be_kept_leaves_what_was_there(
    world: World, dependency: Dependency
) -> None:
    def source(n: int) -> Any:
        return dependency(n)

    f = world.decorate(source)
    world.do(f.set("kept", 1))
    written = world.backend.asked["set"]
    with pytest.raises(UncacheableResultError, match=r"set\(\) of test:.*an iterator"):
        world.do(f.set(iter(()), 1))
    if world.kind == "store":
        with pytest.raises(CodecError, match="JSON cannot tell a object faithfully; give codec="):
            world.do(f.set(object(), 1))
    assert (world.do(f(1)), world.backend.asked["set"]) == ("kept", written)
    assert f.cache_info()[:2] == (1, 0)
