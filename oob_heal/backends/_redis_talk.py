"""A verb as a conversation, and those that did not get through and still count.

Law: a conversation does no I/O itself: who carries it out answers what it yields. What is owed is
bounded, the oldest forgotten first; it is said over the keeper's link, by the keeper, once the
server is there, and never after it has lost its meaning.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator
from typing import Any, NamedTuple

from oob_heal.backends._redis_known import Epoch
from oob_heal.backends._redis_link import Link
from oob_heal.backends._redis_waiting import in_time
from oob_heal.backends._redis_wire import AwayError

MOST_OWED = 1_000  # verbs, of which the oldest are forgotten first

Talk = Generator[Any, Any, Any]
"""A verb: yields a scope to learn the epoch of, or (pool, command), and is told what came."""


class Owed(NamedTuple):
    """A verb that did not get through and still counts, until then."""

    tag: bytes
    until: float
    talk: Callable[[], Talk]


class Owing:
    """What one backend owes its servers."""

    def __init__(self) -> None:
        self._owed: deque[Owed] = deque(maxlen=MOST_OWED)

    def add(self, owed: Owed) -> None:
        """Have a verb that did not get through said later, once the server is there."""
        self._owed.append(owed)

    def pay(
        self,
        link: Link,
        *,
        is_here: Callable[[bytes], bool],
        epoch: Callable[[str], Epoch | None],
        within: float,
    ) -> None:
        """Say what is owed to the server at the end of a link, each exchange within seconds."""
        for _ in range(len(self._owed)):
            owed = self._owed.popleft()
            if time.monotonic() >= owed.until:
                continue
            if not is_here(owed.tag):
                self._owed.append(owed)
                continue
            try:
                _say(owed.talk(), link, epoch, within)
            except AwayError:
                continue  # refused: it lapses by itself
            except BaseException:
                self._owed.append(owed)
                raise


def _say(talk: Talk, link: Link, epoch: Callable[[str], Epoch | None], within: float) -> None:
    told: Any = None
    while True:
        try:
            step = talk.send(told)
        except StopIteration:
            return
        if isinstance(step, str):
            told = in_time(epoch(step))
        else:
            (told,) = link.ask(step[1], time.monotonic() + within)
