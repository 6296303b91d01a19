"""``healing_cache``: the decorator of the default cache.

Law: the face alone; what it does is ``_cache``'s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Never, overload

from typing_extensions import TypeVar, Unpack

from oob_heal._cache import HealingCache
from oob_heal._policy import Options
from oob_heal._typing import Decorator

D = TypeVar("D")

default_cache = HealingCache()
"""The cache that ``healing_cache`` decorates with."""


@overload
def healing_cache(*, default: D, **options: Unpack[Options]) -> Decorator[D]: ...
@overload
def healing_cache(
    *, default_factory: Callable[[], D], **options: Unpack[Options]
) -> Decorator[D]: ...
@overload
def healing_cache(**options: Unpack[Options]) -> Decorator[Never]: ...
def healing_cache(*misplaced: Any, **options: Any) -> Any:
    """Serve a function from a cache that heals out of band.

    A call answers with the fresh value, else the stale one, else the default, else
    ``CacheMissError``; it never calls the function and never waits for it. On a miss it publishes
    a cache-missed event; a healer calls the function out of band and writes the cache.

    Durations are seconds or timedeltas:

    - ``ttl``: how long a value counts as up to date, from the start of the heal that brought it.
    - ``max_stale`` (7 days): how much longer it may be served; 0 never, None for as long as kept.
    - ``default`` or ``default_factory``: what to serve with nothing there.
    - ``backend``, ``maxsize`` (10,000): where entries live; a table in memory unless given.
    - ``executor``: what carries heals; a thread pool for sync, tasks for async functions.
    - ``key``, ``ignore``: what identifies a call, or the parameters that do not.
    - ``name``, ``namespace``, ``version``: who the function is, where others share the backend.
    - ``heal_timeout`` (30), ``backoff``, ``jitter`` (0.1), ``drop_on``: how heals go.
    - ``around``: a context manager factory, entered around each call in a heal. Arguments that
      die with the request (a session, say) belong in ``ignore``; let ``around`` make the heal
      its own.
    - ``codec``, ``copy``: how values become bytes; how mutable ones are isolated.
    - ``dependency``: functions that name the same one share its limits.
    - ``promise``: what share of the answers must be how young; ``health`` says if it is not kept.

    Bad arguments are a TypeError or a ValueError that names them. Source: Matt Baker, "Out of
    Band Healing", in Patterns of an Eventually Consistent Bounded Context.

    >>> @healing_cache(ttl=60, default="?")
    ... def capital(country: str) -> str:
    ...     return {"FR": "Paris"}[country]
    >>> capital.heal_now("FR"), capital("FR"), capital("DE")
    ('Paris', 'Paris', '?')
    """
    return default_cache(*misplaced, **options)
