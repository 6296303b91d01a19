"""The tokens of leases: what proves one, and what an event's token counts as.

Law: written once, for every backend. Who publishes asks with ``WAITS`` for a lease that waits with
its event in an engine's queue; its token says so. Nobody heals under such a lease yet, so it is
any worker's that brings an event of its key: a queue that is slower than ``queue_timeout`` would
else deliver every event while the lease waits with a later one. Every other lease is its holder's.
"""

from __future__ import annotations

import os

WAITS = "waits"
"""For ``acquire(adopt=WAITS)``: a lease that waits. A backend that does not know the word grants a
free key as usual, which it does with every token that holds nothing."""

_MARK = "w"  # the first letter of a token that waits; no hexadecimal number has it


def new_token(adopt: str | None = None) -> str:
    """Proves one lease; ``adopt`` is what it was asked for with."""
    number = os.urandom(16).hex()
    return f"{_MARK}{number}" if adopt == WAITS else number


def waited(granted: str | None) -> bool:
    """Whether the lease granted last waited for a worker: if it lapsed nobody crashed, and nobody
    called the function."""
    return granted is not None and granted.startswith(_MARK)


def counts_as(adopt: str | None, held: str | None) -> str | None:
    """What an event's token counts as where ``held`` is the token of the lease that holds."""
    if adopt is None or adopt == WAITS or held is None or not held.startswith(_MARK):
        return adopt
    return held
