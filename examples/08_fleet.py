"""Run it: `pip install -e ".[examples]"`, then `python examples/08_fleet.py`. It takes 45 s.

One cache for a whole fleet, and what its clients see while that cache's server is killed.

A web service runs as several worker processes behind one port (`uvicorn --workers`). It answers
from the records of 7,884 airports, which another service has. Each airport is asked for in two
ways: over `RedisBackend`, where the workers share entries and leases in one Valkey, and over the
memory table that each worker has for itself. In mid-run the Valkey is killed with SIGKILL, and
comes back empty.

It shows what happens meanwhile (`--short`: in 20 s), and prints a table. It ends with 1 if what it
shows does not hold: one heal a key for the whole fleet, no client with an error, no call of the
dependency while the store is dead, and fresh answers soon after it is back. On a machine that
starves its processes it says so, and judges no times.

The interesting code is in fleet_parts/app.py: what one worker runs.
"""

import argparse
import os
import signal
import sys
import time

from fleet_parts.figures import broken_promises, calls_in, table, too_busy, workers_table
from fleet_parts.plan import Phase, Plan, Way, plan_run
from fleet_parts.run import Result, run_fleet
from outage_parts.figures import seconds


def main() -> int:
    """Run the fleet, report, and return the exit status."""
    options = _read_options()
    began = time.monotonic()
    # One way out: SIGTERM ends us as Ctrl-C does, and both end the processes of the run.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    plan = plan_run(short=options.short, workers=options.workers, seed=options.seed)
    print(_introduction(plan), flush=True)
    try:
        result = run_fleet(plan)
    except KeyboardInterrupt:
        print("\ninterrupted; all processes of the run have ended")
        return 130
    print(f"\n{table(result)}\n\n{workers_table(result)}\n\n{_notes(result)}\n")
    print(f"took      {time.monotonic() - began:.0f} s")
    return _verdict(result)


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n\n")[1],
        epilog="See the first lines of this file for what it shows.",
    )
    parser.add_argument("--short", action="store_true", help="a run of 20 s, for CI")
    parser.add_argument("--workers", type=int, default=4, metavar="N", help="processes (default 4)")
    parser.add_argument("--seed", type=int, default=7, help="of arrivals and keys (default: 7)")
    if os.name != "posix":
        parser.error("this example kills a process with SIGKILL, which needs a POSIX system")
    options = parser.parse_args()
    if options.workers < 2:
        parser.error("a fleet has at least 2 workers")
    return options


def _introduction(plan: Plan) -> str:
    empty, warm, dead, back = plan.durations.values()
    return (
        f"{plan.workers} worker processes answer {2 * plan.rate:.0f} requests a second:"
        f" half of them from a Valkey that they share,\nhalf from a memory table of each worker's"
        f" own. {plan.airports} airports are asked for; ttl {plan.ttl:g} s.\n"
        f"The Valkey: {empty:g} s empty at first, {warm:g} s warm, {dead:g} s dead (SIGKILL),"
        f" {back:g} s back, and empty again.\n"
    )


def _notes(result: Result) -> str:
    plan = result.plan
    return f"""\
  A call is one that reached the dependency, healthy throughout; it answers in\
 {seconds(plan.slowness)}.
  While the Valkey is dead nobody can take a lease, so nobody heals, and the dependency rests.
  Its entries are out of reach, so the default answers. Memories of their own go on, and cost
  up to {plan.workers} calls for each key: one a worker.
  Latency counts from when a request was due. The machine was so busy that a request which asks
  no cache took up to {seconds(result.busy)}."""


def _verdict(result: Result) -> int:
    broken = broken_promises(result)
    for promise in broken:
        print(f"BROKEN    {promise}")
    if broken:
        return 1
    heals = len(calls_in(result, Way.SHARED, Phase.EMPTY))
    print(
        f"held      {heals} heals of {result.plan.airports} keys filled the store for the whole"
        " fleet, never two of one key at once;\n"
        "          no client saw an error, be the store dead or alive"
    )
    if too_busy(result):
        print("unjudged  all times: this machine is too busy to tell; run it again when it is not")
    else:
        print(
            "          no call of the dependency while the store was dead; fresh again"
            f" {seconds(result.fresh_after)} after it was back"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
