"""Django: a cache made from the project's settings, and the doctor among its system checks.

    INSTALLED_APPS = [..., "oob_heal.frameworks.django.OobHealConfig"]
    OOB_HEAL = {"namespace": "shop", "max_stale": 3_600}  # the arguments of HealingCache

Law: thin. ``cache`` is made when it is first asked for, never at import, so that settings come
first. Heals have connections of their own and leave none behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from oob_heal._cache import HealingCache
from oob_heal._decorator import default_cache
from oob_heal._doctor import examine

try:
    from django import conf
    from django.apps import AppConfig
    from django.core import checks
    from django.db import close_old_connections
except ImportError as missing:
    raise ImportError(
        "oob_heal.frameworks.django needs Django: pip install 'oob_heal[django]'"
    ) from missing

cache: HealingCache
"""The project's cache: ``from oob_heal.frameworks.django import cache``, ``@cache(ttl=60)``."""


@contextmanager
def own_connections() -> Iterator[None]:
    """What a heal that uses the database is run in: ``around=`` of the project's cache.

    A heal runs outside of any request, so Django closes nothing after it; this does.

    >>> HealingCache(around=own_connections, namespace="shop")
    <HealingCache shop, 0 functions>
    """
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()


def from_settings() -> HealingCache:
    """A cache made from ``settings.OOB_HEAL``, the arguments of ``HealingCache``; ``around`` is
    ``own_connections`` unless given. Bad ones are refused by name, as there.

    >>> from unittest.mock import patch
    >>> settings = conf.LazySettings()
    >>> settings.configure(OOB_HEAL={"namespace": "shop"})
    >>> with patch.object(conf, "settings", settings):
    ...     from_settings()
    <HealingCache shop, 0 functions>
    """
    given: dict[str, Any] = {"around": own_connections}
    given.update(getattr(conf.settings, "OOB_HEAL", {}))
    return HealingCache(**given)


def __getattr__(name: str) -> Any:
    if name != "cache":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault("cache", from_settings())


def look(app_configs: Any, **_: Any) -> list[Any]:
    """The doctor's findings as Django's warnings, for ``manage.py check``."""
    return [
        checks.Warning(said, obj=checked.function, id="oob_heal.W001")
        for each in (default_cache, globals().get("cache") or __getattr__("cache"))
        for checked in examine(each)
        for said in checked.wrong
    ]


class OobHealConfig(AppConfig):  # type: ignore[misc]
    """The app: it adds the doctor to the system checks.

    >>> INSTALLED_APPS = ["oob_heal.frameworks.django.OobHealConfig"]
    """

    name = "oob_heal.frameworks.django"
    label = "oob_heal"
    verbose_name = "Out of Band Healing"

    def ready(self) -> None:
        """Called by Django, once all apps are loaded."""
        checks.register(look, "oob_heal")
