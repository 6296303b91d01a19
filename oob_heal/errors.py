"""What can go wrong, by name.

Law: one base, few children. An error names the situation and what to do; facts are attributes.
Arguments, values and defaults never stand in a message.
"""

from __future__ import annotations

import sys
from typing import Any

from oob_heal._model import Reason


class OobHealError(Exception):
    """The base of every error of this library.

    >>> issubclass(CacheMissError, OobHealError)
    True
    """

    # Whether this library made it, and knows what its text holds. Of a class for which this
    # ``__init__`` never runs (one of a user's, with a builtin in front) it did not.
    _ours = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._ours = _maker().partition(".")[0] == __name__.partition(".")[0]


class CacheMissError(OobHealError, LookupError):
    """There is nothing to serve: no entry young enough and no default.

    ``function`` is the function's name, ``reason`` why there is nothing: ABSENT, EXPIRED, or
    UNAVAILABLE when the backend could not be read.

    >>> CacheMissError("app.price", Reason.ABSENT).reason
    <Reason.ABSENT: 'absent'>
    """

    def __init__(self, function: str, reason: Reason) -> None:
        self.function = function
        self.reason = reason
        super().__init__(function, reason)

    def __str__(self) -> str:
        said = {
            Reason.UNAVAILABLE: "its backend could not be read",
            Reason.EXPIRED: "its entry is past ttl + max_stale and has not healed",
        }.get(self.reason, "it has no entry yet")
        return f"nothing to serve for {self.function}: {said}; give default= to answer anyway"


class UnkeyableArgumentError(OobHealError, TypeError):
    """An argument has no place in a key. ``parameter`` names it; the message shows the line to
    write.

    >>> UnkeyableArgumentError("app.f", "session", "a Session object").parameter
    'session'
    """

    def __init__(self, function: str, parameter: str, problem: str) -> None:
        self.function = function
        self.parameter = parameter
        self.problem = problem
        super().__init__(function, parameter, problem)

    def __str__(self) -> str:
        if self.parameter == "key=":
            return f"the result of {self.function}'s key= cannot be a key: {self.problem}"
        line = f'ignore=("{self.parameter}",)'
        return (
            f"argument {self.parameter!r} of {self.function} cannot be part of a key: "
            f"{self.problem}; write @healing_cache(..., {line}) to leave it out, "
            f"or key=lambda ...: ... to say what identifies the call"
        )


class HealRejectedError(OobHealError):
    """An executor is full or closed, or a heal could not begin; nothing was called.

    >>> str(HealRejectedError("the queue is full"))
    'the queue is full'
    """


class HealTimeoutError(OobHealError, TimeoutError):
    """A heal did not end within ``heal_timeout``.

    >>> issubclass(HealTimeoutError, TimeoutError)
    True
    """


class UncacheableResultError(OobHealError, TypeError):
    """What the function returned cannot be kept: a generator, a coroutine, a file, a cursor.

    >>> issubclass(UncacheableResultError, TypeError)
    True
    """


class BackendError(OobHealError):
    """The backend failed on a write that the application asked for; nothing is known of it.

    Reads never raise this: there, a backend that fails is a miss. The cause is kept.

    >>> issubclass(BackendError, OobHealError)
    True
    """


class CodecError(OobHealError, ValueError):
    """A value has no faithful form in bytes, or bytes are not what the codec wrote.

    >>> issubclass(CodecError, ValueError)
    True
    """


def _maker() -> str:
    """The module that makes an error: the first above the constructors of this one."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__") == __name__:
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", ""))


def own_words(error: BaseException | None) -> str:
    """What this library says in an error that it made. Of any other nothing, one of these types
    that a user's executor, codec or function made among them: its text may hold whatever it likes.

    >>> own_words(CodecError("no form for the price of Ada")), own_words(None)
    ('', '')
    """
    return str(error) if isinstance(error, OobHealError) and error._ours else ""
