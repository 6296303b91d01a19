"""What one web worker runs: one function healed for the whole fleet, one for this worker alone.

`uvicorn --workers 4 fleet_parts.app:app` runs four of them; its settings come as environment
variables. Nothing here knows how many there are, and nothing handles an outage of the store.
"""

import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from oob_heal import HealingCache
from oob_heal.backends.redis import RedisBackend

TTL = float(os.environ["FLEET_TTL"])
logging.basicConfig(level=logging.ERROR)  # that the store is away is no news here

http = httpx.AsyncClient(base_url=os.environ["FLEET_DEPENDENCY"], timeout=2, trust_env=False)
backend = RedisBackend(os.environ["FLEET_STORE"])
cache = HealingCache(namespace="fleet")


@dataclass(frozen=True)
class Airport:
    """A record of the dependency; on a shared backend the annotation says what is stored."""

    iata: str
    name: str
    city: str
    country: str


@cache(ttl=TTL, default=None, backend=backend)
async def shared(code: str) -> Airport | None:
    """Entries and leases of the whole fleet."""
    return await fetch(code, "shared")


@cache(ttl=TTL, default=None)
async def alone(code: str) -> Airport | None:
    """The same, in a memory table of this worker's own."""
    return await fetch(code, "alone")


async def fetch(code: str, caller: str) -> Airport:
    """Call the dependency: only heals come here."""
    about = f"{time.time():.6f} {caller} {os.getpid()} {code}"  # for the dependency's log
    answer = await http.get(f"/airports/{code}", headers={"X-Caller": about})
    answer.raise_for_status()
    return Airport(**answer.json())


async def answer_request(request: Request) -> JSONResponse:
    """Answer from the cache, whatever is in it."""
    function = {"shared": shared, "alone": alone}[request.path_params["way"]]
    served = await function.lookup(request.path_params["code"])
    body: dict[str, Any] = {
        "airport": served.value and asdict(served.value),
        "freshness": served.freshness.value,
        "worker": os.getpid(),
    }
    return JSONResponse(body)


async def who(request: Request) -> JSONResponse:
    """Say which worker this is: the run waits until each of them answers."""
    return JSONResponse({"worker": os.getpid()})


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Close what the worker holds when it ends."""
    yield
    await cache.aclose()
    backend.close()
    await http.aclose()


app = Starlette(
    routes=[Route("/who", who), Route("/{way}/airports/{code}", answer_request)],
    lifespan=lifespan,
)
