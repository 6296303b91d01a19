"""What the web service and its workers share: one cache, and one function healed by the workers.

`taskiq worker workers_parts.shop:engine` and `celery -A workers_parts.shop:engine worker` import
this file, and so does the service. All three run the same lines: the service publishes, workers
heal. Functions register as the file is imported, for the worker commands take the current folder
off the path once they have imported it.
"""

import os
from dataclasses import dataclass
from typing import Any

import httpx

from oob_heal import HealingCache
from oob_heal.backends.redis import RedisBackend

STORE = os.environ["SHOP_STORE"]
BROKER = STORE.replace("/0", "/1")  # the same Valkey, another database
HEAL_TIMEOUT = 2.0  # s; a lease lasts one second longer
QUEUE_TIMEOUT = 3.0  # s for which an event may wait, until the next read publishes another


def on_taskiq() -> tuple[Any, Any]:
    """The broker, and what sends heals through it."""
    from taskiq_redis import RedisStreamBroker

    from oob_heal.executors.taskiq import TaskiqExecutor

    broker = RedisStreamBroker(BROKER, xread_count=1)
    return broker, TaskiqExecutor(broker, queue_timeout=QUEUE_TIMEOUT)


def on_celery() -> tuple[Any, Any]:
    """The app, and what sends heals through it."""
    from celery import Celery

    from oob_heal.executors.celery import CeleryExecutor, safe_settings

    app = Celery("shop", broker=BROKER)
    app.conf.update(safe_settings(visibility_timeout=10))
    return app, CeleryExecutor(app, queue_timeout=QUEUE_TIMEOUT)


engine, executor = {"taskiq": on_taskiq, "celery": on_celery}[os.environ["SHOP_ENGINE"]]()
backend = RedisBackend(STORE, deadline=0.25)
cache = HealingCache(backend=backend, executor=executor, namespace="shop")
executor.serve(cache)

http = httpx.Client(base_url=os.environ["SHOP_DEPENDENCY"], timeout=5, trust_env=False)


@dataclass(frozen=True)
class Airport:
    """A record of the dependency."""

    iata: str
    name: str
    city: str
    country: str


@cache(ttl=float(os.environ["SHOP_TTL"]), heal_timeout=HEAL_TIMEOUT, default=None, name="airport")
def airport(code: str) -> Airport | None:
    """Call the dependency: this runs in a worker, and nowhere else."""
    answer = http.get(f"/airports/{code}", headers={"X-Caller": f"{os.getpid()} {code}"})
    answer.raise_for_status()
    return Airport(**answer.json())
