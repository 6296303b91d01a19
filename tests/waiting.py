"""Waiting for real threads and processes, with an end: the core's own tests never need it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

LIMIT = 30.0  # s: generous, for a busy machine; what is waited for takes milliseconds


def wait_until(condition: Callable[[], Any], limit: float = LIMIT) -> None:
    """Look every millisecond until it is true; an AssertionError if it never is."""
    until = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < until, f"{condition} did not become true in {limit} s"
        time.sleep(0.001)


def in_threads(count: int, work: Callable[[int], Any], limit: float = LIMIT) -> list[Any]:
    """Run ``work(0)`` ... ``work(count - 1)`` in as many threads at once; what they returned."""
    ready = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(number: int) -> None:
        ready.wait(limit)
        try:
            results[number] = work(number)
        except BaseException as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(limit)
    assert not any(thread.is_alive() for thread in threads), "a thread did not end"
    return results


class Gate:
    """A dependency that blocks until it is opened; it counts its calls."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.entered = threading.Semaphore(0)
        self.lock = threading.Lock()
        self.calls = self.left = 0

    def __call__(self, key: Any = None) -> str:
        with self.lock:
            self.calls += 1
        self.entered.release()
        opened = self.opened.wait(LIMIT)
        with self.lock:
            self.left += 1
        assert opened, "nobody opened the gate"
        return "v"

    def wait_for_calls(self, count: int = 1) -> None:
        """Until so many more calls have come in."""
        for _ in range(count):
            assert self.entered.acquire(timeout=LIMIT), "the dependency was not called"


class Job:
    """A heal that blocks at a gate."""

    def __init__(self, gate: Any = lambda: None, group: str = "a", timeout: float = 30) -> None:
        self.gate, self.group, self.timeout = gate, group, timeout
        self.ran = self.given_up = self.was_cut_off = False

    def __call__(self) -> None:
        self.gate()
        self.ran = True

    def give_up(self) -> None:
        self.given_up = True

    def cut_off(self) -> None:
        self.was_cut_off = True


def blocking(gate: Callable[[int], str]) -> Callable[[int], str]:
    def source(n: int) -> str:
        return gate(n)

    return source
