"""The adapters themselves: quick, on each engine's own broker in memory."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from oob_heal import HealingCache
from oob_heal.codecs import JsonCodec
from oob_heal.testing import SharedStore
from tests.children import run_python
from tests.engines.conftest import need_engine
from tests.waiting import wait_until


@pytest.fixture
def taskiq() -> Any:
    need_engine("taskiq")
    return pytest.importorskip("oob_heal.executors.taskiq")


@pytest.fixture
def celery() -> Any:
    need_engine("celery")
    return pytest.importorskip("oob_heal.executors.celery")


class Heard:
    """A taskiq broker in memory, which notes where it was started and kicked."""

    def __init__(self) -> None:
        from taskiq import InMemoryBroker

        class Broker(InMemoryBroker):
            def __init__(self) -> None:
                super().__init__()
                self.started: list[Any] = []
                self.kicked: list[Any] = []
                self.ended: list[Any] = []
                self.trouble: BaseException | None = None

            async def startup(self) -> None:
                await super().startup()
                if self.trouble is not None:
                    raise self.trouble
                self.started.append(asyncio.get_running_loop())

            async def shutdown(self) -> None:
                self.ended.append(asyncio.get_running_loop())

            async def kick(self, message: Any) -> None:
                self.kicked.append(asyncio.get_running_loop())
                await super().kick(message)

        self.broker: Any = Broker()


@pytest.fixture
def shop(taskiq: Any) -> Iterator[Any]:
    broker = Heard().broker
    with (
        taskiq.TaskiqExecutor(broker, look_after=0.001) as executor,
        HealingCache(
            ttl=60, backend=SharedStore().backend(), executor=executor, codec=JsonCodec()
        ) as cache,
    ):
        executor.serve(cache)

        @cache(name="price", default=-1)
        def price(n: int) -> int:
            return n

        yield price, broker, executor


def healed(price: Any, n: int) -> None:
    assert price(n) == -1
    wait_until(lambda: price.peek(n) is not None)


def test_taskiq_lives_in_a_loop_of_ours_where_nobody_started_it(shop: Any) -> None:
    price, broker, executor = shop
    healed(price, 1)
    healed(price, 2)
    assert len(broker.started) == 1
    assert set(broker.kicked) == set(broker.started)
    assert any(each.name == "oob-heal-taskiq" for each in threading.enumerate())
    executor.close()
    assert broker.ended == broker.started
    wait_until(lambda: all(each.name != "oob-heal-taskiq" for each in threading.enumerate()))


def test_taskiq_lives_in_the_loop_where_the_application_started_it(shop: Any) -> None:
    price, broker, executor = shop

    async def application() -> None:
        await broker.startup()
        healed_in = asyncio.to_thread(healed, price, 1)
        await healed_in
        assert broker.kicked == [asyncio.get_running_loop()]

    asyncio.run(application())
    executor.close()
    assert broker.ended == []  # the application's own


def test_a_taskiq_broker_that_the_application_starts_late_moves_to_its_loop(shop: Any) -> None:
    price, broker, _ = shop
    healed(price, 1)

    async def application() -> None:
        await broker.startup()
        assert broker.ended == broker.kicked  # in our loop, where it was
        await asyncio.to_thread(healed, price, 2)
        assert broker.kicked[-1] is asyncio.get_running_loop()

    asyncio.run(application())
    healed(price, 3)  # its loop has ended: ours again
    assert broker.kicked[-1] is broker.kicked[0]


# H14: what waits needs the loop in which it is closed.
def test_closed_in_the_loop_of_its_application_it_sends_what_waits(shop: Any) -> None:
    price, broker, executor = shop

    async def application() -> None:
        await broker.startup()
        for n in range(20):
            assert price(n) == -1
        await executor.aclose(30.0)
        assert broker.kicked == 20 * [asyncio.get_running_loop()]
        await broker.shutdown()

    asyncio.run(application())
    assert (price.cache_info().lost, price.cache_info().dropped) == (0, 0)


def test_a_taskiq_broker_that_does_not_start_is_tried_again_with_the_next_read(shop: Any) -> None:
    price, broker, _ = shop
    broker.trouble = ConnectionError("the broker is away")
    assert price(1) == -1
    wait_until(lambda: price.cache_info().dropped == 1)
    broker.trouble = None
    healed(price, 2)


def test_a_taskiq_broker_of_ours_that_fails_for_long_is_started_anew(
    shop: Any, taskiq: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    price, broker, _ = shop
    healed(price, 1)
    monkeypatch.setattr(taskiq, "START_ANEW_AFTER", 0.0)

    async def failing(message: Any) -> None:
        raise ConnectionError("closed for good")

    with monkeypatch.context() as patch:
        patch.setattr(broker, "kick", failing)
        assert price(2) == -1
        wait_until(lambda: price.cache_info().dropped == 1)
    assert len(broker.started) == 1
    healed(price, 3)
    assert (len(broker.started), len(broker.ended)) == (2, 1)


# H13: at exit all executors have one grace.
def test_a_taskiq_broker_of_ours_that_does_not_shut_down_has_what_is_left_of_the_grace(
    shop: Any, taskiq: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    price, broker, executor = shop
    healed(price, 1)
    monkeypatch.setattr(taskiq, "ENDS_WITHIN", 3600.0)
    monkeypatch.setattr(broker, "shutdown", asyncio.Event().wait)
    closing = threading.Thread(target=executor.close, args=(0.0,), daemon=True)
    closing.start()
    closing.join(15)
    assert not closing.is_alive()


def test_a_second_cache_on_one_task_is_refused(taskiq: Any) -> None:
    from taskiq import InMemoryBroker

    broker = InMemoryBroker()
    executor = taskiq.TaskiqExecutor(broker)
    executor.serve(HealingCache())
    with pytest.raises(TypeError, match="heals for a cache already"):
        executor.serve(HealingCache())


def test_what_is_no_broker_is_refused(taskiq: Any) -> None:
    with pytest.raises(TypeError, match="broker must be a taskiq broker, not str"):
        taskiq.TaskiqExecutor("redis://")


def test_what_is_no_app_is_refused(celery: Any) -> None:
    with pytest.raises(TypeError, match="app must be a Celery app, not str"):
        celery.CeleryExecutor("redis://")


def test_a_second_cache_on_one_celery_task_is_refused(celery: Any) -> None:
    from celery import Celery

    executor = celery.CeleryExecutor(Celery(broker="memory://"))
    executor.serve(HealingCache())
    with pytest.raises(TypeError, match="heals for a cache already"):
        executor.serve(HealingCache())


def test_celerys_task_of_heals_is_safe_whatever_the_app_says(celery: Any) -> None:
    from celery import Celery

    app = Celery(broker="memory://")
    executor = celery.CeleryExecutor(app)
    executor.serve(HealingCache())
    task = app.tasks[executor.task]
    assert (task.acks_late, task.reject_on_worker_lost, task.ignore_result) == (True, True, True)
    assert task.delay is not None
    app.conf.update(celery.safe_settings())
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.broker_transport_options["visibility_timeout"] > celery.LEASE


# H12: with Celery's own defaults a publisher waits for its broker for ever.
@pytest.mark.timeout(30)
def test_with_the_safe_settings_a_send_to_a_dead_broker_fails_soon(celery: Any) -> None:
    from celery import Celery

    from tests.redis.servers import free_port

    app = Celery(broker=f"redis://127.0.0.1:{free_port()}/0")
    app.conf.update(celery.safe_settings())
    executor = celery.CeleryExecutor(app)
    with pytest.raises(Exception, match="refused"):
        executor._send(b"{}")


# H23: two processes that write to one socket garble what both say.
def test_a_child_of_a_process_that_has_sent_sends_over_connections_of_its_own(celery: Any) -> None:
    told = run_python(
        """
