"""Request processes of a shop: forked from one that has imported all, so that many are cheap.

``python -m tests.engines.herd ENGINE BROKER STORE HEAL_TIMEOUT``, and on standard input lines of
``HOW N COUNT``: COUNT processes read key N; each is killed ``before`` or ``after`` it sent its
event, or lives on (``reads``) until the key is fresh. It prints a line when they have ended.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import sys
import time
from typing import Any

from tests.engines.shop import engine_of, make

PATIENT = 150.0  # s


def sending(shop: Any, how: str) -> Any:
    """The executor's send, counted, and deadly where it is to be."""
    send = shop.executor.outbox.send

    async def deadly(payload: bytes) -> None:
        if how == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        shop.tally.incr("sent")
        sent = await asyncio.to_thread(send, payload)
        if inspect.isawaitable(sent):
            await sent
        if how == "after":
            os.kill(os.getpid(), signal.SIGKILL)

    return deadly


def live(words: list[str], how: str, n: int, count: int) -> int:
    """Read until the key is fresh; 0 if it became so."""
    shop = make(*words)
    shop.executor.outbox.send = sending(shop, how)
    shop.tally.incr(f"ready {n}")
    until = time.monotonic() + PATIENT
    while int(shop.tally.get(f"ready {n}")) < count and time.monotonic() < until:
        time.sleep(0.001)
    while time.monotonic() < until:
        shop.price(n)
        seen = shop.price.peek(n)
        if how == "reads" and seen is not None and seen.freshness.value == "fresh":
            shop.close()
            return 0
        time.sleep(0.01)
    return 1


def main() -> None:
    words = sys.argv[1:]
    engine_of(*words[:2])  # what it imports, each child would import by itself
    for line in sys.stdin:
        how, n, count = line.split()
        children = []
        for _ in range(int(count)):
            child = os.fork()
            if child == 0:
                ended = 1
                try:
                    ended = live(words, how, int(n), int(count))
                finally:
                    os._exit(ended)
            children.append(child)
        statuses = [os.waitpid(child, 0)[1] for child in children]
        print(*statuses, flush=True)


if __name__ == "__main__":
    main()
