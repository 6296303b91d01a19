"""What is dropped is freed (H37); what is pickled or copied is the function itself (H38)."""

from __future__ import annotations

import asyncio
import concurrent.futures
import copy
import gc
import inspect
import multiprocessing
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import oob_heal
from oob_heal import HealingCache
from oob_heal.executors.threads import ThreadExecutor
from oob_heal.testing import ManualClock, ManualExecutor
from tests import spawned
from tests.conftest import World
from tests.waiting import wait_until


class Value:
    """Something that can be watched."""


def gone(watched: weakref.ref[Any]) -> bool:
    if watched() is not None:
        gc.collect()
    return watched() is None


def shop_class(world: World, dependency: Callable[[int], Any]) -> Any:
    def price(self: Any, n: int) -> Any:
        return dependency(n)

    return type("Shop", (), {"price": world.decorate(price, ignore=("self",), default=None)})


@pytest.mark.parametrize(
    "ending", ["healed", "failed", "dropped", "cut off", "heal_now", "no heal"]
)
def test_dropping_an_instance_frees_it_once_nothing_is_pending(
    world: World, ending: str
) -> None:  # H37
    def dependency(n: int) -> str:
        if ending == "failed":
            raise ConnectionError
        return "v"

    shop = shop_class(world, dependency)()
    watched = weakref.ref(shop)
    if ending == "dropped":
        world.executor.reject(OSError("no room"))
    if ending == "no heal":
        world.do(type(shop).price.set("v", shop, 1))
    if ending == "heal_now":
        world.do(type(shop).price.heal_now(shop, 1))
    world.do(shop.price(1))
    del shop
    if world.executor.pending:
        assert watched() is not None
    if ending == "cut off":
        world.executor.pending[0].cut_off()
        world.executor.drop_next()
    else:
        world.executor.run_all()
    assert gone(watched)


def test_a_pool_of_threads_keeps_no_instance_after_its_heal() -> None:  # H37
    own = concurrent.futures.ThreadPoolExecutor(1)
    for executor in (ThreadExecutor(1), own):
        cache = HealingCache(ttl=60, executor=executor)

        class Shop:
            @cache(ignore="self", default=None)
            def price(self, n: int) -> int:
                return n

        shop = Shop()
        watched = weakref.ref(shop)
        shop.price(1)
        wait_until(lambda: Shop.price.cache_info().healed == 1)
        del shop
        wait_until(lambda: gone(watched))  # noqa: B023 - called here
        getattr(executor, "close", own.shutdown)()


def test_a_task_keeps_no_instance_after_its_heal() -> None:  # H37
    async def main() -> None:
        cache = HealingCache(ttl=60)

        class Shop:
            @cache(ignore="self", default=None)
            async def price(self, n: int) -> int:
                return n

        shop = Shop()
        watched = weakref.ref(shop)
        await shop.price(1)
        del shop
        while not Shop.price.cache_info().healed:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert gone(watched)

    asyncio.run(main())


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("ending", ["healed", "failed", "set"])
def test_dropping_a_local_function_frees_it_and_its_entries(
    colour: str, ending: str
) -> None:  # H37
    def source(n: int) -> Any:
        if ending == "failed":
            raise ConnectionError
        return Value()

    async def asource(n: int) -> Any:
        return source(n)

    executor = ManualExecutor()
    cache = HealingCache(ttl=60, executor=executor, clock=ManualClock())

    def make() -> list[weakref.ref[Any]]:
        default, in_closure = Value(), Value()

        def inner(n: int) -> Any:
            return (in_closure, source(n))[1]

        async def ainner(n: int) -> Any:
            return (in_closure, source(n))[1]

        f = cache(default=default)(inner if colour == "sync" else ainner)
        World.do(f(1))
        executor.run_all()
        if ending == "set":
            World.do(f.set(Value(), 1))
        value = World.do(f(1))
        assert (value is default) is (ending == "failed")
        return [weakref.ref(each) for each in (f, value, default, in_closure)]

    watched = make()
    assert [gone(each) for each in watched] == [True] * 4
    assert repr(cache).endswith(" 0 functions>")


def test_dropping_a_function_leaves_the_others_alone(world: World) -> None:  # H37
    def source(n: int) -> str:
        return "v"

    kept, dropped = world.decorate(source), world.decorate(source, version=1)
    for f in (kept, dropped):
        world.do(f.set("s", 1))
    world.functions.remove(dropped)
    del f, dropped
    gc.collect()
    assert world.do(kept(1)) == "s"
    assert repr(world.cache).endswith(" 1 functions>")


FUNCTIONS = [spawned.double, spawned.adouble, spawned.Numbers.treble]


@pytest.mark.parametrize("f", FUNCTIONS)
def test_a_decorated_function_pickles_and_copies_as_itself(f: Any) -> None:  # H38
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(f, protocol)) is f
    assert copy.copy(f) is f
    assert copy.deepcopy(f) is f
    assert copy.deepcopy({"f": [f]})["f"][0] is f


def test_a_bound_method_pickles_with_its_instance() -> None:  # H38
    bound = pickle.loads(pickle.dumps(spawned.Numbers().double))
    assert bound(4) == spawned.Numbers.double(None, 4)


COROUTINES = {"lookup", "peek", "set", "invalidate", "mark_stale", "cache_clear", "heal_now"}
AT_ONCE = {"heal", "cache_info", "cache_key", "cache_parameters"}


@pytest.mark.parametrize("told_by", [inspect.iscoroutinefunction, asyncio.iscoroutinefunction])
def test_iscoroutinefunction_tells_the_truth(told_by: Any) -> None:  # H38
    asyncs = [spawned.adouble, spawned.Numbers.adouble, spawned.Numbers().adouble]
    syncs = [spawned.double, spawned.Numbers.double, spawned.Numbers().double]
    syncs += [spawned.Numbers.treble, spawned.Numbers().treble]
    assert [told_by(each) for each in asyncs + syncs] == [True] * 3 + [False] * 5
    for f, is_async in ((spawned.adouble, True), (spawned.double, False)):
        assert {name for name in COROUTINES if told_by(getattr(f, name))} == (
            COROUTINES if is_async else set()
        )
        assert not any(told_by(getattr(f, name)) for name in AT_ONCE)
        assert not inspect.isgeneratorfunction(f)


def test_a_spawned_worker_imports_the_function_and_uses_its_own_cache() -> None:  # H38
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool:
        told = pool.submit(spawned.used, spawned.double, 21)
        assert told.result(30) == (-1, 42, 42)


@pytest.mark.parametrize("name", [each for each in oob_heal.__all__ if each.endswith("Error")])
def test_an_error_survives_the_way_between_processes(name: str) -> None:
    arguments: dict[str, tuple[Any, ...]] = {
        "CacheMissError": ("app.price", oob_heal.Reason.EXPIRED),
        "UnkeyableArgumentError": ("app.price", "session", "a value of type app.Session"),
    }
    error = getattr(oob_heal, name)(*arguments.get(name, ("what to do",)))
    arrived = pickle.loads(pickle.dumps(error))
    assert type(arrived) is type(error)
    assert (str(arrived), vars(arrived)) == (str(error), vars(error))
