"""The load: open loop, over HTTP, and fair to all three services.

Each request is sent at the time that the plan gave it, whether or not earlier ones are answered,
and its latency counts from that time. So what waits in a queue is measured as its user would.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from outage_parts.plan import Arrival
from outage_parts.servers import LOOPBACK


class Outcome(StrEnum):
    """What a request came to."""

    VALUE = "value"
    DEFAULT = "default"
    ERROR = "error"
    GAVE_UP = "gave up"


ANSWERED = (Outcome.VALUE, Outcome.DEFAULT)


@dataclass(frozen=True)
class Sample:
    """One request: planned time, time until it ended, what came of it, and how old that was."""

    at: float
    latency: float
    outcome: Outcome
    age: float | None

    @property
    def answered(self) -> bool:
        """Whether the client got an answer, be it a default."""
        return self.outcome in ANSWERED


class Load:
    """The requests to one service. Read `samples` at any time; it only grows."""

    def __init__(self, port: int, arrivals: Sequence[Arrival], patience: float) -> None:
        self.samples: list[Sample] = []
        self.lateness = 0.0
        self._sent = 0
        self._port = port
        self._arrivals = arrivals
        self._patience = patience

    @property
    def waiting(self) -> int:
        """How many requests have come to nothing yet."""
        return self._sent - len(self.samples)

    async def run(self, start: float) -> None:
        """Send each request at its time, counted from `start` on the loop's clock."""
        clock = asyncio.get_running_loop().time
        async with asyncio.TaskGroup() as requests:
            for arrival in self._arrivals:
                await asyncio.sleep(start + arrival.at - clock())
                self.lateness = max(self.lateness, clock() - start - arrival.at)
                self._sent += 1
                requests.create_task(self._request(arrival, start + arrival.at))

    async def _request(self, arrival: Arrival, due: float) -> None:
        loop = asyncio.get_running_loop()
        outcome, age = Outcome.ERROR, None
        try:
            async with asyncio.timeout_at(due + self._patience):
                status, body = await get(self._port, f"/airports/{arrival.code}")
            if status == 200:
                outcome, age = _judge(body["airport"])
        except TimeoutError:
            outcome = Outcome.GAVE_UP
        except OSError:
            pass
        self.samples.append(Sample(arrival.at, loop.time() - due, outcome, age))


async def get(port: int, path: str, method: str = "GET") -> tuple[int, dict[str, Any]]:
    """One request on a connection of its own: status and JSON body.

    Written by hand because a measuring instrument should weigh little.
    """
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        head = f"{method} {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        answer = await reader.read(-1)
    finally:
        writer.close()
    if not answer:
        raise ConnectionResetError("the service hung up without an answer")
    head_bytes, _, body = answer.partition(b"\r\n\r\n")
    return int(head_bytes.split(maxsplit=2)[1]), json.loads(body)


def _judge(airport: dict[str, Any] | None) -> tuple[Outcome, float | None]:
    if airport is None:
        return Outcome.DEFAULT, None
    return Outcome.VALUE, time.time() - airport["as_of"]
