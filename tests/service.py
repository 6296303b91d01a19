"""A service's requests, and a dependency that notices when it is called below one."""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from oob_heal import CacheMissError
from tests.conftest import World


class Witness:
    """A dependency that looks down its own stack."""

    def __init__(self) -> None:
        self.calls = 0
        self.below_a_request = 0
        self.threads: set[int] = set()

    def __call__(self, n: int) -> str:
        self.calls += 1
        self.threads.add(threading.get_ident())
        frame: Any = sys._getframe(1)
        while frame is not None:
            if frame.f_code in (request.__code__, arequest.__code__):
                self.below_a_request += 1
            frame = frame.f_back
        return "healed"


def request(call: Callable[..., Any], n: int) -> Any:
    """A service's request handler: its frame must never be below the dependency's."""
    return call(n)


async def arequest(call: Callable[..., Any], n: int) -> Any:
    answer = call(n)
    return await answer if inspect.isawaitable(answer) else answer


def drive_by_hand(coroutine: Any) -> Any:
    """Run a coroutine where no event loop is, as a foreign framework might."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waited for a loop that is not there")


@contextmanager
def answers_of(world: World, *, no_loop: bool) -> Iterator[Callable[..., Any]]:
    """What makes a request in this world's colour, all of them in one loop, or in none."""
    if world.colour == "sync":
        yield request
    elif no_loop:
        yield lambda call, n: drive_by_hand(arequest(call, n))
    else:
        with asyncio.Runner() as runner:
            yield lambda call, n: runner.run(arequest(call, n))


def told(answer: Callable[..., Any], call: Callable[..., Any], n: int) -> str:
    try:
        answered = answer(call, n)
    except CacheMissError as error:
        return f"miss:{error.reason.value}"
    return str(getattr(answered, "value", answered))
