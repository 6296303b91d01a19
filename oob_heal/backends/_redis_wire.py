"""The protocol between us and a Redis server, RESP2: commands to bytes, bytes to replies.

Law: no socket, no clock. A connection answers exactly what it was asked, in order: whatever else
stands in its bytes means that it is out of step, and nothing of it may be believed.
Source: https://redis.io/docs/latest/develop/reference/protocol-spec/.
"""

from __future__ import annotations

from typing import Any, NamedTuple

LARGEST = 9 * 1024 * 1024  # bytes of one reply: the largest sealed entry, and some


class AwayError(ConnectionError):
    """Redis could not be asked, or refused: the words hold no address and nothing that was sent."""


class NoAnswerError(AwayError):
    """It was asked, and may have done so: its reply is not known."""


class OutOfStepError(Exception):
    """These bytes are not the reply that was asked for."""


class ErrorReply(NamedTuple):
    """What the server refused, by the first word alone: the rest may hold what was sent."""

    code: str


class _ShortError(Exception):
    def __init__(self, needs: int) -> None:
        self.needs = needs


def pack(*words: bytes) -> bytes:
    """One command."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        parts += (b"$%d\r\n" % len(word), word, b"\r\n")
    return b"".join(parts)


class Inbox:
    """Collects the replies to ``count`` commands: feed it what arrives until it returns them."""

    __slots__ = ("_chunks", "_count", "_needs", "_size")

    def __init__(self, count: int = 1) -> None:
        self._count = count
        self._chunks: list[bytes] = []
        self._size = 0
        self._needs = 1

    def feed(self, chunk: bytes) -> list[Any] | None:
        """All the replies, once they are whole. Raises OutOfStepError."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size < self._needs:
            return None
        data = chunk if len(self._chunks) == 1 else b"".join(self._chunks)
        replies, at = [], 0
        try:
            for _ in range(self._count):
                reply, at = _parse(data, at)
                replies.append(reply)
        except _ShortError as short:
            self._chunks = [data]
            self._needs = short.needs
            return None
        except ValueError as error:
            raise OutOfStepError("a length that is none") from error
        if at != len(data):
            raise OutOfStepError("more than was asked for")
        return replies


class Stream:
    """Cuts what arrives unasked into replies."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[Any]:
        """Those replies that are whole. Raises OutOfStepError."""
        data, at, found = self._rest + chunk, 0, []
        try:
            while at < len(data):
                reply, at = _parse(data, at)
                found.append(reply)
        except _ShortError as short:
            if short.needs > at + LARGEST:
                raise OutOfStepError("a reply larger than any news") from None
        except ValueError as error:
            raise OutOfStepError("a length that is none") from error
        self._rest = data[at:]
        return found


def _parse(data: bytes, at: int) -> tuple[Any, int]:
    end = data.find(b"\r\n", at)
    if end < 0:
        raise _ShortError(len(data) + 1)
    kind, said, at = data[at], data[at + 1 : end], end + 2
    if kind == 0x24:  # $
        return _bulk(data, at, int(said))
    if kind == 0x2A:  # *
        found = []
        for _ in range(_bounded(int(said))):
            value, at = _parse(data, at)
            found.append(value)
        return found, at
    if kind == 0x3A:  # :
        return int(said), at
    if kind == 0x2B:  # +
        return said, at
    if kind == 0x2D:  # -
        return ErrorReply(_code(said)), at
    raise OutOfStepError("a reply of no known kind")


def _bulk(data: bytes, at: int, size: int) -> tuple[bytes | None, int]:
    if size < 0:
        return None, at
    end = at + _bounded(size)
    if len(data) < end + 2:
        raise _ShortError(end + 2)
    return data[at:end], end + 2


def _bounded(size: int) -> int:
    if size > LARGEST:
        raise OutOfStepError("a reply larger than anything we store")
    return size


def _code(said: bytes) -> str:
    word = said.split(b" ", 1)[0].decode("ascii", "replace")
    return word if word.isalpha() and word.isupper() and len(word) <= 20 else "ERR"
