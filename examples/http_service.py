"""Run it: `pip install -e ".[examples]"`, then `python examples/http_service.py`.

A FastAPI service that shows how old its answers are, and says when they are too old.

Each answer carries `Age` and `Cache-Status` (RFC 9211); `/metrics` is for Prometheus, `/ready` and
`/live` for whoever decides where requests go. It asks itself a few questions and prints what it
answered; `--serve 8000` leaves it running.
"""

import asyncio
import dataclasses
import sys
import time

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, generate_latest

from oob_heal import CacheMissError, HealingCache, Promise
from oob_heal.export.prometheus import Collector
from oob_heal.http import headers

TTL = 60
PRICES = {"tea": 4.5, "coffee": 6.0}

cache = HealingCache(ttl=TTL, promise=Promise(share=0.99, younger_than=300))
registry = CollectorRegistry()
registry.register(Collector(cache))


@cache(name="price", max_stale=86_400, drop_on=KeyError)
def price(article: str) -> float:
    """Ask whoever knows; here, a dict stands in for them."""
    return PRICES[article]


app = FastAPI()


@app.get("/prices/{article}")
def get_price(article: str, response: Response) -> dict[str, float]:
    """The price, and how old it is."""
    served = price.lookup(article)
    response.headers.update(headers(served, ttl=TTL))
    return {"price": served.value}


@app.exception_handler(CacheMissError)
def nothing_there_yet(request: Request, error: CacheMissError) -> JSONResponse:
    """Nothing to serve yet: a heal is on its way, so asking again is worth while."""
    return JSONResponse(
        {"error": "not known yet"}, 503, headers={"Retry-After": "1", **headers(error)}
    )


@app.get("/metrics")
def metrics() -> Response:
    """The figures, as Prometheus reads them."""
    return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")


@app.get("/live")
def live() -> dict[str, bool]:
    """An outage of the dependency is no reason to restart this process: it never says no."""
    return {"ok": True}


@app.get("/ready")
def ready() -> JSONResponse:
    """200 while every promise on age is kept, else 503 and why. Whether requests should then go
    elsewhere is for you to say: stale answers may be better than none."""
    health = cache.health()
    return JSONResponse(dataclasses.asdict(health), 200 if health.ok else 503)


async def show(client: httpx.AsyncClient, path: str) -> None:
    """Ask, and print what matters of the answer."""
    answer = await client.get(path)
    about = {name: answer.headers.get(name) for name in ("Age", "Cache-Status")}
    print(answer.status_code, path, about if about["Cache-Status"] else answer.text[:200])


def wait_for_the_heal() -> None:
    """As a client that asks again in a moment."""
    while cache.figures().functions[0].healing:
        time.sleep(0.01)


async def ask_ourselves() -> None:
    """A price before it is known, fresh and stale; and what is said of the promise."""
    inside = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=inside, base_url="http://service") as client:
        await show(client, "/prices/tea")  # not known: a heal is published, and nobody waits
        await asyncio.to_thread(wait_for_the_heal)
        await show(client, "/prices/tea")
        price.mark_stale("tea")
        await show(client, "/prices/tea")
        await show(client, "/ready")
        await show(client, "/live")


def main() -> None:
    """Serve, or ask ourselves a few questions."""
    if "--serve" in sys.argv:
        import uvicorn

        uvicorn.run(app, port=int(sys.argv[-1]))
        return
    asyncio.run(ask_ourselves())
    cache.close()


if __name__ == "__main__":
    main()
