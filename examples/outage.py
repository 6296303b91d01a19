"""Run it: `pip install -e ".[examples]"`, then `python examples/outage.py`. It takes 45 s.

What the clients of a service see while its dependency is slow, dead and back.

Three services answer the same questions from the same dependency: an HTTP server with the records
of 7,884 airports. One calls it in each request. One has a cache that heals in band: cachetools, as
a careful engineer would use it. One has `healing_cache`, the same ttl. All three get the same load
while the dependency is healthy, answers in 1 s, is killed, and comes back.

It shows what happens meanwhile (`--short`: in 15 s), prints a table, and writes a picture and the
figures to ./outage-results. It ends with 1 if healing_cache did not hold what it promises: no
error, no answer anywhere near as slow as the dependency, and figures of its own that are what its
clients counted.

The interesting code is in outage_parts/services.py: the three architectures, side by side.
"""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

from outage_parts.figures import as_json, broken_promises, seconds, table, too_busy
from outage_parts.picture import draw
from outage_parts.plan import Plan, plan_run
from outage_parts.progress import Progress
from outage_parts.run import Result, run_outage


def main() -> int:
    """Run the outage, report, and return the exit status."""
    options = _read_options()
    began = time.monotonic()
    # One way out: SIGTERM ends us as Ctrl-C does, and both end the children.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    plan = plan_run(short=options.short, seed=options.seed)
    print(_introduction(plan), flush=True)
    try:
        result = run_outage(plan, Progress())
    except KeyboardInterrupt:
        print("\ninterrupted; all processes of the run have ended")
        return 130
    written = _write(result, options.output)
    print(f"\n{table(result)}\n\n{_notes(result)}\n")
    print(f"picture   {written['picture']}\nfigures   {written['figures']}")
    print(f"took      {time.monotonic() - began:.0f} s")
    return _verdict(result)


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n\n")[1],
        epilog="See the first lines of this file for what it shows.",
    )
    parser.add_argument("--short", action="store_true", help="a run of 15 s, for CI")
    parser.add_argument("--seed", type=int, default=7, help="of arrivals and keys (default: 7)")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("outage-results"),
        metavar="DIR",
        help="where picture and figures go (default: ./outage-results)",
    )
    if os.name != "posix":
        parser.error("this example kills a process with SIGKILL, which needs a POSIX system")
    return parser.parse_args()


def _introduction(plan: Plan) -> str:
    healthy, slow, dead, back = plan.durations.values()
    return (
        f"Three services, each with {plan.threads} worker threads, get the same"
        f" {plan.rate:.0f} requests a second.\n"
        f"Their dependency: {healthy:g} s healthy, {slow:g} s slow"
        f" ({seconds(plan.slowness)} an answer), {dead:g} s dead (SIGKILL), {back:g} s back.\n"
        f"Both caches: ttl {plan.ttl:g} s, warmed up with {plan.warmed} of the"
        f" {plan.airports} airports that are asked for.\n"
    )


def _notes(result: Result) -> str:
    unknown = result.plan.airports - result.plan.warmed
    return f"""\
  Latency counts from the time at which a request was due, whenever it was sent.
  The load itself was late by at most {seconds(result.lateness)}; a request that asks no cache took
  up to {seconds(result.busy)}, which is what this machine alone costs.
  The default stands in for the {unknown} airports that neither cache was warmed up with, each until
  its first heal. Nothing heals a value that nobody asks for: the first to ask for it after a long
  while gets it that old. What the warm-up called is not counted."""


def _write(result: Result, folder: Path) -> dict[str, Path]:
    if not folder.exists():
        folder.mkdir(parents=True)
        (folder / ".gitignore").write_text("*\n")  # ours, so git need not know of it
    written = {"picture": folder / "outage.png", "figures": folder / "outage.json"}
    draw(result, written["picture"])
    written["figures"].write_text(json.dumps(as_json(result), indent=2) + "\n")
    return written


def _verdict(result: Result) -> int:
    broken = broken_promises(result)
    for promise in broken:
        print(f"BROKEN    {promise}")
    if not broken:
        within = "" if too_busy(result) else f", each within {seconds(result.plan.in_time)}"
        print(
            f"held      healing_cache answered every request{within};\n"
            "          its own figures are what its clients counted"
        )
    if too_busy(result):
        print("unjudged  all times: this machine is too busy to tell; run it again when it is not")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
