"""Run it: `pip install -e ".[examples]"`, then `python examples/dashboard.py`, till Ctrl-C.

A live page of what healing_cache hides: how old its answers grow while nobody notices.

A service answers 50 requests a second from `healing_cache`; the dependency that it heals from is
healthy, then slow, then dead, then back, over and over. Open the address that it prints.
Everything on the page is served from here: nothing is fetched from elsewhere, and it runs on the
loopback only.

The interesting code is in dashboard_parts/history.py: from counters that only grow to what
happened in each second.
"""

import argparse
import asyncio
import sys

from dashboard_parts.run import Dashboard, run


def main() -> int:
    """Run until interrupted, or for as long as asked; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("--port", type=int, default=8700, help="of the page; 0: any free one")
    parser.add_argument("--seconds", type=float, help="end after so long (default: with Ctrl-C)")
    parser.add_argument("--short", action="store_true", help="an outage of 10 s, for a machine")
    options = parser.parse_args()
    dashboard = Dashboard(short=options.short, port=options.port)
    try:
        asyncio.run(run(dashboard, options.seconds))
    except KeyboardInterrupt:
        print("\ninterrupted; all processes of the run have ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
