"""``HealingCache``: its end, its shared parts and their swap in a test, its worker's entrance."""

from __future__ import annotations

import asyncio
import threading

import pytest

from oob_heal import (
    BackendError,
    Dependency,
    HealingCache,
    Outcome,
)
from oob_heal.testing import (
    ManualExecutor,
    SharedStore,
)
from tests.children import run_python
from tests.conftest import World

LIMIT = 10  # s, for what must come


def test_leaving_a_cache_drains_its_heals_and_calls_still_read() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def source(n: int) -> str:
        begun.set()
        assert go_on.wait(LIMIT)
        return "v"

    with HealingCache(ttl=60) as cache:
        f = cache(default="default")(source)
        assert f(1) == "default"
        assert begun.wait(LIMIT)
        threading.Timer(0.05, go_on.set).start()
    assert f(1) == "v"
    assert (f(2), f.heal(3)) == ("default", False)
    assert (f.cache_info().healed, f.cache_info().dropped, f.cache_info().hits) == (1, 2, 1)


def test_leaving_a_cache_in_async_code_drains_its_tasks() -> None:
    async def main() -> None:
        async with HealingCache(ttl=60) as cache:

            @cache(default="default")
            async def f(n: int) -> str:
                for _ in range(10):
                    await asyncio.sleep(0)
                return "v"

            assert await f(1) == "default"
        assert await f(1) == "v"
        assert (await f(2), f.heal(3)) == ("default", False)
        assert (f.cache_info().healed, f.cache_info().dropped) == (1, 2)

    asyncio.run(main())


def test_a_closed_cache_waits_for_nobody_longer_than_its_grace(world: World) -> None:
    def source(n: int) -> str:
        return "v"

    f = world.decorate(source, default="default")
    world.do(f.set("s", 2))
    world.do(f(1))
    world.cache.close(grace=0)
    world.do(world.cache.aclose(0))
    assert [world.do(f(n)) for n in (1, 2)] == ["default", "s"]
    world.do(f.set("t", 3))
    assert world.do(f(3)) == "t"


def test_clear_and_aclear_clear_the_functions_of_this_cache_alone(world: World) -> None:
    def source(n: int) -> str:
        return "v"

    neighbour = HealingCache(backend=world.backend, clock=world.clock, namespace="test2")
    mine = [world.decorate(source, version=version) for version in (1, 2)]
    kept = neighbour(ttl=60, name="kept")(source)
    kept.set("s", 1)
    for clear in (world.cache.clear, world.cache.aclear):
        for each in mine:
            world.do(each.set("s", 1))
        world.do(clear())
        assert [world.do(each.peek(1)) for each in mine] == [None, None]
        assert kept(1) == "s"
    world.backend.fail("clear")
    for clear in (world.cache.clear, world.cache.aclear):
        with pytest.raises(BackendError):
            world.do(clear())


def test_clear_on_an_async_backend_names_aclear() -> None:
    async def source(n: int) -> int:
        return n

    cache = HealingCache(ttl=60, backend=SharedStore().backend().aio)
    f = cache()(source)
    asyncio.run(f.set(7, 1))
    with pytest.raises(TypeError, match=r"await cache\.aclear\(\)"):
        cache.clear()
    asyncio.run(cache.aclear())
    assert asyncio.run(f.peek(1)) is None


def test_failing_tells_which_keys_do_not_heal_and_why(world: World) -> None:
    def source(n: int) -> str:
        return "v"

    f = world.decorate(source, default=None, drop_on=KeyError)
    for n in (1, 2):
        world.do(f(n))
        world.executor.fail_next(ConnectionError("no route"))
    world.do(f(3))
    world.executor.fail_next(KeyError("gone: an answer"))
    told = world.cache.failing()
    assert [each.key for each in told] == [f.cache_key(1), f.cache_key(2)]
    assert told[0].function == f.cache_key(1).scope.label
    assert (told[0].error, told[0].message, told[0].attempts) == ("ConnectionError", "no route", 1)
    assert 0 < told[0].next_try <= 1
    world.clock.advance(1)
    assert world.cache.failing()[0].next_try == 0
    world.do(f(1))
    world.executor.run_all()
    assert [each.key for each in world.cache.failing()] == [f.cache_key(2)]


def test_failing_is_bounded() -> None:
    executor = ManualExecutor()
    never = Dependency("calls on", breaker=None)
    cache = HealingCache(ttl=60, executor=executor, dependency=never)

    @cache(default=None)
    def f(n: int) -> int:
        raise ConnectionError

    for n in range(1_500):
        f(n)
    executor.run_all()
    assert f.cache_info().failed == 1_500
    assert [each.key for each in cache.failing()] == [f.cache_key(n) for n in range(500, 1_500)]


def test_who_failed_a_day_ago_and_was_not_tried_since_is_forgotten(world: World) -> None:
    f = world.decorate(lambda n: "v", default=None)
    for n in (1, 2):
        world.do(f(n))
        world.executor.fail_next(ConnectionError())
        world.clock.advance(3_600)
    world.clock.advance(86_400 - 7_201)
    assert [each.key for each in world.cache.failing()] == [f.cache_key(1), f.cache_key(2)]
    world.clock.advance(1)
    assert [each.key for each in world.cache.failing()] == [f.cache_key(2)]
    assert world.cache.figures().functions[0].failing == 1


def sent_by(world: World) -> bytes:
    """The message of the heal that waits."""
    sent: list[bytes] = []
    asyncio.run(world.executor.pending[0].hand_on(sent.append))
    return sent[0]


def test_a_worker_heals_by_message_what_it_registered_by_name(shared: World) -> None:
    def source(n: int) -> str:
        return f"v{n}"

    f = shared.decorate(source, name="shop.price", default="default")
    worker = shared.another_process()
    worker.decorate(source, name="shop.price")
    for n, heal in enumerate((worker.cache.heal_message, worker.cache.aheal_message)):
        shared.do(f(n))
        payload = sent_by(shared)
        shared.executor.drop_next()
        assert shared.do(heal(payload)) is Outcome.HEALED
        assert shared.do(f(n)) == f"v{n}"
        for poison in (
            b"",
            "not JSON",
            b"\xff",
            None,
            payload.replace(b"shop.price", b"os.system"),
        ):
            assert shared.do(heal(poison)) is None
    assert worker.cache.poisoned == 10


QUIET = """
import asyncio, socket, sys, threading, time
def counted():
    return threading.active_count(), len(sys._current_frames())
import oob_heal, oob_heal.testing
from oob_heal.executors.queue import QueueExecutor
from oob_heal.executors.threads import ThreadExecutor
asyncio.get_event_loop_policy().get_event_loop = None  # nobody asks for one
cache = oob_heal.HealingCache(observers=[print], executor=ThreadExecutor())
queue = QueueExecutor(print)
@oob_heal.healing_cache(ttl=60, default=0)
def f(n): return n
@cache(ttl=60, default=0)
def g(n): return n
@cache(ttl=60, executor=None)
async def h(n): return n
f.set(1, 1); f.cache_info(); f(1); f.peek(2); f.cache_clear()
assert counted() == (1, 1), threading.enumerate()
assert f(2) == 0
assert threading.active_count() > 1, "the first miss starts what is needed"
"""


def test_nothing_starts_at_import_or_at_decoration() -> None:
    run_python(QUIET)
