"""Real frameworks: an application's requests never wait, and its heals have what they need."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from flask import Flask, current_app

from oob_heal import HealingCache
from oob_heal.executors.threads import ThreadExecutor
from oob_heal.testing import ManualExecutor
from tests.children import run_python
from tests.waiting import wait_until

# ------------------------------------------------------------------------------ opened again


def test_a_cache_that_is_entered_again_takes_heals_again() -> None:
    cache = HealingCache()

    @cache(ttl=60, default=None)
    def price(article: str) -> float | None:
        return 4.5

    with cache:
        assert price("tea") is None
    assert price("tea") == 4.5, "leaving it drained its heals"
    assert not price.heal("coffee"), "it is closed"
    with cache:
        assert price.heal("coffee")
    assert price("coffee") == 4.5
    assert price.cache_info().dropped == 1


def test_what_a_user_handed_in_stays_the_users_to_close_and_to_open() -> None:
    executor = ThreadExecutor(threads=1)
    cache = HealingCache(executor=executor)

    @cache(ttl=60, default=None)
    def price(article: str) -> float | None:
        return 4.5

    with cache:
        pass
    with cache:
        assert price.heal("tea")
    executor.close()
    assert price("tea") == 4.5
    with cache:
        assert not price.heal("tea"), "its executor is closed"


def test_an_async_cache_is_opened_again_in_another_loop() -> None:
    cache = HealingCache()

    @cache(ttl=60, default=None)
    async def price(article: str) -> float | None:
        return 4.5

    async def lifespan(article: str) -> float | None:
        async with cache:
            assert await price(article) is None
        return await price(article)

    assert [asyncio.run(lifespan(article)) for article in ("tea", "coffee")] == [4.5, 4.5]


# ---------------------------------------------------------------------------- FastAPI, Starlette


def an_app(kind: str, cache: HealingCache, price: Any) -> Any:
    """One route, and a lifespan that opens and drains the cache."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        async with cache:
            yield

    if kind == "fastapi":
        from fastapi import FastAPI

        app = FastAPI(lifespan=lifespan)

        @app.get("/prices/{article}")
        async def a_price(article: str) -> dict[str, Any]:
            return {"price": await price(article)}

        return app
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def answer(request: Any) -> Any:
        return JSONResponse({"price": await price(request.path_params["article"])})

    return Starlette(routes=[Route("/prices/{article}", answer)], lifespan=lifespan)


async def asked(app: Any, path: str) -> Any:
    import httpx

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        return (await client.get(path)).json()["price"]


@asynccontextmanager
async def started(app: Any) -> AsyncIterator[None]:
    """The lifespan as a server runs it: in a task of its own, by messages."""
    told: asyncio.Queue[Any] = asyncio.Queue()
    said: asyncio.Queue[Any] = asyncio.Queue()
    task = asyncio.create_task(app({"type": "lifespan", "asgi": {}}, told.get, said.put))
    for event in ("startup", "shutdown"):
        await told.put({"type": f"lifespan.{event}"})
        assert (await said.get())["type"] == f"lifespan.{event}.complete"
        if event == "startup":
            yield
    await task


@pytest.mark.parametrize("kind", ["fastapi", "starlette"])
def test_a_lifespan_opens_and_drains_the_cache_in_each_run_of_the_app(kind: str) -> None:
    cache = HealingCache()
    calls: list[str] = []

    @cache(ttl=60, default=None)
    async def price(article: str) -> float | None:
        calls.append(article)
        await asyncio.sleep(0)
        return 4.5

    app = an_app(kind, cache, price)

    async def one_run(article: str) -> list[Any]:
        async with started(app):
            first = await asked(app, f"/prices/{article}")
        return [first, await asked(app, f"/prices/{article}")]

    for article in ("tea", "coffee"):  # a server's run, then a test's: two lifespans of one app
        assert asyncio.run(one_run(article)) == [None, 4.5]
    assert calls == ["tea", "coffee"]


# ------------------------------------------------------------------------------------------ Flask


def test_a_heal_has_flasks_application_context_of_its_own() -> None:
    app = Flask("shop")
    app.config["RATE"] = 1.25
    executor = ManualExecutor()
    cache = HealingCache(executor=executor, around=app.app_context)

    @cache(ttl=60, default=None)
    def price(article: str) -> float | None:
        return 4.0 * float(current_app.config["RATE"])

    @app.get("/prices/<article>")
    def a_price(article: str) -> dict[str, Any]:
        return {"price": price(article)}

    client = app.test_client()
    assert client.get("/prices/tea").json == {"price": None}
    threading.Thread(target=executor.run_all).start()
    wait_until(lambda: price.cache_info().healed == 1)
    assert client.get("/prices/tea").json == {"price": 5.0}
    assert not current_app, "nothing is left behind"


# ----------------------------------------------------------------------------------------- Django

DJANGO = """
import tempfile
from pathlib import Path
import django
from django.conf import settings
from django.urls import path
from django.http import JsonResponse

folder = tempfile.TemporaryDirectory()
settings.configure(
    ALLOWED_HOSTS=["testserver"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3",
                           "NAME": str(Path(folder.name, "shop.db"))}},
    INSTALLED_APPS=["django.contrib.contenttypes", "oob_heal.frameworks.django.OobHealConfig"],
    OOB_HEAL={"namespace": "shop", "max_stale": 3_600},
    ROOT_URLCONF=__name__,
)
django.setup()

from django.core.management import call_command
from django.contrib.contenttypes.models import ContentType
from django.db import connections
from django.test import Client
from oob_heal.frameworks.django import cache

healed_in = []

@cache(ttl=60, default=None)
def models(app):
    healed_in.append(connections["default"])
    return ContentType.objects.filter(app_label=app).count()

def view(request):
    return JsonResponse({"models": models("contenttypes")})

urlpatterns = [path("models", view)]
call_command("migrate", verbosity=0)
print(repr(cache))
print(Client().get("/models").json())
cache.close()
print(Client().get("/models").json())
mine = connections["default"]
print("a connection of its own:", healed_in[0] is not mine,
      "and none left open:", healed_in[0].connection is None)
connections.close_all()
folder.cleanup()
"""


def test_django_has_a_cache_from_its_settings_whose_heals_close_their_connections() -> None:
    assert run_python(DJANGO).splitlines() == [
        "<HealingCache shop, 1 functions>",
        "{'models': None}",
        "{'models': 1}",
        "a connection of its own: True and none left open: True",
    ]


def test_djangos_system_checks_tell_what_the_doctor_finds() -> None:
    code = """
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["oob_heal.frameworks.django.OobHealConfig"], OOB_HEAL={})
django.setup()
from django.core.checks import run_checks
from oob_heal import healing_cache
from oob_heal.frameworks.django import cache
assert run_checks() == []

@cache(ttl=60, default=[])
def a(n): return [n]
@healing_cache(ttl=60, default={})
def b(n): return {n: n}
for found in run_checks():
    print(found.id, found.obj, found.msg.split(":")[0], found.level)
"""
    assert run_python(code).splitlines() == [
        "oob_heal.W001 __main__.b the default is one dict for all callers 30",
        "oob_heal.W001 __main__.a the default is one list for all callers 30",
    ]


def test_a_bad_setting_is_refused_by_name() -> None:
    code = """
import django
from django.conf import settings
settings.configure(OOB_HEAL={"maxstale": 60})
try:
    from oob_heal.frameworks.django import cache
except TypeError as error:
    print(error)
"""
    assert run_python(code).startswith("there is no parameter maxstale=; there are ")
