"""Heals in other processes: the event rides on an engine that the user already runs.

Law: nothing here knows an engine. Submit only appends to a bounded outbox, whose one publisher
takes each key's lease and calls ``send`` with the encoded event, out of band; so ``send`` may be
slow, fail or hang, and no caller sees it. The worker calls ``heal_message`` with what was sent.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any, Self

import anyio
import anyio.to_thread
from typing_extensions import TypedDict

from oob_heal import _lifecycle
from oob_heal._durations import patience, seconds
from oob_heal._lifecycle import GRACE
from oob_heal.executors._outbox import Outbox
from oob_heal.ports import Clock


class QueueOptions(TypedDict, total=False):
    """What every executor over an engine passes on: the keyword arguments of ``QueueExecutor``.

    >>> options: QueueOptions = {"queue_timeout": 300.0}  # a backlog of five minutes is normal
    >>> QueueExecutor(print, **options).queue_timeout
    300.0
    """

    outbox: int
    look_after: float
    send_timeout: float
    queue_timeout: float
    grace: float
    clock: Clock


class QueueExecutor:
    """Sends each heal's event by ``send(payload: bytes)``, sync or async, out of band.

    ``outbox`` events may wait, half of them of one function or ``dependency``, and beyond that
    heals are dropped; a refresh of a known key goes before a heal of a key never seen, which gives
    way where there is no place left. ``look_after`` seconds after sending,
    and twice as long each time, the publisher looks whether the key has healed, for the books.
    It needs a backend with shared leases. An async ``send`` runs in the publisher's own event
    loop, a sync one where no loop runs. A send that takes longer than ``send_timeout`` seconds is
    given up, its heal dropped or lost; a sync one goes on in its thread, and another thread sends
    from then on. An event that no worker took within ``queue_timeout`` seconds counts as lost, and
    the next read publishes again; a worker that takes it later heals if that is still of use. At
    exit what waits is sent, for ``grace`` seconds at most.

    >>> import queue
    >>> engine = queue.Queue()
    >>> executor = QueueExecutor(engine.put_nowait)
    >>> executor.close()
    """

    leaves_process = True

    def __init__(
        self,
        send: Callable[[bytes], Any],
        *,
        outbox: int = 10_000,
        look_after: float = 1.0,
        send_timeout: float = 5.0,
        queue_timeout: float = 30.0,
        grace: float = GRACE,
        clock: Clock = time.monotonic,
    ) -> None:
        if not callable(send):
            raise TypeError(f"send must be callable with bytes, not {type(send).__name__}")
        if isinstance(outbox, bool) or not isinstance(outbox, int):
            raise TypeError(f"outbox= must be a whole number, not {type(outbox).__name__}")
        if outbox < 1:
            raise ValueError(f"outbox= must be at least 1, not {outbox}")
        self.queue_timeout = seconds("queue_timeout", queue_timeout)
        self.grace = patience("grace", grace)
        within = seconds("send_timeout", send_timeout)
        look = seconds("look_after", look_after)
        self.outbox = Outbox(send, outbox, look, within, self.queue_timeout, clock)
        _lifecycle.survives_fork(self)
        _lifecycle.drained_at_exit(self)

    def submit(self, heal: Any, /) -> None:
        """Put a heal in the outbox. Raises HealRejectedError when closed or full."""
        self.outbox.put(heal)

    def sweep(self) -> int:
        """Give up a send past ``send_timeout`` and replace its thread; returns how many.

        The watch does it by itself; a test with a manual clock calls it.
        """
        return self.outbox.sweep()

    def figures(self) -> dict[str, int]:
        """How many events are waiting to be sent, and how many were sent and not seen healed."""
        return {"waiting": len(self.outbox.waiting), "sent": len(self.outbox.sent)}

    @property
    def share(self) -> int:
        """How many heals of one function, or ``dependency``, may wait to be sent at most."""
        return self.outbox.waiting.waiting_share

    @property
    def lock(self) -> Any:
        """The lock that a fork takes first."""
        return self.outbox.lock

    def after_fork(self, consistent: bool) -> None:
        """In the child: the publisher is the parent's, and so is what waits."""
        self.outbox.renew()

    def close(self, grace: float | None = None) -> None:
        """Take no more heals, and send what waits, for ``grace`` seconds at most.

        In async code use ``aclose``: this one blocks the loop, which the sends may need.
        """
        self.outbox.close(self.grace if grace is None else patience("grace", grace))

    async def aclose(self, grace: float | None = None) -> None:
        """As ``close``, without blocking the event loop."""
        await anyio.to_thread.run_sync(self.close, grace, abandon_on_cancel=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        outbox = getattr(self, "outbox", None)
        if outbox is not None and outbox.publisher and not outbox.closed:
            warnings.warn(
                "a QueueExecutor was dropped open; close it", ResourceWarning, source=self
            )
            outbox.close(0.0, dropped=True)
