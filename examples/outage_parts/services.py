"""The three architectures, as three services that answer `GET /airports/<IATA code>`.

Each is the same server with the same bounded pool of worker threads and the same HTTP client
(pooled connections, a time-out of 2 s). They differ in one function: where a record comes from.

`python -m outage_parts.services` serves one of them; it reads its settings from its standard input.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import httpx
from cachetools import TTLCache, cached

from oob_heal import Backoff, Promise, default_cache, healing_cache
from outage_parts.servers import Answer, PooledServer, read_settings, serve_until_parent_ends

Record = dict[str, Any]
Lookup = Callable[[str], Record | None]
Service = tuple[Lookup, Callable[[list[str]], None], Callable[[], dict[str, Any]]]
"""How to look up an airport, how to warm up with some codes, and what the cache says of itself."""

WARM_UP_LIMIT = 10.0


class Client:
    """Calls the dependency, as a careful engineer would: pooled, with a time-out, no retries."""

    def __init__(self, dependency: str, caller: str, *, timeout: float, threads: int) -> None:
        self.attempts = 0
        self._counting = threading.Lock()
        self._http = httpx.Client(
            base_url=dependency,
            headers={"X-Caller": caller},
            timeout=timeout,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=threads),
            trust_env=False,  # a proxy from the environment has no business on the loopback
        )

    def airport(self, code: str) -> Record:
        """The record of one airport; `httpx.HTTPError` when there is no good answer in time."""
        with self._counting:
            self.attempts += 1
        answer = self._http.get(f"/airports/{code}")
        answer.raise_for_status()
        record: Record = answer.json()
        return record


def in_the_request(client: Client, ttl: float, threads: int) -> Service:
    """(a) No cache: each request calls the dependency and waits for it."""
    return client.airport, lambda codes: None, dict


def healed_in_band(client: Client, ttl: float, threads: int) -> Service:
    """(b) A cache that heals in band: on a miss, the request calls the dependency and waits.

    `condition=` rather than `lock=`: with a plain lock every thread that misses an expired key
    calls the dependency; with a condition one calls, and the others wait for its answer. It is
    the best that cachetools offers, and what it was made for.
    """

    @cached(TTLCache[str, Record](maxsize=10_000, ttl=ttl), condition=threading.Condition())
    def airport(code: str) -> Record:
        return client.airport(code)

    def warm_up(codes: list[str]) -> None:
        for code in codes:
            airport(code)

    return airport, warm_up, dict


def healed_out_of_band(client: Client, ttl: float, threads: int) -> Service:
    """(c) A cache that heals out of band: the request reads the cache, and never waits.

    The same ttl as (b), and the same time-out. Without `executor=`, the heals of one function get
    a few threads; here they get as many calls at once as the other two services can make. Each
    failed heal of a key doubles the wait for its next one: without `backoff=` from 1 s to 60 s,
    which suits outages of minutes; this run squeezes one into seconds.
    """

    @healing_cache(
        ttl=ttl,
        max_stale=86_400,
        default=None,
        heal_timeout=2,
        promise=Promise(share=0.95, younger_than=5 * ttl, window=10),
        backoff=Backoff(initial=0.5, factor=2, maximum=4),
        executor=ThreadPoolExecutor(threads),
    )
    def airport(code: str) -> Record | None:
        return client.airport(code)

    def warm_up(codes: list[str]) -> None:
        for code in codes:
            airport.heal(code)
        limit = time.monotonic() + WARM_UP_LIMIT
        while airport.cache_info().healing and time.monotonic() < limit:
            time.sleep(0.02)

    def about_cache() -> dict[str, Any]:
        figures = asdict(default_cache.figures())
        for each in figures["functions"]:
            each["promise"] = _kept(airport.cache_info().promise)
        return airport.cache_info()._asdict() | {"promise": None, "figures": figures}

    return airport, warm_up, about_cache


def _kept(kept: Any) -> dict[str, Any]:
    """Whether the promise is kept, as plain data."""
    promised = {"younger_than": kept.promise.younger_than, "target": kept.promise.share}
    return {"is_kept": kept.is_kept, "share": kept.share, **promised}


BUILDERS: dict[str, Callable[[Client, float, int], Service]] = {
    "in_the_request": in_the_request,
    "healed_in_band": healed_in_band,
    "healed_out_of_band": healed_out_of_band,
}


def main() -> None:
    """Serve one architecture, after its cache was warmed up."""
    settings = read_settings()
    logging.basicConfig(level=logging.ERROR)  # that heals fail in an outage is no news here
    client = Client(
        settings["dependency"],
        settings["architecture"],
        timeout=settings["client_timeout"],
        threads=settings["threads"],
    )
    build = BUILDERS[settings["architecture"]]
    lookup, warm_up, about_cache = build(client, settings["ttl"], settings["threads"])
    warm_up(settings["warm_codes"])
    client.attempts = 0  # what the warm-up took is no part of the figures

    def answer(path: str, caller: str) -> Answer:
        if path == "/nothing":
            return 200, {}
        if path == "/stats":
            return 200, {"attempts": client.attempts, "cache": about_cache()}
        try:
            return 200, {"airport": lookup(path.removeprefix("/airports/"))}
        except httpx.TimeoutException:
            return 504, {"error": "the dependency did not answer in time"}
        except httpx.HTTPError as error:
            return 502, {"error": f"no answer from the dependency: {type(error).__name__}"}

    serve_until_parent_ends(PooledServer(0, answer, threads=settings["threads"]))


if __name__ == "__main__":
    main()
