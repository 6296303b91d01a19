"""What users plug in: backend, executor, codec, observer, clock.

Law: protocols and plain constants, no behaviour. Verbs of a backend are sync here; a backend of
the other colour has the same verbs as coroutines. A backend that serves both colours is a sync
one whose attribute ``aio`` is its async half. What a backend can do it declares; undeclared
means no:

    declaration     default   means
    stores_bytes    False     keys and scopes are short ASCII text, entries are sealed bytes
    shared_leases   False     leases hold between processes
    store_clock     False     entries and leases are dated by the store's clock, not this process's
    prompt          False     its verbs return at once, without I/O: async code may call them
    lock_free_reads False     its get takes no lock: a finalizer may call it
    deadline        inf       seconds within which every verb returns or raises
    longest_keep    inf       seconds for which it keeps an entry at most
    aio             None      its async half
    known_now       None      known_now() is now(), or None where that would wait for a contact; its
                              async half then has ``await anow()``, so that no event loop waits
    near            None      entries that this process holds already, asked before it (a tier)
    meet            None      meet(scope) waits for the first contact with the store, not for long:
                              a worker calls it before it heals
    news            None      news(hear) makes what calls hear(verb, name, which) for every write of
                              any process, once ``follow(scope)`` was called on it; ``which`` says
                              what entry stands there now (see WHICH_AT), '' for none

An executor may declare ``leaves_process`` (heals run in other processes: it needs shared leases),
``queue_timeout`` (seconds for which an event may wait in its queue: the lease that goes with it),
``ends_with_loop`` (what it cuts off, an event loop has cut off: worth telling when it never stops),
``heals_inline`` (for tests only: submit returns when the heal has ended) and ``share`` (how many
heals of one function it takes at most; the doctor asks). It may have ``figures()``: how many heals
are ``waiting``, ``running``, ``sent`` or ``hung`` in it, by name, read without a lock and at any
time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from oob_heal._heal_port import Heal
from oob_heal._model import Entry, Lease, Outcome, Reason, Refused
from oob_heal._tokens import WAITS

STALE_MARK_AT = 5  # the byte of a sealed entry that a bytes backend sets to 1 to mark it stale
"""Where the stale mark stands in a sealed entry: one byte, 0 or 1."""

WHICH_AT = slice(22, 38)
"""Where a sealed entry says which one it is: when it is dated, and its spread. News say it, after
the stale mark, in hexadecimal digits."""

AHEAD_AT_MOST = 1.0  # s
"""What is dated further in the future was written before a wall clock was set back."""

Clock = Callable[[], float]
"""Returns seconds that never run backwards, as ``time.monotonic`` does."""


class Backend(Protocol):
    """Stores entries and grants leases; each verb is atomic. It never decides.

    ``set``, ``delete``, ``mark_stale`` and ``clear`` void the lease of every key they concern,
    also of an absent one. Attempts are counted when a lease is granted; ``commit`` and ``set``
    reset attempts and retry time, the other verbs leave them.

    >>> from oob_heal import Key, Scope
    >>> from oob_heal.backends.memory import MemoryBackend
    >>> backend: Backend = MemoryBackend(clock=lambda: 1_000.0)
    >>> key = Key(Scope("shop", "app.price", 0, ""), 7)
    >>> lease = backend.acquire(key, lease_for=31)
    >>> backend.commit(lease, Entry("v", dated=1_000.0), keep_for=60), backend.get(key).value
    (True, 'v')
    """

    def now(self) -> float:
        """Seconds by the clock that dates this backend's entries and leases; no I/O."""
        ...

    def get(self, key: Any) -> Any:
        """The entry, or None. A read changes nothing."""
        ...

    def set(self, key: Any, entry: Any, keep_for: float) -> None:
        """Store an entry, to be kept ``keep_for`` seconds at most."""
        ...

    def delete(self, key: Any) -> None:
        """Make the key absent."""
        ...

    def mark_stale(self, key: Any) -> None:
        """Make the entry, if there is one, count as past its ttl."""
        ...

    def clear(self, scope: Any) -> None:
        """Make every key of the scope absent, and of no other scope."""
        ...

    def acquire(
        self, key: Any, lease_for: float, *, adopt: str | None = None, force: bool = False
    ) -> Lease | Refused:
        """Grant the lease of a free key for ``lease_for`` seconds.

        ``adopt`` exchanges a publisher's token for a new lease, once, without counting another
        attempt; if that token holds nothing any more, a free key is granted as usual. With
        ``adopt=WAITS`` a publisher asks for a lease that waits with its event: what it is granted
        any event's token exchanges, once, for nobody heals yet. ``force``
        passes over the retry time, never over a lease that holds.
        """
        ...

    def commit(self, lease: Lease, entry: Any, keep_for: float) -> bool:
        """Store the entry and end the lease, if it still holds; False if it is void.

        With None for the entry: remove what is there, and grant no lease for ``keep_for``
        seconds. Idempotent by token: the same commit again is True and writes nothing.
        """
        ...

    def release(self, lease: Lease, retry_after: float = 0) -> None:
        """Give the lease back; no other is granted for ``retry_after`` seconds.

        With 0 it is given back unused, and the attempt that it counted is taken back. A void
        lease counts as well, unless the key was set since, or a newer lease was granted: a heal
        that fails after an invalidation backs off all the same.
        """
        ...


