"""The ready connections of one server, lent to callers, and whether that server is there.

Law: a caller never connects, never looks a name up, and waits only until its deadline. It takes a
link that is ready; the keeper makes them. Away means: answer at once. Whoever fails says so, and
the keeper alone finds the server again.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from oob_heal.backends._redis_link import Link
from oob_heal.backends._redis_waiting import Waiting
from oob_heal.backends._redis_wire import AwayError, NoAnswerError, OutOfStepError


class Pool:
    """One server's links; ``ring()`` calls the keeper."""

    def __init__(self, ring: Callable[[], None], most: int) -> None:
        self._ring = ring
        self.most = most
        self.reset()

    def reset(self) -> None:
        """Start afresh, as in a new process."""
        self.idle: deque[Link] = deque()
        self.links: set[Link] = set()
        self.waiting = Waiting()
        self.generation = 0
        self.good_until = -math.inf  # by this process's monotonic clock
        self.trouble: str | None = None  # what is wrong while the server is away
        self.moved = False  # the server says that it is no longer the one to ask
        self.suspicions = 0

    def check(self, now: float) -> None:
        """Raise AwayError at once while the server is away."""
        if now >= self.good_until and self.trouble is not None:
            raise AwayError(f"redis is away: {self.trouble}")

    # --- what callers do

    def exchange(self, command: bytes, until: float) -> Any:
        """The reply to one command. Raises AwayError."""
        last = False
        while True:
            link = self._taken(self._look() or self.waiting.wait(self._look, until))
            try:
                (reply,) = link.ask(command, until)
            except BaseException as error:
                if self._lost(link, error, until) and not last:
                    last = True
                    continue
                if isinstance(error, FAILURES):
                    raise _no_answer(error) from error
                raise
            link.used = True
            self.give(link)
            return reply

    async def aexchange(self, command: bytes, until: float) -> Any:
        """As ``exchange``, awaited."""
        last = False
        while True:
            link = self._taken(self._look() or await self.waiting.await_(self._look, until))
            try:
                (reply,) = await link.aask(command, until)
            except BaseException as error:
                if self._lost(link, error, until) and not last:
                    last = True
                    continue
                if isinstance(error, FAILURES):
                    raise _no_answer(error) from error
                raise
            link.used = True
            self.give(link)
            return reply

    def _look(self) -> Link | None:
        if self.trouble is not None:
            self.check(time.monotonic())
        try:
            return self.idle.pop()
        except IndexError:
            self._ring()
            return None

    def _taken(self, link: Link | None) -> Link:
        if link is None:
            raise AwayError("no connection to redis was free in time")
        return link

    def give(self, link: Link) -> None:
        """Have a link back that brought its whole reply, or a new one."""
        link.touched = True
        if link.generation != self.generation:
            self.lose(link)
            return
        self.idle.append(link)
        if self.waiting:
            self.waiting.wake(1)

    def _lost(self, link: Link, error: BaseException, until: float) -> bool:
        """Throw a link away that failed; whether its command may go over a new one.

        It may where the server had closed a connection that once worked: it restarted, or closes
        what is idle. Scripts do their work once by token, so asking again harms nothing.
        """
        self.lose(link)
        if not isinstance(error, FAILURES):  # its caller was cancelled
            if time.monotonic() >= until:
                self.suspect("no answer in time")
            return False
        stale = link.used and not isinstance(error, (TimeoutError, OutOfStepError))
        if stale:
            self.renew()
            self._ring()
        else:
            self.suspect(type(error).__name__)
        return stale

    def suspect(self, trouble: str) -> None:
        """From now on answer at once, until the keeper has found the server well."""
        self.suspicions += 1
        self.away(trouble)
        self._ring()

    def has_moved(self) -> None:
        """The server says that another one is to be asked."""
        self.moved = True
        self._ring()

    # --- what the keeper does

    def lose(self, link: Link) -> None:
        """Close a link for good."""
        self.links.discard(link)
        link.close()

    def renew(self) -> None:
        """Close every link: those that are lent when they come back."""
        self.generation += 1
        while self.idle:
            try:
                self.lose(self.idle.pop())
            except IndexError:
                break

    def add(self, link: Link) -> None:
        """A new link, ready."""
        link.generation = self.generation
        self.links.add(link)
        self.give(link)

    @property
    def short(self) -> bool:
        """Whether one more link is wanted."""
        wanted = bool(self.waiting) or not self.links
        return wanted and not self.idle and len(self.links) < self.most

    def present(self, until: float) -> None:
        """The server is there, and believed to be until then."""
        self.good_until = until
        self.trouble = None

    def away(self, trouble: str) -> None:
        """The server is not there: who waits is told."""
        self.trouble = trouble
        self.good_until = -math.inf
        self.waiting.wake()

    def look_over(self, *, trim: bool) -> None:
        """Throw away idle links that the server closed, and (trim) those that nobody needed."""
        for _ in range(len(self.idle)):
            try:
                link = self.idle.popleft()
            except IndexError:
                return
            needed = link.touched or len(self.links) == 1
            if link.sound and (needed or not trim):
                link.touched = link.touched and not trim
                self.idle.append(link)
                if self.waiting:
                    self.waiting.wake(1)
            else:
                self.lose(link)

    def close(self) -> None:
        """Close every link, lent ones included: of this process only."""
        for link in list(self.links):
            self.lose(link)
        self.idle.clear()


FAILURES = (OSError, OutOfStepError)


def _no_answer(error: BaseException) -> AwayError:
    return NoAnswerError(f"redis did not answer: {type(error).__name__}")
