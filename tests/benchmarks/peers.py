"""The caches that are measured beside ours, each behind the same two verbs.

Law: a peer is used as its own documentation shows, for a memory of ``size`` entries that live
``ttl`` seconds. One that is not installed, or does not start, is reported and left out.
"""

from __future__ import annotations

import datetime as dt
import functools
import importlib.metadata
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Function = Callable[..., Any]


@dataclass(frozen=True)
class Peer:
    """``sync`` and ``coloured`` decorate a function of that colour; None where there is no way."""

    name: str
    package: str
    sync: Callable[[Function, int, float], Function] | None = None
    coloured: Callable[[Function, int, float], Function] | None = None

    @property
    def version(self) -> str:
        """Its version, or '' if it is not installed."""
        if not self.package:
            return "standard library"
        try:
            return importlib.metadata.version(self.package)
        except importlib.metadata.PackageNotFoundError:
            return ""


def _lru(fn: Function, size: int, ttl: float) -> Function:
    return functools.lru_cache(size)(fn)


def _ours(fn: Function, size: int, ttl: float, **options: Any) -> Function:
    from oob_heal import HealingCache

    cache = HealingCache(ttl=ttl, maxsize=size, **options)
    return cache(name=f"bench.{fn.__name__}", default=None)(fn)


def _ours_coarse(fn: Function, size: int, ttl: float) -> Function:
    from oob_heal.clocks import CoarseClock

    return _ours(fn, size, ttl, clock=CoarseClock())


def _cachetools(fn: Function, size: int, ttl: float) -> Function:
    import cachetools

    return cachetools.cached(cachetools.TTLCache(size, ttl), lock=threading.RLock())(fn)


def _cachebox(fn: Function, size: int, ttl: float) -> Function:
    import cachebox

    made: Function = cachebox.cached(cachebox.TTLCache(size, ttl))(fn)
    return made


def _theine(fn: Function, size: int, ttl: float) -> Function:
    from theine import Memoize

    made: Function = Memoize(size, dt.timedelta(seconds=ttl))(fn)
    return made


def _dogpile(fn: Function, size: int, ttl: float) -> Function:
    from dogpile.cache import make_region

    region = make_region().configure("dogpile.cache.memory", expiration_time=ttl)
    made: Function = region.cache_on_arguments()(fn)
    return made


def _cachier(fn: Function, size: int, ttl: float) -> Function:
    from cachier import cachier

    made: Function = cachier(backend="memory", stale_after=dt.timedelta(seconds=ttl))(fn)
    return made


def _diskcache(fn: Function, size: int, ttl: float) -> Function:
    import diskcache

    made: Function = diskcache.Cache(tempfile.mkdtemp(prefix="bench-")).memoize(expire=ttl)(fn)
    return made


def _async_lru(fn: Function, size: int, ttl: float) -> Function:
    from async_lru import alru_cache

    made: Function = alru_cache(maxsize=size, ttl=ttl)(fn)
    return made


def _aiocache(fn: Function, size: int, ttl: float) -> Function:
    from aiocache import cached

    made: Function = cached(ttl=ttl)(fn)
    return made


def _cashews(fn: Function, size: int, ttl: float) -> Function:
    from cashews import Cache

    cache = Cache()
    cache.setup(f"mem://?size={size}")
    made: Function = cache(ttl=ttl)(fn)
    return made


OURS = Peer("oob_heal", "oob-heal", _ours, _ours)
PEERS = (
    OURS,
    Peer("oob_heal, coarse clock", "oob-heal", _ours_coarse, None),
    Peer("lru_cache", "", _lru),
    Peer("cachebox", "cachebox", _cachebox, _cachebox),
    Peer("cachetools, lock", "cachetools", _cachetools),
    Peer("theine", "theine", _theine, _theine),
    Peer("dogpile.cache", "dogpile.cache", _dogpile),
    Peer("cachier", "cachier", _cachier, _cachier),
    Peer("diskcache", "diskcache", _diskcache),
    Peer("async-lru", "async-lru", None, _async_lru),
    Peer("aiocache", "aiocache", None, _aiocache),
    Peer("cashews", "cashews", None, _cashews),
)
