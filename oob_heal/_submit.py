"""Handing a heal to its executor, in the caller: the promise, held against executors.

Law: an executor that runs what it is given, where it is given, is told so and heals nothing.
"""

from __future__ import annotations

import threading
from typing import Any

from oob_heal.errors import HealRejectedError


class _Submitting(threading.local):
    executor: Any = None  # what runs submit in this thread right now


_submitting = _Submitting()


def submit(executor: Any, heal: Any) -> Any:
    """What the executor returns for this heal; what it raises is raised."""
    outer = _submitting.executor
    _submitting.executor = executor
    try:
        return executor.submit(heal)
    finally:
        _submitting.executor = outer


def refuse_in_caller() -> None:
    """Raise if this is a caller that publishes: a heal does not run there."""
    executor = _submitting.executor
    if executor is not None and not getattr(executor, "heals_inline", False):
        raise HealRejectedError(
            f"{type(executor).__name__}.submit ran the heal in the caller; it must hand it on"
        )
