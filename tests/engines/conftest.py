"""Shops on each engine and broker, and their workers: real ones, by the engines' own commands."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines.servers import MAKERS
from tests.redis.servers import Server

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("taskiq-redis", "taskiq-nats", "taskiq-rabbit", "celery-redis", "celery-rabbit")
FIRST = ("taskiq-redis", "celery-redis")  # one broker an engine, for what takes long
ENDS_WITHIN = 10.0  # s
PATIENT = 150.0  # s: for a busy machine, on which an engine starts killed workers again


NEEDS = {
    "taskiq": ("taskiq", "taskiq-redis", "taskiq-nats", "taskiq-aio-pika"),
    "celery": ("celery",),
}


def need_engine(engine: str) -> None:
    """Without the engine a test is skipped; it fails in the environment that is for it."""
    packages = NEEDS[engine]
    if not all(importlib.util.find_spec(each.replace("-", "_")) for each in packages):
        absent = f"no {engine} here: pip install -e '.[test,{engine}]' {' '.join(packages)}"
        if os.environ.get("OOB_HEAL_ENGINE") == engine:
            pytest.fail(absent)
        pytest.skip(absent)


@pytest.fixture(scope="session")
def _servers() -> Iterator[dict[str, Any]]:
    running: dict[str, Any] = {}
    yield running
    for each in running.values():
        each.close()


@pytest.fixture
def store(_servers: dict[str, Any]) -> Server:
    """Where entries live, and what workers note; empty."""
    if "store" not in _servers:
        _servers["store"] = Server("valkey")
    server: Server = _servers["store"]
    server.say("FLUSHALL")
    return server


@pytest.fixture
def broker_of(_servers: dict[str, Any]) -> Callable[[str], Any]:
    """The broker of a kind: started with its first use, kept for the run."""

    def get(kind: str) -> Any:
        if kind not in _servers:
            _servers[kind] = MAKERS[kind]()
        return _servers[kind]

    return get


class Workers:
    """Worker processes of one shop."""

    def __init__(self, store: Server, engine: str, broker: str, heal_timeout: float) -> None:
        self.engine = engine
        self.words = [engine, broker, store.url, str(heal_timeout)]
        self.told = {"PYTHONPATH": str(ROOT), "OOB_HEAL_SHOP": "|".join(self.words)}
        self.log = Path(store.folder) / f"workers-{time.monotonic_ns()}"
        self.started: list[subprocess.Popen[bytes]] = []
        self.processes = 0

    def start(self, count: int = 3) -> None:
        """One command with so many processes; each takes one message at a time."""
        self.processes = count
        program = [sys.executable, "-m", self.engine]
        if self.engine == "celery":
            words = ["-A", "tests.engines.worker:engine", "worker", "-c", str(count)]
            words += ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "ERROR"]
        else:
            words = ["worker", "tests.engines.worker:engine", "-w", str(count)]
            words += ["--max-async-tasks", "1", "--log-level", "ERROR", "--shutdown-timeout", "1"]
        with self.log.open("ab") as log:
            self.started.append(
                subprocess.Popen(
                    [*program, *words],
                    cwd=ROOT,
                    env={
                        **os.environ,
                        "PYTHONPATH": str(ROOT),
                        "OOB_HEAL_SHOP": "|".join(self.words),
                    },
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def said(self) -> str:
        return self.log.read_text(errors="replace")[-4_000:]

    def alive(self) -> bool:
        return all(each.poll() is None for each in self.started)

    def supervise(self) -> None:
        """Start the command again that has ended, as whatever runs it would: kombu's Redis
        transport can fail for good as its server dies, and Celery's main process with it."""
        if self.processes and self.started[-1].poll() is not None:
            self.start(self.processes)

    def close(self) -> None:
        for each in self.started:
            try:
                os.killpg(each.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            each.wait(ENDS_WITHIN)


@pytest.fixture
def shop_on(
    store: Server, broker_of: Callable[[str], Any]
) -> Iterator[Callable[..., tuple[Any, Workers, Any]]]:
    """Makes ``(shop, workers, broker)`` for a place: ``shop_on("taskiq-nats")``."""
    made: list[Any] = []

    def make(place: str, count: int = 3, heal_timeout: float = 0.2) -> tuple[Any, Workers, Any]:
        engine, kind = place.split("-")
        need_engine(engine)
        from tests.engines.shop import make as make_shop

        broker = broker_of(kind)
        broker.empty() if kind == "redis" else None
        workers = Workers(store, engine, broker.url, heal_timeout)
        shop = make_shop(*workers.words)
        made.extend((workers, shop))
        if count:
            workers.start(count)
            heals(shop, -1, workers)
        return shop, workers, broker

    yield make
    for each in made:
        each.close()


def heals(shop: Any, n: int, workers: Workers) -> float:
    """Read until the key is fresh, as its callers do; seconds it took."""
    start = time.monotonic()
    while True:
        workers.supervise()
        shop.price(n)
        seen = shop.price.peek(n)
        took = time.monotonic() - start
        if seen is not None and seen.freshness.value == "fresh":
            return took
        assert took < PATIENT, f"not healed in {took:.1f} s; the workers said: {workers.said()}"
        time.sleep(0.01)
