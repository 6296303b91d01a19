"""A cache of Django's as a backend. Law: three methods over a store of bytes, and no more."""

import math
from typing import Any

try:
    from django.core.cache import caches
except ImportError:
    raise ImportError("DjangoBackend needs Django: pip install 'oob_heal[django]'") from None

from oob_heal.backends.bytestore import ByteStoreBackend


class DjangoBackend(ByteStoreBackend):
    """The cache that ``settings.CACHES`` has under ``alias``.

    What it cannot promise, where processes share that cache: one heal a key among all of them
    (each has leases of its own, so it is one a process); that a heal never overwrites a newer
    write of another process; that ``cache_clear`` is seen by another before it starts anew; and,
    where the cache evicts, that what was cleared stays so: the note of it may be evicted first.
    It waits as long as the cache's own client does: give that a timeout. ``LocMemCache`` and
    ``FileBasedCache`` keep 300 entries unless ``MAX_ENTRIES`` says otherwise.

    >>> def backend_of_the_project() -> DjangoBackend:
    ...     return DjangoBackend("default")  # the alias of one of settings.CACHES
    """

    def __init__(self, alias: str = "default") -> None:
        super().__init__()
        self.alias = alias

    def load(self, key: str) -> Any:
        return caches[self.alias].get(key)  # of this thread, as Django wants it

    def store(self, key: str, data: bytes, keep_for: float) -> None:
        caches[self.alias].set(key, data, timeout=math.ceil(min(keep_for, self.longest_keep)))

    def remove(self, key: str) -> None:
        caches[self.alias].delete(key)
