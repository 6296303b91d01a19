"""What one sees while it runs: a line a phase, redrawn on a terminal; elsewhere a line a second."""

import asyncio
import shutil
import sys
from typing import TYPE_CHECKING, TextIO

from outage_parts.load import Load
from outage_parts.plan import ARCHITECTURES, Phase

if TYPE_CHECKING:
    from outage_parts.run import Result

COUNTS = "  answered  errors  waiting"
MARGIN = " " * 17


class Progress:
    """Prints how far the run is, and how the clients of the three services fare."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        width = len(MARGIN) + len(COUNTS) * len(ARCHITECTURES)
        self._out = out
        self._redraw = out.isatty() and shutil.get_terminal_size().columns > width
        self._phase: Phase | None = None

    async def watch(self, result: "Result", loads: dict[str, Load], start: float) -> None:
        """Report every second while the load goes on; counts are those of the current phase."""
        labels = [f"{architecture.label:>{len(COUNTS)}}" for architecture in ARCHITECTURES]
        self._print(MARGIN + "".join(labels) + "\n")
        self._print(f"{'dependency':>{len(MARGIN)}}{COUNTS * len(ARCHITECTURES)}\n")
        clock = asyncio.get_running_loop().time
        for second in range(1, round(result.plan.length)):
            await asyncio.sleep(start + second - clock())
            self._report(result, loads, second)

    def finish(self, result: "Result", loads: dict[str, Load]) -> None:
        """Report the end, when every request has come to one."""
        self._report(result, loads, result.plan.length)
        self._print("\n" if self._redraw else "")

    def _report(self, result: "Result", loads: dict[str, Load], now: float) -> None:
        phase, since = result.phases[-1]
        cells = [_counts(loads[architecture.key], since) for architecture in ARCHITECTURES]
        line = f"{now:>4.0f} s {phase:>10}{''.join(cells)}"
        if not self._redraw:
            self._print(line + "\n")
        else:
            self._print(("\r" if phase is self._phase else "\n" if self._phase else "") + line)
        self._phase = phase

    def _print(self, text: str) -> None:
        print(text, end="", file=self._out, flush=True)


def _counts(load: Load, since: float) -> str:
    ended = [sample for sample in load.samples if sample.at + sample.latency >= since]
    answered = sum(sample.answered for sample in ended)
    return f"{answered:>10}{len(ended) - answered:>8}{load.waiting:>9}"
