"""A process of the soak: ``python -m tests.soak.actor KIND NAME URL FOLDER LIFE SEED``.

KIND is ``threads`` or ``tasks`` (requests whose heals run in their own process), ``queue``
(requests whose heals are sent to workers) or ``worker``. It ends in order on SIGTERM, at once
where its parent is gone, and by SIGALRM after LIFE seconds.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

from oob_heal import BackendError, CacheMissError, HealingCache
from oob_heal.backends.redis import RedisBackend
from oob_heal.executors.queue import QueueExecutor
from oob_heal.executors.tasks import TaskExecutor
from oob_heal.executors.threads import ThreadExecutor
from tests.soak.plan import HANGS, KEYS, LIMIT, MAX_STALE, QUEUE, RATE, TAKES, TTL, WRITES
from tests.soak.record import Recorder

SETTLES_WITHIN = 30.0  # s for the heals that are under way when requests end


class Counting:
    """Hands each heal to ``executor``, and counts it."""

    def __init__(self, executor: Any) -> None:
        self.executor = executor
        self.submits = 0
        for name in ("leaves_process", "queue_timeout", "ends_with_loop"):
            if hasattr(executor, name):
                setattr(self, name, getattr(executor, name))

    def submit(self, heal: Any, /) -> Any:
        self.submits += 1
        return self.executor.submit(heal)


class Actor:
    """What all kinds have in common: the cache, the dependency, the end."""

    def __init__(self, kind: str, name: str, url: str, folder: Path, seed: str) -> None:
        import redis

        self.kind, self.name, self.folder = kind, name, folder
        self.parent = os.getppid()
        self.ended = False
        self.chance = random.Random(seed)
        self.record = Recorder(folder, name)
        self.client = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
        self.backend = RedisBackend(url)
        self.executor = Counting(self._executor())
        self.cache = HealingCache(
            backend=self.backend, executor=self.executor, namespace="soak", ttl=TTL,
            max_stale=MAX_STALE[kind], heal_timeout=LIMIT,
        )  # fmt: skip
        self.function = self.cache(name="soak.source")(self._source())
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "ended", True))

    def _executor(self) -> Any:
        if self.kind == "tasks":
            return TaskExecutor()
        if self.kind == "queue":
            return QueueExecutor(lambda event: self.client.rpush(QUEUE, event), queue_timeout=5)
        return ThreadExecutor()

    def _source(self) -> Any:
        async def source(n: int) -> list[float]:
            began = time.monotonic()
            await asyncio.sleep(self._trouble())
            return self._told("call", n, began)

        def plain(n: int) -> list[float]:
            began = time.monotonic()
            time.sleep(self._trouble())
            return self._told("call", n, began)

        return source if self.kind == "tasks" else plain

    def _trouble(self) -> float:
        """How long the dependency takes now; it may be away."""
        if (self.folder / "away").exists():
            raise ConnectionError("the dependency is away")
        return HANGS if (self.folder / "hangs").exists() else self.chance.uniform(0.0, TAKES)

    def _told(self, kind: str, n: int, began: float) -> list[float]:
        """A value that says of what key and call it is; recorded before anybody has it."""
        value = [float(n), began, float(os.getpid()), self.chance.random()]
        self.record(kind, n, value)
        return value

    @property
    def over(self) -> bool:
        return self.ended or os.getppid() != self.parent

    def answer(self, n: int, began: float, served: Any, error: BaseException | None) -> None:
        """Record what a request got."""
        if served is not None:
            told = [served.freshness.value, served.value]
        else:
            told = ["miss" if isinstance(error, CacheMissError) else "error", repr(type(error))]
        self.record("asked", began, time.monotonic(), n, *told)

    def books(self) -> None:
        """The ledger, once all is at rest."""
        info = self.function.cache_info()
        names = ("healed", "skipped", "refused", "failed", "dropped", "lost")
        ends = {each: getattr(info, each) for each in names}
        self.record("books", self.executor.submits, info.healing, ends)


def requests(actor: Actor) -> None:
    """Requests at a steady rate until the end, and now and then a write."""
    due, last = time.monotonic(), 0
    while not actor.over:
        if actor.chance.random() < WRITES / RATE:  # its heal may be under way by now
            write(actor, actor.chance.choice(["invalidate", "set", "mark_stale"]), last)
        n = last = min(int(actor.chance.expovariate(4 / KEYS)), KEYS - 1)
        began, served, error = time.monotonic(), None, None
        try:
            served = actor.function.lookup(n)
        except Exception as caught:
            error = caught
        actor.answer(n, began, served, error)
        due = _until_next(actor, due)
        time.sleep(max(0.0, due - time.monotonic()))
    _settle(actor)


def _until_next(actor: Actor, due: float) -> float:
    if int(due) != int(due + 1 / RATE):
        actor.record.size()
        if actor.chance.random() < 0.01:
            write(actor, "cache_clear", -1)
    return max(due + 1 / RATE, time.monotonic() - 0.5)


def write(actor: Actor, verb: str, n: int) -> None:
    """A write, with when it began and when it was acknowledged; one that was not has no end."""
    began, acknowledged = time.monotonic(), None
    args: tuple[Any, ...] = () if verb == "cache_clear" else (n,)
    value = actor._told("set", n, began) if verb == "set" else None
    if value is not None:
        args = (value, n)
    actor.record("writing", verb, n, began)
    try:
        getattr(actor.function, verb)(*args)
        acknowledged = time.monotonic()
    except BackendError:
        pass
    except Exception as error:
        actor.record("foreign", verb, repr(type(error)))
    actor.record("wrote", verb, n, began, acknowledged, value)


def _settle(actor: Actor) -> None:
    until = time.monotonic() + SETTLES_WITHIN
    while actor.function.cache_info().healing and time.monotonic() < until:
        time.sleep(0.1)
    actor.books()
    actor.executor.executor.close()


async def arequests(actor: Actor) -> None:
    """As ``requests``, in tasks; it writes nothing."""
    due = time.monotonic()
    while not actor.over:
        n = min(int(actor.chance.expovariate(4 / KEYS)), KEYS - 1)
        began, served, error = time.monotonic(), None, None
        try:
            served = await actor.function.lookup(n)
        except Exception as caught:
            error = caught
        actor.answer(n, began, served, error)
        if int(due) != int(due + 1 / RATE):
            actor.record.size()
        due = max(due + 1 / RATE, time.monotonic() - 0.5)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    until = time.monotonic() + SETTLES_WITHIN
    while actor.function.cache_info().healing and time.monotonic() < until:
        await asyncio.sleep(0.1)
    actor.books()


def works(actor: Actor) -> None:
    """A worker: takes what is sent, and heals it."""
    looked = 0.0
    while not actor.over:
        try:
            taken = actor.client.blpop([QUEUE], timeout=0.5)
        except Exception:  # the server is away, and what was in its queue is lost
            time.sleep(0.2)
            continue
        finally:
            if time.monotonic() > looked + 1:
                looked = time.monotonic()
                actor.record.size()
        if taken is not None:
            actor.executor.submits += 1
            if actor.cache.heal_message(taken[1]) is None:
                actor.record("foreign", "heal_message", "poison")
    actor.books()


def main() -> None:
    """Be what the words say, to the end."""
    kind, name, url, folder, life, seed = sys.argv[1:]
    signal.alarm(int(float(life)))
    logging.disable()
    actor = Actor(kind, name, url, Path(folder), seed)
    if kind == "worker":
        works(actor)
    elif kind == "tasks":
        asyncio.run(arequests(actor))
    else:
        requests(actor)
    actor.cache.close()
    actor.backend.close()
    actor.client.close()
    print(json.dumps({"ended": name}))


if __name__ == "__main__":
    main()
