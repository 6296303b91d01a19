"""A fresh hit that is watched beside one that is not; run it as a script.

Prints ratios, side by side in one run: with a promise, scraped for Prometheus ten times a second,
and with OpenTelemetry, collected ten times a second. The budget is 1.2; ends with 1 beyond it.
"""

from __future__ import annotations

import platform
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry, generate_latest

from oob_heal import HealingCache, Promise
from oob_heal.export.otel import Telemetry
from oob_heal.export.prometheus import Collector

ROUNDS, CALLS = 31, 100_000
EVERY = 0.1  # s between two scrapes: 150 times as often as is usual
BUDGET = 1.2


def hit_of(cache: HealingCache) -> Callable[[int], int]:
    @cache(ttl=3600, name="hit")
    def double(n: int) -> int:
        return 2 * n

    double.set(2, 1)
    return double


def timed(call: Callable[[int], Any], look: Callable[[], Any] | None) -> float:
    """Nanoseconds a call, while a thread looks now and then: the time of the processor, of both
    threads together, so that looking counts and other processes do not."""
    ended = threading.Event()

    def looking() -> None:
        while look is not None and not ended.wait(EVERY):
            look()

    thread = threading.Thread(target=looking)
    thread.start()
    start = time.process_time()
    for _ in range(CALLS):
        call(1)
    ended.set()
    thread.join()
    took = time.process_time() - start
    return took / CALLS * 1e9


def main() -> int:
    registry, reader = CollectorRegistry(), InMemoryMetricReader()
    telemetry = Telemetry(meter_provider=MeterProvider([reader]))
    promise = Promise(younger_than=3600)
    bare, scraped, traced = (
        HealingCache(),
        HealingCache(promise=promise),
        HealingCache(observers=[telemetry], promise=promise),
    )
    registry.register(Collector(scraped))
    telemetry.watch(traced)
    kinds: dict[str, tuple[Callable[[int], Any], Callable[[], Any] | None]] = {
        "unwatched": (hit_of(bare), None),
        "Prometheus": (hit_of(scraped), lambda: generate_latest(registry)),
        "OpenTelemetry": (hit_of(traced), reader.get_metrics_data),
    }
    rounds = [{name: timed(*each) for name, each in kinds.items()} for _ in range(ROUNDS)]
    print(f"CPython {platform.python_version()}, median of {ROUNDS} x {CALLS} calls")
    worst = 0.0
    for name in kinds:
        best = min(each[name] for each in rounds)
        ratio = statistics.median(each[name] / each["unwatched"] for each in rounds)
        worst = max(worst, ratio)
        print(f"{name:14} {best:6.0f} ns at best   {ratio:.3f} x")
    return 1 if worst > BUDGET else 0


if __name__ == "__main__":
    sys.exit(main())
