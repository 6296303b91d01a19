"""The backends that the machine runs on, and how a process reaches one. A later one joins here."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from oob_heal.backends.memory import MemoryBackend
from oob_heal.testing import ManualClock, SharedStore

VERBS = ("get", "set", "delete", "mark_stale", "clear", "acquire", "commit", "release")


class Memory:
    """One process; what is past its limit stays until it is thrown out."""

    processes = 1
    forgets = False
    epochs = False
    maxsize = 5  # of six keys: now and then one is thrown out

    def __init__(self) -> None:
        self.clock = ManualClock(1_000_000.0)
        self.began = 0.0  # what the process's own clock lags behind by

    def backend(self) -> Any:
        made = MemoryBackend(self.maxsize, clock=self.clock)
        self.live_leases: Callable[[], int] = lambda: len(made._leases)
        return made


class Shared:
    """Two processes on one store of bytes, which has a clock of its own."""

    processes = 2
    forgets = True
    epochs = False
    maxsize = math.inf

    def __init__(self) -> None:
        self.clock = ManualClock(1_000_000.0)
        self.began = 900_000.0
        self.store = SharedStore(self.clock)
        self.live_leases = self.store.live_leases

    def backend(self) -> Any:
        return self.store.backend()


BACKENDS: dict[str, Callable[[], Any]] = {"memory": Memory, "store": Shared}


class Way:
    """One process's way to a backend: ``up``, ``down``, or ``deaf`` (done, and the reply lost).

    It declares no deadline: those are real seconds, and here no time passes by itself.
    """

    def __init__(self, backend: Any) -> None:
        self.state = "up"
        self.backend = backend
        self.deadline = math.inf
        half = getattr(backend, "aio", None)
        self.aio = None if half is None else _Half(self, half)
        for verb in VERBS:
            setattr(self, verb, self._verb(getattr(backend, verb)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def _verb(self, verb: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*args: Any, **kwargs: Any) -> Any:
            self.before()
            return self.after(verb(*args, **kwargs))

        return asked

    def before(self) -> None:
        if self.state == "down":
            raise ConnectionError("the store is away")

    def after(self, reply: Any) -> Any:
        if self.state == "deaf":
            raise ConnectionError("the reply was lost")
        return reply


class _Half:
    """The async half of a way."""

    def __init__(self, way: Way, half: Any) -> None:
        for verb in VERBS:
            setattr(self, verb, self._verb(way, getattr(half, verb)))

    def _verb(self, way: Way, verb: Callable[..., Any]) -> Callable[..., Any]:
        async def asked(*args: Any, **kwargs: Any) -> Any:
            way.before()
            return way.after(await verb(*args, **kwargs))

        return asked
