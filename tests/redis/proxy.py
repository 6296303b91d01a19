"""A TCP proxy inside the test: it delays, drips, swallows and cuts what goes through.

Law: one daemon thread with a loop of its own; ``mode`` is obeyed from the next byte on.

    mode    what it does
    pass    hand everything on, after ``delay()`` s
    hole    swallow everything, in both directions; connections stay open
    drip    hand on what the server says, one byte every 40 ms
    cut     reset every connection, and every new one
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import weakref
from collections.abc import Callable
from typing import Any

DRIP = 0.04  # s a byte


class Proxy:
    """Leads to a port of this machine; ``url`` leads through it."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.mode = "pass"
        self.delay: Callable[[], float] | None = None
        # Weak: one that is closed while what it has to say waits is there until it has said it.
        self._transports: weakref.WeakSet[asyncio.WriteTransport] = weakref.WeakSet()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        serve = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(serve, self._loop).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def cut(self) -> None:
        """Reset what is open now, and whatever is opened until the mode changes."""
        self.mode = "cut"
        self._loop.call_soon_threadsafe(self._reset_all)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        self.mode = "cut"
        await _steps()  # cancelled before its first step, an accepted socket is nobody's
        self._reset_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        self._reset_all()
        await _steps()  # each hears that it is lost, and closes its socket

    def _reset_all(self) -> None:
        for transport in list(self._transports):
            _reset(transport)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._transports.add(writer.transport)
        if self.mode == "cut":
            _reset(writer.transport)
            return
        try:
            there, onward = await asyncio.open_connection("127.0.0.1", self.target)
        except (OSError, asyncio.CancelledError):
            _reset(writer.transport)
            return
        self._transports.add(onward.transport)
        pumps = (self._pump(reader, onward, drips=False), self._pump(there, writer, drips=True))
        try:
            await asyncio.gather(*pumps, return_exceptions=True)
        except asyncio.CancelledError:
            pass
        finally:
            for each in (writer, onward):
                each.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, drips: bool
    ) -> None:
        try:
            while data := await reader.read(65_536):
                if self.delay is not None:
                    await asyncio.sleep(self.delay())
                if drips:
                    data = await self._dripped(data, writer)
                if self.mode != "hole":
                    writer.write(data)
                    await writer.drain()
        finally:
            writer.close()

    async def _dripped(self, data: bytes, writer: asyncio.StreamWriter) -> bytes:
        while self.mode == "drip" and data:
            writer.write(data[:1])
            data = data[1:]
            await asyncio.sleep(DRIP)
        return data


async def _steps() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def _reset(transport: asyncio.WriteTransport) -> None:
    sock: Any = transport.get_extra_info("socket")
    if sock is not None:
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
    transport.abort()
