"""Out of Band Healing as a decorator: answers come from a cache, healing happens elsewhere."""

from oob_heal._backoff import Backoff
from oob_heal._breaker import Breaker, Dependency
from oob_heal._cache import HealingCache
from oob_heal._decorator import default_cache, healing_cache
from oob_heal._model import (
    CacheMissed,
    Entry,
    Freshness,
    Key,
    Lease,
    Outcome,
    Reason,
    Refused,
    Scope,
    Served,
    Why,
)
from oob_heal._promise import Promise
from oob_heal._reports import CacheInfo, Failing, Health
from oob_heal._typing import AsyncHealingFunction, HealingFunction
from oob_heal.errors import (
    BackendError,
    CacheMissError,
    CodecError,
    HealRejectedError,
    HealTimeoutError,
    OobHealError,
    UncacheableResultError,
    UnkeyableArgumentError,
)

__version__ = "0.1.0"

__all__ = [
    "AsyncHealingFunction",
    "BackendError",
    "Backoff",
    "Breaker",
    "CacheInfo",
    "CacheMissError",
    "CacheMissed",
    "CodecError",
    "Dependency",
    "Entry",
    "Failing",
    "Freshness",
    "HealRejectedError",
    "HealTimeoutError",
    "HealingCache",
    "HealingFunction",
    "Health",
    "Key",
    "Lease",
    "OobHealError",
    "Outcome",
    "Promise",
    "Reason",
    "Refused",
    "Scope",
    "Served",
    "UncacheableResultError",
    "UnkeyableArgumentError",
    "Why",
    "default_cache",
    "healing_cache",
]
