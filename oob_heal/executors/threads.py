"""Heals on threads: the default for sync functions.

Law: what a user hands over and may ask for: checks of the numbers given, the way into the pool,
figures, and the end. What the threads do is ``_heal_threads``'s.
"""

from __future__ import annotations

import time
import warnings
from typing import Any, Self

from oob_heal import _lifecycle
from oob_heal._durations import patience
from oob_heal._lifecycle import GRACE
from oob_heal.executors._heal_threads import HealThreads
from oob_heal.ports import Clock


class ThreadExecutor:
    """A bounded pool of daemon threads.

    ``threads`` run heals and ``queue`` more may wait; a full queue rejects. No function (or
    ``dependency``) has more than half of either. A refresh of a known key goes before a heal of a
    key never seen, which gives way when the queue is full. At exit what is queued is run, for
    ``grace`` seconds at most. ``hung``: how many threads may hang in dependencies; beyond it, the
    heals of the functions that hang are rejected. A heal of an async function runs in an event
    loop of its own here: clients that are bound to another loop break.

    >>> executor = ThreadExecutor(threads=2)
    >>> executor.close()
    """

    def __init__(
        self,
        threads: int = 8,
        *,
        queue: int = 10_000,
        hung: int = 64,
        grace: float = GRACE,
        clock: Clock = time.monotonic,
    ) -> None:
        for name, number in (("threads", threads), ("queue", queue), ("hung", hung)):
            if isinstance(number, bool) or not isinstance(number, int):
                raise TypeError(f"{name}= must be a whole number, not {type(number).__name__}")
            if number < 1:
                raise ValueError(f"{name}= must be at least 1, not {number}")
        self.grace = patience("grace", grace)
        self._pool = HealThreads(threads, queue, hung, clock)
        _lifecycle.survives_fork(self)
        _lifecycle.drained_at_exit(self)

    def submit(self, heal: Any, /) -> None:
        """Queue a heal. Raises HealRejectedError when closed, full, or out of threads."""
        self._pool.submit(heal)

    def sweep(self) -> int:
        """Give up on heals past their timeout and replace their threads; returns how many.

        The manager does it by itself; a test with a manual clock calls it.
        """
        return self._pool.sweep()

    @property
    def share(self) -> int:
        """How many heals of one function, or ``dependency``, may wait at most."""
        return self._pool.queue.waiting_share

    @property
    def hung(self) -> int:
        """How many threads hang in a dependency at the moment."""
        return len(self._pool.hung)

    @property
    def waiting(self) -> int:
        """How many heals wait for a thread at the moment."""
        return len(self._pool.queue)

    @property
    def lock(self) -> Any:
        """The lock that a fork takes first."""
        return self._pool.lock

    def after_fork(self, consistent: bool) -> None:
        """In the child: as its pool."""
        self._pool.after_fork(consistent)

    def figures(self) -> dict[str, int]:
        """How many heals are waiting, running, and hung."""
        pool = self._pool
        counted = len(pool.queue), len(pool.running), len(pool.hung)
        return dict(zip(("waiting", "running", "hung"), counted, strict=True))

    def close(self, grace: float | None = None) -> None:
        """Take no more heals, and run what is queued, for ``grace`` seconds at most.

        What is left then is lost: its key heals with a later read, elsewhere.
        """
        self._pool.close(self.grace if grace is None else patience("grace", grace))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        pool = getattr(self, "_pool", None)
        if pool is not None and pool.workers and not pool.closed:
            warnings.warn(
                "a ThreadExecutor was dropped open; close it", ResourceWarning, source=self
            )
            pool.close(0.0)
