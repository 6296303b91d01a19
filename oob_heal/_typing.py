"""What a type checker knows of a decorated function; at run time it is a plain function.

Law: types only. The parameters survive (PEP 612), so a wrong argument is a type error; a default
widens what a call returns by its type ``D``, which is Never where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Concatenate, ParamSpec, Protocol, overload

from typing_extensions import TypeVar

from oob_heal._model import Key, Served
from oob_heal._reports import CacheInfo

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
D = TypeVar("D")
S = TypeVar("S")


class _Members(Protocol[P]):
    """What decorated functions of both colours have."""

    __name__: str
    __qualname__: str

    def heal(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Publish a heal now, also for a fresh key; True if it was accepted."""
        ...

    def cache_info(self) -> CacheInfo:
        """The counters, since decoration, in this process."""
        ...

    def cache_key(self, *args: P.args, **kwargs: P.kwargs) -> Key:
        """The key of a call: hashable, equal for calls that share an entry."""
        ...

    def cache_parameters(self) -> Mapping[str, Any]:
        """How the function was decorated: ttl, max_stale and the others, in seconds."""
        ...


class HealingFunction(_Members[P], Protocol[P, R, D]):
    """A decorated sync function: for annotations. A call only ever reads the cache.

    Of its parameters, what it returns, and what its default adds to that: Never without one.

    >>> from oob_heal import HealingFunction, healing_cache
    >>> @healing_cache(ttl=60, default=None)
    ... def price(article: str) -> float:
    ...     return 4.5
    >>> by_name: dict[str, HealingFunction[[str], float, None]] = {"price": price}
    """

    @property
    def __wrapped__(self) -> Callable[P, R]: ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R | D:
        """The fresh value, else the stale one, else the default, else ``CacheMissError``."""
        ...

    @overload
    def __get__(self, instance: None, owner: type, /) -> HealingFunction[P, R, D]: ...
    @overload
    def __get__(
        self: HealingFunction[Concatenate[S, Q], R, D], instance: S, owner: type | None = ..., /
    ) -> Callable[Q, R | D]: ...
    @overload  # a static method, reached through an instance: its first parameter is another type
    def __get__(
        self, instance: object, owner: type | None = ..., /
    ) -> HealingFunction[P, R, D]: ...

    def lookup(self, *args: P.args, **kwargs: P.kwargs) -> Served[R | D]:
        """As the call, with freshness, age, and whether it is the default."""
        ...

    def peek(self, *args: P.args, **kwargs: P.kwargs) -> Served[R] | None:
        """What a call would serve from the cache; publishes nothing, counts nothing."""
        ...

    def set(self, value: R, /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Store a value now; heals that began before are refused. ``BackendError`` if it fails."""
        ...

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Make the key absent; heals that began before are refused."""
        ...

    def mark_stale(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Make the entry count as past its ttl; heals that began before are refused."""
        ...

    def cache_clear(self) -> None:
        """Make all of this function's entries absent; heals that began before are refused."""
        ...

    def heal_now(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Heal in this call and wait: the value, or the dependency's error. The one way in-band."""
        ...


class AsyncHealingFunction(_Members[P], Protocol[P, R, D]):
    """A decorated async function: for annotations, as ``HealingFunction`` is.

    >>> from oob_heal import AsyncHealingFunction, healing_cache
    >>> @healing_cache(ttl=60, default=None)
    ... async def price(article: str) -> float:
    ...     return 4.5
    >>> by_name: dict[str, AsyncHealingFunction[[str], float, None]] = {"price": price}
    """

    @property
    def __wrapped__(self) -> Callable[P, Coroutine[Any, Any, R]]: ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R | D]:
        """The fresh value, else the stale one, else the default, else ``CacheMissError``."""
        ...

    @overload
    def __get__(self, instance: None, owner: type, /) -> AsyncHealingFunction[P, R, D]: ...
    @overload
    def __get__(
        self: AsyncHealingFunction[Concatenate[S, Q], R, D],
        instance: S,
        owner: type | None = ...,
        /,
    ) -> Callable[Q, Coroutine[Any, Any, R | D]]: ...
    @overload
    def __get__(
        self, instance: object, owner: type | None = ..., /
    ) -> AsyncHealingFunction[P, R, D]: ...

    async def lookup(self, *args: P.args, **kwargs: P.kwargs) -> Served[R | D]:
        """As the call, with freshness, age, and whether it is the default."""
        ...

    async def peek(self, *args: P.args, **kwargs: P.kwargs) -> Served[R] | None:
        """What a call would serve from the cache; publishes nothing, counts nothing."""
        ...

    async def set(self, value: R, /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Store a value now; heals that began before are refused. ``BackendError`` if it fails."""
        ...

    async def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Make the key absent; heals that began before are refused."""
        ...

    async def mark_stale(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Make the entry count as past its ttl; heals that began before are refused."""
        ...

    async def cache_clear(self) -> None:
        """Make all of this function's entries absent; heals that began before are refused."""
        ...

    async def heal_now(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Heal in this call and wait: the value, or the dependency's error. The one way in-band."""
        ...


class Decorator(Protocol[D]):
    """What ``healing_cache(...)`` returns: call it with a function."""

    # The sync overload takes async functions too, by a wider type: the first one that fits counts.
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, fn: Callable[P, Coroutine[Any, Any, R]], /
    ) -> AsyncHealingFunction[P, R, D]: ...
    @overload
    def __call__(self, fn: Callable[P, R], /) -> HealingFunction[P, R, D]: ...
