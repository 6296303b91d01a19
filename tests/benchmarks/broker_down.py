"""What a call costs while the broker is down, beside one while it is up. ``--engine celery``, say.

Each round asks for keys that are absent, so that every call publishes: some with the broker up,
some with it killed, in turn. Printed are the medians of the best round of each, and their ratio.
Ends with 1 when the broker's absence costs a caller more than 20 %.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.engines.shop import make
from tests.redis.servers import Server

ROUNDS = 7
CALLS = 300
BETWEEN = 0.002  # s: a caller that shares its core with the publisher measures that
LIMIT = 1.2


def one_round(shop: Any, first: int) -> float:
    """The median of calls that publish, in seconds."""
    took = []
    for n in range(first, first + CALLS):
        began = time.perf_counter()
        shop.price(n)
        took.append(time.perf_counter() - began)
        time.sleep(BETWEEN)
    return statistics.median(took)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--engine", choices=("taskiq", "celery"), default="taskiq")
    engine = parser.parse_args().engine
    store, broker = Server("valkey"), Server("valkey")
    shop = make(engine, broker.url, store.url, "30")
    up, down, turn = [], [], 0
    try:
        one_round(shop, -2 * CALLS)
        for _ in range(ROUNDS):
            up.append(one_round(shop, CALLS * turn))
            broker.kill()
            down.append(one_round(shop, CALLS * (turn + 1)))
            broker.start()
            time.sleep(0.5)
            turn += 2
    finally:
        shop.close()
        broker.close()
        store.close()
    ratio = min(down) / min(up)
    print(f"{engine}, median of {CALLS} calls that publish, best of {ROUNDS} rounds each:")
    print(f"  broker up   {min(up) * 1e6:8.0f} us")
    print(f"  broker down {min(down) * 1e6:8.0f} us, {ratio:.2f} of it")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
