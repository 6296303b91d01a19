"""One shop, as its service and its workers have it: a cache over Valkey, healed on an engine.

Law: everything is told by the environment, for the workers are started by their engines' own
commands. A dependency that is told so kills its worker at a step of the heal, once for each key.
"""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any, NamedTuple

import redis

from oob_heal import Backoff, HealingCache, Outcome
from oob_heal._keys import key_text, scope_text
from oob_heal._model import Refused
from oob_heal.backends.redis import RedisBackend

LEASE = 1.2  # s: of a heal with heal_timeout 0.2, and of an event that waits
STEPS = ("dequeued", "adopted", "inside", "before the write", "after the write")

taken: list[int] = []  # the argument of the message that this process works on


def die_at(tally: Any, step: str) -> None:
    """SIGKILL, if the plan says so for what this process works on: once, or always."""
    n = taken[-1] if taken else -1
    plan = (tally.hget("plan", str(n)) or b"").decode()
    if plan == f"always {step}":
        tally.incr(f"deaths {n}")
        os.kill(os.getpid(), signal.SIGKILL)
    if plan == step and tally.hsetnx("killed", str(n), time.time()):
        os.kill(os.getpid(), signal.SIGKILL)


class Backend(RedisBackend):
    """Notes each answer to who asks for a lease; a worker's is deadly at the plan's steps."""

    tally: Any = None

    def __init__(self, store: str, notes: Any) -> None:
        super().__init__(store, deadline=5.0)
        self.notes = notes
        ask = self.aio.acquire  # the publisher's

        async def acquire(key: str, *args: Any, **kwargs: Any) -> Any:
            return self._noted(key, await ask(key, *args, **kwargs))

        self.aio.acquire = acquire  # type: ignore[method-assign]

    def _noted(self, key: str, told: Any) -> Any:
        why = told.why.value if isinstance(told, Refused) else "granted"
        self.notes.rpush(f"told {key}", json.dumps([why, told.until]))
        return told

    def acquire(self, key: str, *args: Any, **kwargs: Any) -> Any:
        granted = self._noted(key, super().acquire(key, *args, **kwargs))
        if self.tally is not None:
            die_at(self.tally, "adopted")
        return granted

    def commit(self, *args: Any, **kwargs: Any) -> Any:
        if self.tally is not None:
            die_at(self.tally, "before the write")
        done = super().commit(*args, **kwargs)
        if self.tally is not None:
            die_at(self.tally, "after the write")
        return done


class Cache(HealingCache):
    """A worker's cache, deadly with what was dequeued."""

    tally: Any = None

    def heal_message(self, payload: Any) -> Any:
        self._take(payload)
        return self._ended(super().heal_message(payload))

    async def aheal_message(self, payload: Any) -> Any:
        self._take(payload)
        return self._ended(await super().aheal_message(payload))

    def _ended(self, outcome: Any) -> Any:
        if outcome is Outcome.FAILED and taken:  # it took too long, on a busy machine
            self.tally.hincrby("failed", str(taken[0]), 1)
        return outcome

    def _take(self, payload: Any) -> None:
        try:
            taken[:] = [int(json.loads(payload)["arguments"]["n"][1], 16)]
        except Exception:
            return
        if self.tally is not None:
            self.tally.hincrby("took", str(taken[0]), 1)
        die_at(self.tally, "dequeued")


class Shop(NamedTuple):
    """What a process of the shop has."""

    engine: Any  # the broker of taskiq, or the app of Celery
    executor: Any
    cache: HealingCache
    backend: RedisBackend
    price: Any
    tally: Any

    def told(self, n: int) -> list[tuple[str, float]]:
        """What all who asked for the lease of a key were told, in order: how, and until when."""
        scope = scope_text(self.price._oob_heal_core.scope)
        notes = self.tally.lrange(f"told {key_text(scope, self.price.cache_key(n))}", 0, -1)
        return [tuple(json.loads(note)) for note in notes]

    def close(self) -> None:
        self.executor.close(1.0)
        self.cache.close(1.0)
        self.backend.close()
        self.tally.close()


def make(engine: str, broker: str, store: str, heal_timeout: str, *, works: bool = False) -> Shop:
    """The shop over these servers; ``works`` in a worker."""
    made, executor = engine_of(engine, broker)
    tally = redis.Redis.from_url(store)
    backend = Backend(store, tally)
    options: dict[str, Any] = {"backend": backend, "executor": executor, "namespace": "engines"}
    cache = Cache(heal_timeout=float(heal_timeout), backoff=Backoff(initial=0.1), **options)
    if works:
        Backend.tally = Cache.tally = tally
    executor.serve(cache)

    @cache(ttl=3_600, default=-1, name="price", jitter=0)
    def price(n: int) -> int:
        tally.hincrby("calls", str(n), 1)
        die_at(tally, "inside")
        time.sleep(float(tally.get("slow") or 0))
        return n

    return Shop(made, executor, cache, backend, price, tally)


def engine_of(engine: str, broker: str) -> tuple[Any, Any]:
    """The user's own broker or app, and the executor over it."""
    options: dict[str, Any] = {"queue_timeout": LEASE, "look_after": 0.2}
    if engine == "celery":
        from celery import Celery

        from oob_heal.executors.celery import CeleryExecutor, safe_settings

        app = Celery("shop", broker=broker)
        app.conf.update(safe_settings(visibility_timeout=5))
        return app, CeleryExecutor(app, **options)
    from oob_heal.executors.taskiq import TaskiqExecutor

    made = taskiq_broker(broker)
    return made, TaskiqExecutor(made, **options)


def taskiq_broker(url: str) -> Any:
    if url.startswith("nats"):
        from nats.js.api import ConsumerConfig
        from taskiq_nats import PullBasedJetStreamBroker

        consumer = ConsumerConfig(durable_name="shop", ack_wait=5)
        return PullBasedJetStreamBroker(
            [url], durable="shop", consumer_config=consumer, pull_consume_timeout=1
        )
    if url.startswith("amqp"):
        from taskiq_aio_pika import AioPikaBroker

        return AioPikaBroker(url, qos=1)
    from taskiq_redis import RedisStreamBroker

    return RedisStreamBroker(url, xread_count=1, xread_block=200)
