"""Heals by workers of taskiq, on whatever broker you give it: Redis, NATS JetStream, RabbitMQ.

Law: nothing here that is not about taskiq; outbox, lease and event are ``QueueExecutor``'s. A
broker lives in one event loop, and needs it to run on between two messages: in the loop where the
application started it, else in one of ours, on a daemon thread, started with the first send.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

from typing_extensions import Unpack

from oob_heal._durations import patience
from oob_heal.executors.queue import QueueExecutor, QueueOptions

try:
    from taskiq import AsyncBroker, TaskiqEvents
    from taskiq.kicker import AsyncKicker
except ImportError as missing:
    raise ImportError(
        "oob_heal.executors.taskiq needs taskiq: pip install 'oob_heal[taskiq]', and the package "
        "of your broker (taskiq-redis, taskiq-nats, taskiq-aio-pika)"
    ) from missing

START_ANEW_AFTER = 10.0  # s of sends that fail, until a broker that we started is started again
ENDS_WITHIN = 1.0  # s for a broker that we started to shut down
ENDS_AT_LEAST = 0.1  # s of these, though the sends have used up the grace


class _Home:
    """Where a broker lives: the loop that it was started in."""

    def __init__(self, broker: AsyncBroker) -> None:
        self.broker = broker
        self.renew()
        for event in (TaskiqEvents.CLIENT_STARTUP, TaskiqEvents.WORKER_STARTUP):
            broker.add_event_handler(event, self._moved_in)

    def renew(self) -> None:
        """As new, in a child: loops and threads are the parent's."""
        self.lock = threading.Lock()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.own: asyncio.AbstractEventLoop | None = None
        self.starting: asyncio.Lock | None = None
        self.started = False
        self.well_at = 0.0

    async def _moved_in(self, _state: Any) -> None:
        """The broker is being started here; where we had started it, it is shut down first."""
        here, own = asyncio.get_running_loop(), self.own
        if own is not None and here is not own and self.started:
            self.started = False
            ending = asyncio.run_coroutine_threadsafe(self._shut_down(ENDS_WITHIN), own)
            await asyncio.wrap_future(ending)
        self.loop = here

    async def do(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Await work in the broker's loop, from any other."""
        loop = self.loop
        if loop is None or loop.is_closed() or not loop.is_running():
            loop = self._own_loop()
        if loop is self.own:
            job = self._in_own(work)
        else:
            job = work()
        try:
            future = asyncio.run_coroutine_threadsafe(job, loop)
        except RuntimeError:  # it was closed just now
            job.close()
            raise
        await asyncio.wrap_future(future)

    def _own_loop(self) -> asyncio.AbstractEventLoop:
        with self.lock:
            if self.own is None:
                loop = asyncio.new_event_loop()
                thread = threading.Thread(target=_run, args=(loop,), name="oob-heal-taskiq")
                thread.daemon = True
                try:
                    thread.start()
                except RuntimeError:
                    loop.close()
                    raise
                self.own, self.starting, self.started = loop, asyncio.Lock(), False
            return self.own

    async def _in_own(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        assert self.starting is not None
        async with self.starting:
            if self.started and time.monotonic() - self.well_at > START_ANEW_AFTER:
                self.started = False
                await self._shut_down(ENDS_WITHIN)
            if not self.started:
                await self.broker.startup()
                self.started, self.well_at = True, time.monotonic()
        before = time.monotonic()
        try:
            await work()
        except BaseException:
            self.well_at = min(self.well_at, before)
            raise
        self.well_at = float("inf")

    async def _shut_down(self, within: float) -> None:
        try:
            async with asyncio.timeout(within):
                await self.broker.shutdown()
        except Exception:
            pass

    def close(self, left: float) -> None:
        """End what is ours, within what is ``left`` of the grace, in seconds; a broker that the
        application started is the application's."""
        within = min(ENDS_WITHIN, max(left, ENDS_AT_LEAST))
        with self.lock:
            loop, started = self.own, self.started
            self.own, self.loop, self.started = None, None, False
        if loop is None:
            return
        if started:
            ending = self._shut_down(within)
            try:
                asyncio.run_coroutine_threadsafe(ending, loop).result(within)
            except Exception:
                pass
        loop.call_soon_threadsafe(loop.stop)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
    finally:
        loop.close()


class TaskiqExecutor(QueueExecutor):
    """Sends events through a taskiq broker; ``serve`` makes its workers heal.

    ``broker`` is your own, whichever it is, and ``task`` the name of the one task that carries
    heals: give each cache on one broker a name of its own. The other options are
    ``QueueExecutor``'s. A result backend of the broker stores a None for each heal; one without
    is better.

    >>> from taskiq import InMemoryBroker
    >>> executor = TaskiqExecutor(InMemoryBroker(), task="shop.heal")
    >>> executor.task
    'shop.heal'
    >>> executor.close()
    """

    def __init__(
        self,
        broker: AsyncBroker,
        *,
        task: str = "oob_heal.heal",
        **options: Unpack[QueueOptions],
    ) -> None:
        if not isinstance(broker, AsyncBroker):
            raise TypeError(f"broker must be a taskiq broker, not {type(broker).__name__}")
        self.broker = broker
        self.task = task
        self._home = _Home(broker)
        self._kicker: Any = AsyncKicker(task, broker, {})
        super().__init__(self._send, **options)

    async def _send(self, payload: bytes) -> None:
        text = payload.decode("ascii")

        async def kick() -> None:
            await self._kicker.kiq(text)

        await self._home.do(kick)

    def serve(self, cache: Any) -> None:
        """Have the workers of this broker heal for ``cache``: call it where both are made.

        In the service it only registers a name. A second cache is refused: TypeError.
        """
        if self.task in self.broker.local_task_registry:
            raise TypeError(
                f"the task {self.task!r} of this broker heals for a cache already; give the other "
                f"cache an executor of its own, with another task="
            )

        async def heal(payload: object = None) -> None:
            await cache.aheal_message(payload)

        self.broker.register_task(heal, task_name=self.task)

    def after_fork(self, consistent: bool) -> None:
        super().after_fork(consistent)
        self._home.renew()

    def close(self, grace: float | None = None) -> None:
        grace = self.grace if grace is None else patience("grace", grace)
        until = time.monotonic() + grace
        super().close(grace)
        self._home.close(until - time.monotonic())
