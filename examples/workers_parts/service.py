"""The web service: `uvicorn workers_parts.service:app`. It reads the cache, and nothing else."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from workers_parts.shop import airport, backend, cache, executor


def answer_request(request: Request) -> JSONResponse:
    """Answer with what the cache has."""
    served = airport.lookup(request.path_params["code"])
    body = {
        "airport": served.value and asdict(served.value),
        "freshness": served.freshness.value,
        "age": served.age,
    }
    return JSONResponse(body)


def tell_pid(request: Request) -> JSONResponse:
    """Say which process this is."""
    return JSONResponse({"pid": os.getpid()})


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Close what the service holds when it ends."""
    yield
    await executor.aclose()
    await cache.aclose()
    backend.close()


app = Starlette(
    routes=[Route("/pid", tell_pid), Route("/airports/{code}", answer_request)],
    lifespan=lifespan,
)
