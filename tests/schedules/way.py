"""One process's way to the backend, which stops its actors at every verb."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tests.model.backends import VERBS
from tests.schedules.actors import apoint, point


class Pointed:
    """One process's way to the backend: a point before each verb, and (``fine``) one after."""

    prompt = False  # so that a coroutine stops at its points on memory, too
    deadline = math.inf

    def __init__(self, backend: Any, *, fine: bool) -> None:
        self.backend = backend
        self.fine = fine
        self.dead = False
        self.aio = _PointedHalf(self)
        for verb in VERBS:
            setattr(self, verb, self._verb(verb, getattr(backend, verb)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def _verb(self, name: str, verb: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*args: Any, **kwargs: Any) -> Any:
            point(name)
            reply = self.reach(verb)(*args, **kwargs)
            if self.fine:
                point(f"{name} replied")
            return reply

        return asked

    def reach(self, verb: Callable[..., Any]) -> Callable[..., Any]:
        if self.dead:
            raise ConnectionError("the process is dead")
        return verb


class _PointedHalf:
    """The same verbs as coroutines."""

    def __init__(self, way: Pointed) -> None:
        for verb in VERBS:
            setattr(self, verb, self._verb(way, verb, getattr(way.backend, verb)))

    def _verb(self, way: Pointed, name: str, verb: Callable[..., Any]) -> Callable[..., Any]:
        async def asked(*args: Any, **kwargs: Any) -> Any:
            await apoint(name)
            reply = way.reach(verb)(*args, **kwargs)
            if way.fine:
                await apoint(f"{name} replied")
            return reply

        return asked
