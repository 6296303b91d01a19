"""Real processes on one store: one call among all, and a killed one costs a lease and a read."""

from __future__ import annotations

import os
import signal

import pytest

from oob_heal import HealingCache, Outcome
from oob_heal.executors.queue import QueueExecutor
from tests.conftest import World
from tests.loopback import StoreServer
from tests.waiting import LIMIT, wait_until

PROCESSES = 8
LEASE = 31.0  # s: heal_timeout and a second for the commit

WORKER = """
from oob_heal import HealingCache
import os, threading

cache = HealingCache(ttl=60, backend=backend, namespace="shop")

@cache(name="price")
def price(n) -> str:
    note("called", (os.getpid(), n))
    if {hangs}:
        threading.Event().wait()
    return f"price of {{n}}"

note("ready")
while True:
    note("ended", str(cache.heal_message(take())))
"""

SERVICE = """
from oob_heal import HealingCache
import time

cache = HealingCache(ttl=60, backend=backend, namespace="shop")

@cache(name="price", default="default")
def price(n) -> str:
    note("called", n)
    take()  # until the test lets go
    return "v"

note("ready")
take()
note("answers", {price(1) for _ in range(125)})
while price.cache_info().healing:
    time.sleep(0.001)
note("info", tuple(price.cache_info()))
cache.close()
"""


# H19: the promise's own numbers: 1,000 callers in 8 processes.
def test_a_thousand_callers_in_eight_processes_make_one_call() -> None:
    with StoreServer() as server:
        processes = [server.start(SERVICE) for _ in range(PROCESSES)]
        server.noted("ready", PROCESSES)
        for _ in range(PROCESSES):
            server.messages.put(b"call")
        assert server.noted("answers", PROCESSES) == [{"default"}] * PROCESSES
        server.noted("called")
        server.messages.put(b"let go")
        server.noted("info", PROCESSES)
        assert [process.wait(LIMIT) for process in processes] == [0] * PROCESSES
        assert server.noted("called") == [1]
        assert server.store.live_leases() == 0


# H13: the lease of a killed process ends by itself.
def test_a_key_whose_worker_is_killed_in_the_dependency_heals_after_one_lease_and_one_read() -> (
    None
):
    with StoreServer() as server, QueueExecutor(server.messages.put) as executor:
        clock = server.store.clock
        cache = HealingCache(
            ttl=60, backend=server.store.backend(), executor=executor, namespace="shop", clock=clock
        )

        @cache(name="price", default="default")
        def price(n: int) -> str:
            raise AssertionError("healed in the request's process")

        victim = server.start(WORKER.format(hangs=True))
        assert price(1) == "default"
        ((pid, _),) = server.noted("called")
        os.kill(pid, signal.SIGKILL)
        assert victim.wait(LIMIT) == -signal.SIGKILL
        server.start(WORKER.format(hangs=False))
        server.noted("ready", 2)
        for _ in range(10):
            clock.advance(LEASE / 11)
            assert price(1) == "default"  # the lease of the dead still holds
        assert len(server.noted("called")) == 1
        clock.advance(LEASE / 11)
        assert price(1) == "default"  # the one read
        assert server.noted("ended") == ["Outcome.HEALED"]
        assert price(1) == "price of 1"
        clock.advance(LEASE + 30)
        wait_until(lambda: price.cache_info().healing == 0)  # H14


KILLED = """
from oob_heal import HealingCache
from oob_heal.executors.queue import QueueExecutor
import threading

def hang(payload=None):
    note("hangs")
    threading.Event().wait()

cache = HealingCache(ttl=60, backend=backend, namespace="shop", executor={executor})

@cache(name="price", default="default")
def price(n) -> str:
    hang()

price(1)
threading.Event().wait()
"""


# H13: the request's own process, killed while it heals, or while it hands the heal on.
@pytest.mark.parametrize(("executor", "lease"), [("None", 31), ("QueueExecutor(hang)", 30)])
def test_a_key_whose_request_process_is_killed_heals_after_one_lease_and_one_read(
    executor: str, lease: float
) -> None:
    with StoreServer() as server:
        world = World("store", "sync", server.store)
        world.cache = HealingCache(
            backend=world.backend, executor=world.executor, clock=world.clock, namespace="shop"
        )

        def source(n: int) -> str:
            return "v"

        price = world.decorate(source, name="price", default="default")
        victim = server.start(KILLED.format(executor=executor))
        server.noted("hangs")
        victim.kill()
        assert victim.wait(LIMIT) == -signal.SIGKILL
        world.clock.advance(lease - 2)
        assert price(1) == "default"
        assert world.executor.run_next() is Outcome.REFUSED  # the lease of the dead still holds
        world.clock.advance(2)
        assert price(1) == "default"  # the one read
        assert world.executor.run_next() is Outcome.HEALED
        assert price(1) == "v"
        world.ledger_balances()
