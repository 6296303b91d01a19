"""Soak the library: ``python -m tests.soak --minutes 30 --output soak-results``.

A Valkey of its own, processes that answer requests and workers that heal, under steady load. Every
20 s one of them is harmed, as the seed will have it. The history is judged when all is over; it
ends with a table, a plot, and 1 if a promise was broken. It needs the extra test, and examples for
the plot.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests import last_runs
from tests.redis.servers import Server
from tests.soak.crew import Crew
from tests.soak.judge import History, Promise, promises, table
from tests.soak.plan import CREW, DEPENDENCY, HARMS, SPARED
from tests.soak.plot import draw
from tests.soak.record import read

LASTS = 4.0  # s of each harm, 2 of them at least before the next


class Soak:
    """One run."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        self.chance = random.Random(options.seed)
        self.harms: list[tuple[float, str]] = []
        self.order: list[str] = []
        self.server = Server("valkey")
        life = 60 * options.minutes + 180
        self.crew = Crew(self.server.url, folder, life, options.seed)
        self.start = time.monotonic()

    def run(self) -> None:
        """To the end of its time."""
        try:
            self.crew.mend()
            end = self.start + 60 * self.options.minutes
            while (left := end - time.monotonic()) > 0:
                time.sleep(min(left, self.options.every - LASTS))
                if end - time.monotonic() > 2 * LASTS:
                    self.harm()
            self.crew.end()
        finally:
            self.crew.leave_nobody()
            self.server.close()

    def harm(self) -> None:
        """Do one thing, for a while, and mend it."""
        if not self.order:  # each once, in a new order, before any comes again
            self.order = self.chance.sample(self.options.only, len(self.options.only))
        what = self.order.pop()
        at = time.monotonic()
        self.harms.append((at, what))
        print(f"{at - self.start:7.1f} s  {what}", flush=True)
        verb, _, whom = what.partition(" ")
        if what in DEPENDENCY:
            (self.folder / what.rpartition(" ")[2]).touch()
        elif whom == "the server":
            self._harm_server(verb)
        elif what == "cut its connections":
            self.server.say("CLIENT", "KILL", "TYPE", "normal")
        else:
            name = "worker" if "worker" in whom else self._somebody(verb)
            getattr(self.crew, verb)(name)
        time.sleep(LASTS)
        self._mend()

    def _harm_server(self, verb: str) -> None:
        if verb == "empty":
            self.server.say("FLUSHALL")
        else:
            getattr(self.server, verb)()

    def _somebody(self, verb: str) -> str:
        spared = ("worker", SPARED) if verb == "kill" else ("worker",)
        return self.chance.choice([name for name in CREW if name not in spared])

    def _mend(self) -> None:
        for each in DEPENDENCY:
            (self.folder / each.rpartition(" ")[2]).unlink(missing_ok=True)
        process = self.server.process
        if process is not None and process.poll() is not None:
            self.server.start()
        self.server.resume()
        self.crew.resume()
        self.crew.mend()


def main() -> int:
    """Run, judge, show."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    folder = Path(tempfile.mkdtemp(prefix="oob-heal-soak-"))
    print(f"{options.minutes:g} minutes, seed {options.seed}: {len(CREW)} processes on one Valkey")
    try:
        soak = Soak(options, folder)
        soak.run()
        history = History(read(folder))
        if options.output is not None:
            shutil.copytree(folder, options.output / "history", dirs_exist_ok=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    judged = promises(history)
    judged.append(Promise("each process ends in order", soak.crew.started, soak.crew.troubled))
    show(soak, history, judged)
    return 1 if any(each.broken or not each.looked for each in judged) else 0


def show(soak: Soak, history: History, judged: list[Promise]) -> None:
    """The table, and what is asked for besides."""
    print(f"\n{table(history, judged)}")
    for each in judged:
        for line in each.broken[:5]:
            print(f"BROKEN    {each.text}: {line}")
    options = soak.options
    facts = {each.text: [each.looked, len(each.broken)] for each in judged}
    if options.record:
        told = {"minutes": options.minutes, "harms": len(soak.harms), "promises": facts}
        last_runs.record("soak", told)
    if options.output is not None:
        told = {"seed": options.seed, "minutes": options.minutes, "promises": facts}
        (options.output / "soak.json").write_text(json.dumps(told, indent=2))
        _plot(history, soak, options.output / "soak.png")


def _plot(history: History, soak: Soak, path: Path) -> None:
    try:
        draw(history, soak.harms, soak.start, path)
    except ImportError:
        print("no plot: it needs matplotlib, which the extra examples brings")
    else:
        print(f"plot      {path}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=30, metavar="N")
    parser.add_argument("--every", type=float, default=20, metavar="S", help="seconds a harm")
    parser.add_argument("--only", default="", metavar="WORD", help="harms that have it in them")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of harm and load")
    parser.add_argument("--record", action="store_true", help="as the last run")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="for the plot")
    options = parser.parse_args()
    if options.every <= LASTS or options.minutes <= 0:
        parser.error(f"--every is above {LASTS:g} s, and --minutes above 0")
    options.only = [each for each in HARMS if options.only in each]
    if not options.only:
        parser.error(f"--only picks from: {', '.join(HARMS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
