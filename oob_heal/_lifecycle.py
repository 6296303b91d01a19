"""What a process goes through: forks, and an end.

Law: knows nothing of what it looks after but two small protocols. Before a fork the locks of
every registered table are taken, with a bounded wait, so that no half-written table is copied;
in the child each table renews itself. At exit everything closable is drained, all of it within
one grace period. Nothing is started here.
"""

from __future__ import annotations

import atexit
import importlib
import os
import sys
import threading
import time
import weakref
from typing import Any, Protocol

FORK_WAIT = 0.5  # s, for all locks together
GRACE = 2.0  # s


class Forks(Protocol):
    """What survives a fork: it has one lock or None, and renews itself in the child. One under
    whose lock another's is taken says so: ``locks_others = True``, and its own is taken first."""

    @property
    def lock(self) -> Any: ...

    def after_fork(self, consistent: bool) -> None:
        """Renew lock and threads, drop what other threads of the parent held.

        ``consistent`` is False if the lock could not be taken before the fork.
        """
        ...


class Closes(Protocol):
    """What is drained at exit."""

    def close(self, grace: float = GRACE) -> None: ...


_forking: weakref.WeakSet[Any] = weakref.WeakSet()
_closing: weakref.WeakSet[Any] = weakref.WeakSet()
_held: list[tuple[Any, Any, bool]] = []
_ending = threading.Event()
_guard = [threading.Lock()]  # over the sets, and from before a fork until after it


def survives_fork(table: Forks) -> None:
    """Look after a table in forks, for as long as it lives."""
    with _guard[0]:
        _forking.add(table)


def drained_at_exit(closable: Closes) -> None:
    """Close it at exit, if it still lives then."""
    with _guard[0]:
        _closing.add(closable)


def _finish_imports() -> None:
    """Wait for what another thread imports for its first event loop: in the child, nobody would
    ever let go of the lock of a module that is half imported."""
    for runner in ("asyncio", "trio"):
        if runner in sys.modules:
            try:
                importlib.import_module(f"anyio._backends._{runner}")
            except ImportError:
                pass


def _before_fork() -> None:
    _finish_imports()
    _guard[0].acquire()
    until = time.monotonic() + FORK_WAIT
    for table in sorted(_forking, key=lambda each: not getattr(each, "locks_others", False)):
        lock = table.lock
        wait = max(0.0, until - time.monotonic())
        _held.append((table, lock, lock is None or lock.acquire(timeout=wait)))


def _after_in_parent() -> None:
    while _held:
        _, lock, taken = _held.pop()
        if taken and lock is not None:
            lock.release()
    _guard[0].release()


def _after_in_child() -> None:
    _guard[0] = threading.Lock()
    held = list(_held)
    _held.clear()
    for table, _, taken in held:
        table.after_fork(taken)


def is_ending() -> bool:
    """Whether the interpreter is on its way out: what is lost now is nobody's trouble."""
    return _ending.is_set()


def _at_exit() -> None:
    _ending.set()
    until = time.monotonic() + GRACE
    with _guard[0]:
        open_still = list(_closing)
    for closable in sorted(open_still, key=lambda each: getattr(each, "closes_last", False)):
        closable.close(max(0.0, until - time.monotonic()))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )
atexit.register(_at_exit)
