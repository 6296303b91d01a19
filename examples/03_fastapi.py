"""Run it: `pip install -e ".[examples]"`, then `python examples/03_fastapi.py`.

A service whose lifespan opens and drains the cache. Without arguments it asks itself two
questions and ends; with `serve` it listens on http://127.0.0.1:8000/prices/tea until stopped.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI, Response

from oob_heal import HealingCache

cache = HealingCache(namespace="shop", max_stale=3_600)


@cache(ttl=60, default=None)
async def price(article: str) -> float | None:
    """What a slow service says of the price."""
    await asyncio.sleep(0.2)
    return 4.5


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the cache, warm up, and drain it at the end."""
    async with cache:
        price.heal("tea")
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/prices/{article}")
async def a_price(article: str, response: Response) -> dict[str, float | None]:
    """The price, and in a header how fresh it is."""
    served = await price.lookup(article)
    response.headers["X-Freshness"] = "default" if served.is_default else served.freshness.value
    return {"price": served.value}


async def main() -> None:
    """Ask twice, with time to heal between."""
    transport = httpx.ASGITransport(app)
    async with lifespan(app), httpx.AsyncClient(transport=transport, base_url="http://it") as it:
        for _ in range(2):
            answer = await it.get("/prices/coffee")
            print(f"GET {answer.request.url.path}: {answer.json()}", answer.headers["X-Freshness"])
            await asyncio.sleep(0.4)
    assert answer.json() == {"price": 4.5}


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        uvicorn.run(app)
    else:
        asyncio.run(main())
