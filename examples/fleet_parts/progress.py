"""What one sees while it runs: a line a phase, redrawn on a terminal; elsewhere a line a second."""

import asyncio
import shutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from fleet_parts.load import ERROR, Load
from fleet_parts.plan import Phase, Way

if TYPE_CHECKING:
    from fleet_parts.run import Call, Result

TITLES = {Way.SHARED: "over one Valkey", Way.ALONE: "over memories of their own"}
COUNTS = "   fresh  stale  default  errors  calls"
MARGIN = " " * 15
BEFORE = 0.02  # s: a phase that ends on a second is told as it ended


class Progress:
    """Prints how far the run is, and how the clients of both ways fare."""

    def __init__(
        self, result: "Result", loads: dict[Way, Load], calls: "Callable[[], list[Call]]"
    ) -> None:
        width = len(MARGIN) + len(COUNTS) * len(Way)
        self._redraw = sys.stdout.isatty() and shutil.get_terminal_size().columns > width
        self._result = result
        self._loads = loads
        self._calls = calls
        self._phase: Phase | None = None

    async def watch(self, start: float) -> None:
        """Report every second while the load goes on; counts are those of the current phase."""
        _print(MARGIN + "".join(f"{TITLES[way]:>{len(COUNTS)}}" for way in Way) + "\n")
        _print(f"{'store':>{len(MARGIN)}}{COUNTS * len(Way)}\n")
        clock = asyncio.get_running_loop().time
        for second in range(1, round(self._result.plan.length)):
            await asyncio.sleep(start + second - BEFORE - clock())
            self._report(second)

    def finish(self) -> None:
        """Report the end, when every request has come to one."""
        self._report(self._result.plan.length)
        _print("\n" if self._redraw else "")

    def _report(self, now: float) -> None:
        phase, since = self._result.phases[-1]
        line = f"{now:>4.0f} s {phase:>8}" + "".join(self._counts(way, since) for way in Way)
        if not self._redraw:
            _print(line + "\n")
        else:
            _print(("\r" if phase is self._phase else "\n" if self._phase else "") + line)
        self._phase = phase

    def _counts(self, way: Way, since: float) -> str:
        ended = [s.freshness for s in self._loads[way].samples if s.at + s.latency >= since]
        fresh, stale, errors = (ended.count(each) for each in ("fresh", "stale", ERROR))
        default = len(ended) - fresh - stale - errors
        calls = sum(call.way is way and call.began >= since for call in self._calls())
        return f"{fresh:>8}{stale:>7}{default:>9}{errors:>8}{calls:>7}"


def _print(text: str) -> None:
    print(text, end="", flush=True)
