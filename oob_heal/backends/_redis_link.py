"""One ready connection, and what is asked over it: within a deadline, in either colour.

Law: made out of band by redis-py (address, TLS, sign-in: all of that is its own), then only its
socket is used. A socket belongs to no event loop, so one connection serves threads and any loop.
The deadline bounds the whole exchange, not each read: a slow drip runs out of time like silence.
A link that did not bring its whole reply is never used again: the next reply would be the last
caller's.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from typing import Any

import anyio

from oob_heal.backends._redis_wire import Inbox

CHUNK = 65_536  # bytes read at once
LEAST = 0.001  # s that a reply which is here already may take to be picked up
FITS = 16_384  # bytes: a command below this never waits for the server to read

_WAITS = (BlockingIOError, ssl.SSLWantReadError)
_WAITS_TO_WRITE = (BlockingIOError, ssl.SSLWantWriteError)


class ClosedError(ConnectionError):
    """The server closed the connection."""


class Link:
    """A connection that is ready for a command. ``generation``: of its pool, when it was made."""

    __slots__ = ("generation", "sock", "touched", "used")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.generation = 0
        self.used = False  # it has brought a reply
        self.touched = True  # since the keeper looked last

    def ask(self, command: bytes, until: float, count: int = 1) -> list[Any]:
        """The ``count`` replies to what is sent. TimeoutError at ``until``, else OSError or
        OutOfStepError; the link is then good for nothing."""
        sock, now = self.sock, time.monotonic
        sock.settimeout(max(until - now(), LEAST))
        sock.sendall(command)
        if len(command) > FITS:
            sock.settimeout(max(until - now(), LEAST))
        inbox = Inbox(count)
        while True:
            chunk = sock.recv(CHUNK)
            if not chunk:
                raise ClosedError("closed by the server")
            replies = inbox.feed(chunk)
            if replies is not None:
                return replies
            left = until - now()
            if left <= 0:
                raise TimeoutError("the reply was not whole in time")
            sock.settimeout(left)

    async def aask(self, command: bytes, until: float) -> list[Any]:
        """As ``ask``, awaited."""
        sock, inbox = self.sock, Inbox()
        sock.settimeout(0)
        with anyio.move_on_after(until - time.monotonic()):
            await self._send(command)
            while (replies := self._received(inbox)) is None:
                await anyio.wait_readable(sock)
            return replies
        replies = self._received(inbox)  # it may have come while others kept the loop busy
        if replies is None:
            raise TimeoutError("no whole reply in time")
        return replies

    async def _send(self, command: bytes) -> None:
        rest = memoryview(command)
        while rest:
            try:
                rest = rest[self.sock.send(rest) :]
            except _WAITS_TO_WRITE:
                await anyio.wait_writable(self.sock)

    def _received(self, inbox: Inbox) -> list[Any] | None:
        while True:
            try:
                chunk = self.sock.recv(CHUNK)
            except _WAITS:
                return None
            if not chunk:
                raise ClosedError("closed by the server")
            replies = inbox.feed(chunk)
            if replies is not None:
                return replies

    @property
    def sound(self) -> bool:
        """Whether nothing has come that nobody asked for: an end of file, say. For idle links."""
        if not self.used:
            return True  # TLS may still have something to say of its own
        try:
            if hasattr(select, "poll"):
                poll = select.poll()
                poll.register(self.sock, select.POLLIN)
                return not poll.poll(0)
            return not select.select([self.sock], [], [], 0)[0]
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        """Close the socket: of this process only, where it was forked."""
        try:
            self.sock.close()
        except OSError:
            pass
