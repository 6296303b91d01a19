"""Run it: `pip install -e ".[examples,celery]"`, then `python examples/10_celery.py`.

A web service whose heals run in workers of Celery, one of which is killed in mid-heal. It takes
40 s (`--short`: 20 s). What is told to Celery is in workers_parts/shop.py; what the run shows, and
what has to hold, in workers_parts/command.py.
"""

import sys

from workers_parts.command import main

if __name__ == "__main__":
    sys.exit(main("celery", needs="celery", told=__doc__ or ""))
