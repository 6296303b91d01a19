"""From counters that only grow to what happened in each second: bounded, plain data."""

from collections import deque
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

SECONDS_KEPT = 180


class History:
    """The last three minutes of one service, a row a second."""

    def __init__(self) -> None:
        self.rows: deque[dict[str, Any]] = deque(maxlen=SECONDS_KEPT)
        self.totals: dict[str, Any] = {}
        self._last: dict[str, Any] | None = None
        self._last_at = 0.0

    def add(self, at: float, phase: str, figures: dict[str, Any], client: dict[str, int]) -> None:
        """Take a sample: the figures of the service, and what its clients have counted."""
        f = figures["functions"][0]
        self.totals = {"answers": f["answers"], "heals": f["heals"], "client": client}
        last, self._last = self._last, f
        seconds, self._last_at = at - self._last_at, at
        if last is None:  # what happened before, the warm-up too, is no part of a second
            return
        bounds, ages = f["ages"]["bounds"], _since(f["ages"]["counts"], last["ages"]["counts"])
        self.rows.append(
            {
                "at": round(at, 2),
                "seconds": round(seconds, 2),
                "phase": phase,
                "answers": {k: n - last["answers"][k] for k, n in f["answers"].items()},
                "heals": {k: n - last["heals"][k] for k, n in f["heals"].items()},
                "age_half": at_most(bounds, ages, 0.5),
                "age_most": at_most(bounds, ages, 0.99),
                "healing": f["healing"],
                "failing": f["failing"],
                "promise": f["promise"],
                "breaker": breaker(figures),
                "waiting": sum(each["heals"].get("waiting", 0) for each in figures["executors"]),
            }
        )


def breaker(figures: dict[str, Any]) -> str:
    """The state of the one dependency's breaker; '' where there is none."""
    return next((each["breaker"] for each in figures["dependencies"]), "")


def at_most(bounds: Sequence[float], counts: Sequence[int], share: float) -> float | None:
    """The bound that at least this share of the values was younger than."""
    if not sum(counts):
        return None
    needed = share * sum(counts)
    for bound, so_far in zip([*bounds, bounds[-1]], accumulate(counts), strict=True):
        if so_far >= needed:
            return bound
    return bounds[-1]


def _since(now: Sequence[int], before: Sequence[int]) -> list[int]:
    return [n - b for n, b in zip(now, before, strict=True)]
