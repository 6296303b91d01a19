"""The keys of one function that do not heal, and what is kept of an error: its type and a short
message, never a frame.

Law: a table, and no lock: its caller holds that of the ledger, beside which it is told. Time is an
argument. What a user's error says is asked for without any lock, by ``words_of``.
"""

from __future__ import annotations

from typing import NamedTuple

from cachetools import FIFOCache

from oob_heal._model import Key
from oob_heal._reports import Failing

FAILING_AT_MOST = 1_000  # keys; those that failed last
KEPT_FOR = 86_400  # s
MESSAGE_AT_MOST = 200  # characters kept of an error's message
STRIPPED_AT_MOST = 1_000  # errors that led to one


class _Told(NamedTuple):
    error: str
    message: str
    attempts: int
    due: float
    kept_until: float


class FailingKeys:
    """What ``failing()`` knows of one function."""

    def __init__(self) -> None:
        self._told: FIFOCache[Key, _Told] = FIFOCache(FAILING_AT_MOST)

    def failed(
        self, key: Key, error: str, message: str, attempts: int, now: float, delay: float
    ) -> None:
        """A heal of the key failed; the next is allowed in ``delay`` s."""
        if attempts or key not in self._told:  # who got no lease knows of no attempts
            self._told[key] = _Told(error, message, attempts, now + delay, now + KEPT_FOR)

    def forget(self, key: Key) -> None:
        """It heals again, or was written to."""
        self._told.pop(key, None)

    def known(self, now: float) -> list[tuple[Key, _Told]]:
        """All that failed within a day."""
        known = list(self._told.items())
        for key in [key for key, each in known if each.kept_until <= now]:
            del self._told[key]
        return [(key, each) for key, each in known if each.kept_until > now]


def told(label: str, known: list[tuple[Key, _Told]], now: float) -> list[Failing]:
    """The same for people; no lock is needed for it."""
    return [
        Failing(label, key, error, message, attempts, max(0.0, due - now))
        for key, (error, message, attempts, due, _) in known
    ]


def words_of(error: BaseException | None) -> str:
    """The short message of an error, which may not have one to give."""
    if error is None:
        return ""
    try:
        return str(error)[:MESSAGE_AT_MOST]
    except Exception:
        return ""


def strip(error: BaseException | None) -> None:
    """Let go of the frames that an error and all that led to it hold."""
    left, seen = [error], set[int]()
    while left and len(seen) < STRIPPED_AT_MOST:
        each = left.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            BaseException.with_traceback(each, None)  # it may refuse to be written to
            left += [each.__cause__, each.__context__]
            left += each.exceptions if isinstance(each, BaseExceptionGroup) else ()
