"""The load: open loop, over HTTP, a connection for each request, so that any worker may answer.

Each request is sent at the time that the plan gave it, whether or not earlier ones are answered,
and its latency counts from that time.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from fleet_parts.plan import Arrival, Way
from outage_parts.load import get

ERROR = "error"  # where a freshness stands, if there was an answer


@dataclass(frozen=True)
class Sample:
    """One request: planned time, time until it ended, freshness of its answer, who answered."""

    at: float
    latency: float
    freshness: str
    worker: int | None

    @property
    def answered(self) -> bool:
        """Whether the client got an answer, be it a default."""
        return self.freshness != ERROR


class Load:
    """The requests of one way. Read `samples` at any time; it only grows."""

    def __init__(self, port: int, way: Way, arrivals: Sequence[Arrival], patience: float) -> None:
        self.samples: list[Sample] = []
        self.lateness = 0.0
        self._port = port
        self._way = way
        self._arrivals = arrivals
        self._patience = patience

    async def run(self, start: float) -> None:
        """Send each request at its time, counted from `start` on the loop's clock."""
        clock = asyncio.get_running_loop().time
        async with asyncio.TaskGroup() as requests:
            for arrival in self._arrivals:
                await asyncio.sleep(start + arrival.at - clock())
                self.lateness = max(self.lateness, clock() - start - arrival.at)
                requests.create_task(self._request(arrival, start + arrival.at))

    async def _request(self, arrival: Arrival, due: float) -> None:
        loop = asyncio.get_running_loop()
        freshness, worker = ERROR, None
        try:
            async with asyncio.timeout_at(due + self._patience):
                status, body = await get(self._port, f"/{self._way}/airports/{arrival.code}")
            if status == 200:
                freshness, worker = body["freshness"], body["worker"]
        except (OSError, ValueError):  # no time left, no connection, or no answer of ours
            pass
        self.samples.append(Sample(arrival.at, loop.time() - due, freshness, worker))
