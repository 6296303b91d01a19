"""How much of something a run of the tests does.

Law: the quick tier has a part of what takes long, the full tier (``OOB_HEAL_THOROUGH=1``, and
whoever looks whether a planted fault is noticed) has what the promise says, and a run on demand
(``OOB_HEAL_FULL=1``) as much as one likes. The tiers stand in docs/reliability.md.
"""

from __future__ import annotations

import os

FULL = bool(os.environ.get("OOB_HEAL_FULL"))
PLANTED = bool(os.environ.get("OOB_HEAL_PLANTED"))
THOROUGH = FULL or PLANTED or bool(os.environ.get("OOB_HEAL_THOROUGH"))


def amount(
    quick: int, *, full: int, thorough: int | None = None, planted: int | None = None
) -> int:
    """So much in the quick tier; in each later one as much as is given for it, else as before."""
    if FULL:
        return full
    if PLANTED and planted is not None:
        return planted
    return thorough if THOROUGH and thorough is not None else quick
