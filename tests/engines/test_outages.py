"""The broker is killed, comes back, and comes back empty, under load: no caller sees it.  # H12"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Self

import pytest

from tests.amounts import FULL
from tests.engines.conftest import FIRST, PLACES, heals

EVERY = 0.02  # s between two reads of the load
NEW_EVERY = 10  # reads until another key is asked for


class Load:
    """Callers that read the latest keys, one new one now and then."""

    def __init__(self, shop: Any) -> None:
        self.shop = shop
        self.send, self.senders = shop.executor.outbox.send, set[str]()
        shop.executor.outbox.send = self._send
        self.errors: list[BaseException] = []
        self.slowest = 0.0
        self.keys = 1
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(10)

    def _send(self, payload: bytes) -> Any:
        self.senders.add(threading.current_thread().name)
        return self.send(payload)

    def _read(self) -> None:
        turn = 0
        while not self._end.wait(EVERY):
            turn += 1
            self.keys = 1 + turn // NEW_EVERY
            n = max(0, self.keys - 1 - turn % 10)
            began = time.monotonic()
            try:
                assert self.shop.price(n) in (n, -1)
            except BaseException as error:
                self.errors.append(error)
            self.slowest = max(self.slowest, time.monotonic() - began)


@pytest.mark.timeout(900 if FULL else 600)
@pytest.mark.parametrize("place", PLACES if FULL else FIRST)
def test_a_broker_killed_restarted_and_emptied_under_load_is_seen_by_no_caller(
    shop_on: Callable[..., Any], place: str
) -> None:
    shop, workers, broker = shop_on(place, 2)
    with Load(shop) as load:
        time.sleep(0.5)
        broker.kill()
        time.sleep(2.0)
        broker.start()
        time.sleep(1.0)
        broker.empty()
        time.sleep(0.5)
    assert load.errors == []
    assert load.senders == {"oob-heal-publisher"}  # so no caller has anything to wait for
    took = [heals(shop, n, workers) for n in range(load.keys)]
    print(place, f"a read took {load.slowest:.3f} s at most")
    print(place, f"{load.keys} keys, the slowest healed {max(took):.2f} s after its read")
    calls = {int(n): int(count) for n, count in shop.tally.hgetall("calls").items()}
    assert all(calls[n] >= 1 for n in range(load.keys))
