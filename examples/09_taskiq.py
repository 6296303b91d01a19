"""Run it: `pip install -e ".[examples,taskiq]" taskiq-redis`, then `python examples/09_taskiq.py`.

A web service whose heals run in workers of taskiq, one of which is killed in mid-heal. It takes
40 s (`--short`: 20 s). What is told to taskiq is in workers_parts/shop.py; what the run shows, and
what has to hold, in workers_parts/command.py.
"""

import sys

from workers_parts.command import main

if __name__ == "__main__":
    sys.exit(main("taskiq", needs="taskiq_redis", told=__doc__ or ""))
