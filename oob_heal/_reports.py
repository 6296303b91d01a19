"""What users are told when they ask: frozen reports.

Law: frozen values, plain data, nothing that acts; no argument and no value in any repr.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from oob_heal._model import Key
from oob_heal._promise import Kept


class CacheInfo(NamedTuple):
    """Counters of one decorated function in this process, since it was decorated.

    A hit is fresh; ``misses = stale + absent``; ``absent`` counts expired and unreadable too.
    ``currsize`` is None where unknown. Of the heals published,
    ``published = healed + skipped + refused + failed + dropped + lost + healing``.
    ``promise`` says whether its promise is kept, None if it has none.

    >>> from oob_heal import healing_cache
    >>> @healing_cache(ttl=60)
    ... def double(n: int) -> int:
    ...     return 2 * n
    >>> double.heal_now(4), double(4), double(4)
    (8, 8, 8)
    >>> double.cache_info().hits, double.cache_info().healed
    (2, 1)
    """

    hits: int
    misses: int
    maxsize: int | None
    currsize: int | None
    stale: int
    absent: int
    healed: int
    skipped: int
    refused: int
    failed: int
    dropped: int
    lost: int
    healing: int
    promise: Kept | None = None


class Failing(NamedTuple):
    """A key that does not heal, as ``failing()`` lists it; or, with ``key`` None, a function whose
    promise is not kept: ``error`` is then ``PromiseNotKept``.

    ``error`` is its type's name, ``message`` its text: it may hold arguments, so it never shows in
    the repr. ``next_try``: seconds from now until the next attempt is allowed, 0 if it is now.

    >>> from oob_heal import Scope
    >>> Failing("app.price", Key(Scope("", "app.price", 0, ""), 7), "KeyError", "'tea'", 2, 1.5)
    <Failing app.price #00000007: KeyError, 2 attempts, next in 1.5 s>
    """

    function: str
    key: Key | None
    error: str
    message: str
    attempts: int
    next_try: float

    def __repr__(self) -> str:
        if self.key is None:
            return f"<Failing {self.function}: {self.error}>"
        named = repr(self.key).removeprefix("<Key ").removesuffix(">")
        tried = f"{self.attempts} attempts, next in {self.next_try:g} s"
        return f"<Failing {named}: {self.error}, {tried}>"


@dataclass(frozen=True)
class NotKept:
    """A promise that is not kept, and what is known of why: ``because`` is for people, and names
    types and counts, never an argument or a value. Durations are seconds."""

    function: str
    promised_share: float
    younger_than: float
    share: float
    over: float
    because: tuple[str, ...]


@dataclass(frozen=True)
class Health:
    """Whether every promise is kept, and which are not: plain data, ``dataclasses.asdict(health)``
    is JSON. At most 100 are listed.

    >>> from oob_heal import HealingCache
    >>> HealingCache().health()
    Health(ok=True, not_kept=())
    """

    ok: bool
    not_kept: tuple[NotKept, ...] = ()
