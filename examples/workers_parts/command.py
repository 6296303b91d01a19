"""What `09_taskiq.py` and `10_celery.py` do: read the options, run the shop, report, judge.

A web service reads its answers from a Valkey and nothing else; what it misses, it publishes; two
worker processes of the engine call the dependency, an HTTP server with the records of 7,884
airports. In mid-run one worker is killed with SIGKILL while it is inside the dependency. No engine
is waited for to notice: its lease ends, the next read publishes again, the other worker heals.

The run ends with 1 if what it shows does not hold: every request answered, and soon; no call of
the dependency by the service; and each airport healed again within its ttl, one lease and one read.
"""

import argparse
import os
import signal
import time
from importlib.util import find_spec

from workers_parts.figures import broken_promises, table
from workers_parts.plan import Plan, plan_run
from workers_parts.run import run_shop


def main(engine: str, *, needs: str, told: str) -> int:
    """Run the shop on one engine, report, and return the exit status."""
    options = _read_options(engine, needs, told)
    began = time.monotonic()
    # One way out: SIGTERM ends us as Ctrl-C does, and both end the processes of the run.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    plan = plan_run(engine, short=options.short, seed=options.seed)
    print(_introduction(plan), flush=True)
    try:
        result = run_shop(plan)
    except KeyboardInterrupt:
        print("\ninterrupted; all processes of the run have ended")
        return 130
    print(f"\n{table(result)}\n\ntook      {time.monotonic() - began:.0f} s")
    broken = broken_promises(result)
    for promise in broken:
        print(f"BROKEN    {promise}")
    if not broken:
        print("held      every request was answered in time, and each airport healed again")
    return 1 if broken else 0


def _read_options(engine: str, needs: str, told: str) -> argparse.Namespace:
    how, what = told.split("\n\n")
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--short", action="store_true", help="a run of 20 s, for CI")
    parser.add_argument("--seed", type=int, default=7, help="of keys and load (default: 7)")
    if os.name != "posix":
        parser.error("this example kills a process with SIGKILL, which needs a POSIX system")
    options = parser.parse_args()
    if find_spec(needs) is None:
        parser.error(f"{engine} is not installed. {how}")
    return options


def _introduction(plan: Plan) -> str:
    return (
        f"A web service answers {plan.rate:.0f} requests a second for {plan.airports} airports"
        f" (ttl {plan.ttl:g} s), and {plan.workers} workers on\n{plan.engine} heal what it misses:"
        f" {plan.warm:g} s both of them, then one is killed while it heals, {plan.alone:g} s the\n"
        f"other one alone, {plan.back:g} s with a new one. The dependency answers in"
        f" {plan.slowness * 1000:.0f} ms.\n"
    )