class Executor(Protocol):
    """Carries heals to where they run.

    >>> from oob_heal import HealingCache
    >>> class Later(list[Heal]):
    ...     submit = list.append
    >>> later: Executor = Later()
    >>> @HealingCache(executor=later)(ttl=60, default=0)
    ... def double(n: int) -> int:
    ...     return 2 * n
    >>> double(4), later.pop()(), double(4)
    (0, <Outcome.HEALED: 'healed'>, 8)
    """

    def submit(self, heal: Any, /) -> Any:
        """Take a heal, without I/O and without waiting, or raise ``HealRejectedError``.

        It runs in the caller of a decorated function, and must not run the heal there.
        """
        ...


class Codec(Protocol):
    """Turns values into bytes and back.

    One that declares ``signs`` is called ``encode(value, about)`` and ``decode(data, about)``,
    with bytes that say which entry it is for: what was signed for one is no other's.

    >>> from oob_heal.codecs import JsonCodec
    >>> codec: Codec = JsonCodec()
    >>> codec.decode(codec.encode({"price": 9}))
    {'price': 9}
    """

    @property
    def fingerprint(self) -> str:
        """Names the codec and the shape it writes: another one reads nothing of this one's."""
        ...

    def encode(self, value: Any) -> bytes:
        """Bytes that ``decode`` turns into an equal value of the same type, else ``CodecError``."""
        ...

    def decode(self, data: bytes) -> Any:
        """The value. Must execute nothing that the bytes name. ``CodecError``, or any other
        Exception, for what it cannot have written: that is a miss."""
        ...


@runtime_checkable
class Observer(Protocol):
    """Hears what happens, in a thread of its own; what it raises or how long it takes is its
    own business. One that declares ``only_heals`` hears of no answer, and costs a call nothing.

    >>> from oob_heal.observe import Missed
    >>> def tell_misses(happening: object) -> None:
    ...     if isinstance(happening, Missed):
    ...         print(f"{happening.function} is {happening.reason.value}")
    >>> tell_misses(Missed("app.price", Reason.STALE))
    app.price is stale
    """

    def __call__(self, happening: Any, /) -> None:
        """Hear one frozen happening of ``oob_heal.observe``."""
        ...


class Tracer(Protocol):
    """What an observer may have besides, to trace heals; the first observer that has a method is
    asked. They run in callers and heals: at once, and without I/O. What they raise is nothing.

    >>> from oob_heal import HealingCache
    >>> from oob_heal.testing import ManualExecutor
    >>> class InOneTrace:
    ...     def __call__(self, happening: object) -> None: ...
    ...     def traceparent(self) -> str:
    ...         return "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    >>> executor = ManualExecutor()
    >>> @HealingCache(executor=executor, observers=[InOneTrace()])(ttl=60)
    ... def double(n: int) -> int:
    ...     return 2 * n
    >>> double.heal(4), executor.pending[0].event.traceparent
    (True, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')
    """

    def traceparent(self) -> str | None:
        """In the caller: its trace, as W3C Trace Context writes it. It travels with the event."""
        ...

    def cache_missed(self, function: str, reason: Reason) -> None:
        """In the caller: an event was published."""
        ...

    def heal_span(self, function: str, reason: Reason, traceparent: str | None) -> HealSpan:
        """Where the heal runs, as it begins: a span of its own."""
        ...


class HealSpan(Protocol):
    """The span of one heal.

    >>> class Told:
    ...     def enter(self) -> None: ...
    ...     def end(self, outcome: Outcome, error: str, attempt: int, at: int) -> None:
    ...         print(f"{outcome.value}: {error}, attempt {attempt}")
    >>> span: HealSpan = Told()
    >>> span.end(Outcome.FAILED, "TimeoutError", attempt=2, at=1_700_000_000_000_000_000)
    failed: TimeoutError, attempt 2
    """

    def enter(self) -> None:
        """In the heal's own context, before the function is called: make it the current span."""
        ...

    def end(self, outcome: Outcome, error: str, attempt: int, at: int) -> None:
        """The heal ended ``at`` nanoseconds since 1970; called in a thread of its own, once."""
        ...


__all__ = [
    "AHEAD_AT_MOST",
    "STALE_MARK_AT",
    "WAITS",
    "WHICH_AT",
    "Backend",
    "Clock",
    "Codec",
    "Entry",
    "Executor",
    "Heal",
    "HealSpan",
    "Observer",
    "Tracer",
]
