"""Whether this code runs inside the cyclic garbage collector.

Law: the collector runs wherever something is allocated, under a lock of ours too, and calls the
finalizers of what it finds in that very thread: to take a lock there could be to wait for
oneself. Who may be called by a finalizer, and would take a lock, asks here first. The collector
runs in one thread at a time, and tells when it begins and when it has ended.
Source: https://docs.python.org/3/library/gc.html#gc.callbacks.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from threading import get_ident
from typing import Any

from oob_heal.errors import BackendError

collecting = [0]  # the thread in which it runs, or 0: asked first where a caller waits


def _told(
    phase: str,
    _info: Any,
    runs_in: list[int] = collecting,  # bound here: a module is emptied before the last collection
    me: Callable[[], int] = get_ident,
) -> None:
    runs_in[0] = me() if phase == "start" else 0


gc.callbacks.append(_told)


def in_collector() -> bool:
    """Whether a finalizer that the collector calls is below this call."""
    thread = collecting[0]
    return thread != 0 and thread == get_ident()


def refuse_in_collector() -> None:
    """Raises BackendError there: the backend's lock may be this thread's."""
    if in_collector():
        raise BackendError("a finalizer that the garbage collector runs cannot use the backend")
