"""The values that everything else speaks in.

Law: frozen values and their names, nothing that acts. No clock, no lock, no I/O, and no import
from the package but ``_backoff``: everyone may know this file, so this file knows no one else.
Times are seconds by the backend's clock; durations are seconds.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple

from typing_extensions import TypeVar

from oob_heal._backoff import Backoff

T = TypeVar("T", default=Any)

new = tuple.__new__
"""Makes a named tuple of all its fields, at a fifth of what calling its class costs: for where a
caller waits."""


class Freshness(enum.Enum):
    """The state of a key, by the age of its entry and the policy of its function.

    >>> Freshness.STALE.value
    'stale'
    """

    FRESH = "fresh"
    STALE = "stale"
    EXPIRED = "expired"
    ABSENT = "absent"


class Reason(enum.Enum):
    """Why a cache-missed event was published, or why there was nothing to serve.

    ``UNAVAILABLE`` (the backend could not be read) is never published: no lease, no heal.

    >>> Reason.STALE.value
    'stale'
    """

    ABSENT = "absent"
    STALE = "stale"
    EXPIRED = "expired"
    REQUESTED = "requested"
    UNAVAILABLE = "unavailable"


class Outcome(enum.Enum):
    """How a published heal ended; each one ends exactly once.

    >>> [outcome.value for outcome in Outcome]
    ['healed', 'skipped', 'refused', 'failed', 'dropped', 'lost']
    """

    HEALED = "healed"
    SKIPPED = "skipped"
    REFUSED = "refused"
    FAILED = "failed"
    DROPPED = "dropped"
    LOST = "lost"


class Why(enum.Enum):
    """Why a backend refused a lease.

    >>> Why.BACKING_OFF.value
    'backing off'
    """

    HELD = "held"
    BACKING_OFF = "backing off"
    FULL = "full"


class Scope(NamedTuple):
    """What ``cache_clear`` clears: one function, in one version and shape, in one namespace.

    >>> Scope("shop", "app.price", 0, "a1b2c3d4").label
    'shop:app.price'
    """

    namespace: str
    name: str
    version: int
    fingerprint: str

    @property
    def label(self) -> str:
        """How people call it: namespace and name."""
        return f"{self.namespace}:{self.name}" if self.namespace else self.name


class Key(NamedTuple):
    """One call of one function, hashable, equal for calls that share an entry.

    The token stands for the arguments; they never show in the repr.

    >>> Key(Scope("shop", "app.price", 0, ""), 7)
    <Key shop:app.price #00000007>
    """

    scope: Scope
    token: Any

    def __repr__(self) -> str:
        return f"<Key {self.scope.label} #{hash(self.token) & 0xFFFFFFFF:08x}>"


@dataclass(frozen=True, slots=True)
class Entry:
    """A value and the facts of its storing. The reader judges its age, never the backend.

    ``dated``: when the heal that brought the value started (when it was written, for ``set``).
    ``spread``: a random number in [0, 1), drawn once, by which every reader applies the same
    jitter. ``marked_stale``: counts as past its ttl whatever its age.

    >>> Entry("v", dated=1_000.0)
    Entry(dated=1000.0, marked_stale=False, spread=0.0)
    """

    value: Any = field(repr=False)
    dated: float
    marked_stale: bool = False
    spread: float = 0.0


def entry_of(value: Any, dated: float, marked_stale: bool, spread: float) -> Entry:
    """As ``Entry(...)``, at a third of its price: for where a caller waits."""
    entry = _bare(Entry)
    _set_value(entry, value)
    _set_dated(entry, dated)
    _set_marked(entry, marked_stale)
    _set_spread(entry, spread)
    return entry


_bare = object.__new__
_set_value, _set_dated, _set_marked, _set_spread = (
    getattr(Entry, each).__set__ for each in ("value", "dated", "marked_stale", "spread")
)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to heal one key until ``until``, proved by ``token``: ASCII, 100 signs at most, for
    it travels with events.

    ``attempt`` counts the leases taken since the key last healed, this one included.
    ``previous_at`` is when the lease before was granted, if that one lapsed without being given
    back (its holder crashed or hangs), else None. Source: Gray and Cheriton, "Leases", SOSP 1989.

    >>> from oob_heal.backends.memory import MemoryBackend
    >>> lease = MemoryBackend(clock=lambda: 1_000.0).acquire("key", lease_for=31)
    >>> lease.granted_at, lease.until, lease.attempt
    (1000.0, 1031.0, 1)
    """

    key: Any
    token: str
    granted_at: float
    until: float
    attempt: int
    previous_at: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A lease that was not granted, and until when asking again is pointless.

    >>> from oob_heal.backends.memory import MemoryBackend
    >>> backend = MemoryBackend(clock=lambda: 1_000.0)
    >>> lease = backend.acquire("key", lease_for=31)
    >>> backend.acquire("key", lease_for=31)
    Refused(why=<Why.HELD: 'held'>, until=1031.0)
    """

    why: Why
    until: float


@dataclass(frozen=True, slots=True)
class Policy:
    """How one function's entries are judged and healed; validated, in seconds."""

    ttl: float
    max_stale: float = 7 * 86_400.0
    jitter: float = 0.1
    heal_timeout: float = 30.0
    queue_timeout: float = 30.0
    backoff: Backoff = Backoff()
    drop_on: tuple[type[BaseException], ...] = ()


class Served(NamedTuple, Generic[T]):
    """An answer with what is known of it.

    ``age`` in seconds, None when there is no entry behind the answer. ``freshness`` is that of
    the key: with ``is_default`` true it is ABSENT or EXPIRED. The repr does not show the value.

    >>> Served("v", Freshness.FRESH, 0.5, False).value
    'v'
    """

    value: T
    freshness: Freshness
    age: float | None
    is_default: bool

    def __repr__(self) -> str:
        age = "no age" if self.age is None else f"age {self.age:.3g} s"
        default = ", the default" if self.is_default else ""
        kind = type(self.value).__name__
        return f"<Served {kind}: {self.freshness.value}, {age}{default}>"


@dataclass(frozen=True, slots=True)
class CacheMissed:
    """The cache-missed event: this call found its key absent, stale or expired (or asked).

    Plain data that can travel. ``arguments`` maps parameter names to values, without those that
    are ignored; ``missed_at`` and ``entry_dated`` are seconds by the backend's clock;
    ``lease_token`` is the publisher's lease, to be adopted by whoever heals.

    >>> from oob_heal import HealingCache
    >>> from oob_heal.testing import ManualExecutor
    >>> executor = ManualExecutor()
    >>> @HealingCache(executor=executor)(ttl=60, default=0)
    ... def double(n: int) -> int:
    ...     return 2 * n
    >>> default = double(4)
    >>> executor.pending[0].event.reason, executor.pending[0].event.arguments["n"]
    (<Reason.ABSENT: 'absent'>, 4)
    """

    namespace: str
    name: str
    version: int
    arguments: Mapping[str, Any] = field(repr=False)
    reason: Reason
    missed_at: float
    entry_dated: float | None = None
    lease_token: str | None = None
    traceparent: str | None = None