import celery, os, signal, time, warnings
from oob_heal import HealingCache
from oob_heal.executors.celery import CeleryExecutor
from oob_heal.testing import SharedStore

app, other = (celery.Celery(broker=f"memory://{name}") for name in ("here", "elsewhere"))
executor = CeleryExecutor(app)
cache = HealingCache(backend=SharedStore().backend(), executor=executor, ttl=60)

@cache(name="f", default=None)
def f(n: int) -> int:
    return n

def used(app):
    with app.producer_pool.acquire(block=True) as producer:
        return app.pool, app.producer_pool, producer, producer.connection, producer.channel

f(1)
while not executor.figures()["sent"]:
    time.sleep(0.005)
before, others = used(app), used(other)
warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on a fork beside threads warns
child = os.fork()
if not child:
    signal.alarm(20)
    after = used(app)
    shared = [a for a, b in zip(after, before) if a is b]
    f(2)
    while not executor.figures()["sent"]:
        time.sleep(0.005)
    os.write(1, f"{len(shared)} {used(other)[:2] == others[:2]} ".encode())
    os._exit(0)
os.waitpid(child, 0)
os.write(1, f"{used(app)[:2] == before[:2]}".encode())
cache.close()
executor.close()
""",
        silent=False,
    )
    assert told == "0 True True"
