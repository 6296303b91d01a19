"""``HealingCache``: shared parts, what is asked of all its functions at once, and their end.

Law: a face. Nothing is started here and nothing judged: ``_terms`` checks what is written,
``_register`` keeps the functions and their parts, ``_look`` and ``_worker`` answer. What a user
hands in stays the user's to close.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Never, Self, overload

from typing_extensions import TypeVar, Unpack

from oob_heal import _policy
from oob_heal._core import Parts
from oob_heal._durations import patience
from oob_heal._function import awrite, decorated, write
from oob_heal._hub import Hub
from oob_heal._lifecycle import GRACE
from oob_heal._look import everything, failing, health
from oob_heal._model import Outcome
from oob_heal._offload import offload
from oob_heal._policy import Defaults, Options
from oob_heal._register import Register
from oob_heal._reports import Failing, Health
from oob_heal._terms import Terms
from oob_heal._typing import Decorator
from oob_heal._worker import ameet, heal_of, meet
from oob_heal.figures import CacheFigures
from oob_heal.observe import Advice
from oob_heal.ports import Clock, Observer

D = TypeVar("D")

_DRAIN_LOOK = 0.005  # s between two looks at what is under way, while closing


class HealingCache(Register):
    """``healing_cache`` with shared parts: ``cache = HealingCache(...)``, ``@cache(ttl=60)``.

    ``backend``, ``executor``, ``namespace`` and the policy (``ttl``, ``max_stale``, ...) are what
    its functions get unless they name their own. ``observers`` hear what happens. ``clock``
    returns monotonic seconds. A context manager in both colours: leaving it drains its heals, and
    entering it again takes heals again.

    >>> with HealingCache(ttl=60, namespace="shop") as cache:
    ...
    ...     @cache(default=0)
    ...     def price(article: str) -> int:
    ...         return 7
    ...
    ...     first = price("tea")
    ...     value = price.heal_now("tea")
    >>> first, value, price("tea")
    (0, 7, 7)
    """

    def __init__(
        self,
        *,
        backend: Any = None,
        executor: Any = None,
        namespace: str = "",
        observers: Iterable[Observer] = (),
        clock: Clock = time.monotonic,
        **policy: Unpack[Defaults],
    ) -> None:
        given: dict[str, Any] = dict(policy)
        _policy.check_names(given, frozenset(Defaults.__annotations__))
        given |= {"namespace": namespace, "backend": backend, "executor": executor}
        policy_for_all = _policy.make_policy({"ttl": 1, **given})
        _policy.check_promise(given, policy_for_all.ttl if "ttl" in given else 0.0)
        _policy.check_callables(given)
        _policy.check_identity(given)
        _policy.check_maxsize(given)
        _policy.check_clock(clock)
        self._shared = given
        super().__init__(Parts(clock, Hub(_policy.listed_observers(observers))))
        self.poisoned = 0

    def __repr__(self) -> str:
        name = self._shared["namespace"] or "no namespace"
        return f"<HealingCache {name}, {len(self._cores)} functions>"

    @overload
    def __call__(self, *, default: D, **options: Unpack[Options]) -> Decorator[D]: ...
    @overload
    def __call__(
        self, *, default_factory: Callable[[], D], **options: Unpack[Options]
    ) -> Decorator[D]: ...
    @overload
    def __call__(self, **options: Unpack[Options]) -> Decorator[Never]: ...
    def __call__(self, *misplaced: Any, **options: Any) -> Any:
        """Decorate a function with these options over the cache's own; see ``healing_cache``."""
        if misplaced:
            raise TypeError("write @healing_cache(ttl=60), with parentheses and keywords only")
        _policy.check_names(options, _policy.NAMES | {"default", "default_factory"})
        merged = {**self._shared, **options}
        if "backend" in options and "maxsize" not in options:
            merged.pop("maxsize", None)
        terms = Terms(merged)

        def decorate(fn: Callable[..., Any]) -> Callable[..., Any]:
            core = terms.core(fn)
            self._add(core, merged)
            return decorated(core, terms.shown(core))

        return decorate

    @contextmanager
    def override(self, **swap: Any) -> Iterator[Self]:
        """Swap ``backend``, ``executor``, ``clock`` or ``observers`` for all functions, in a test.

        Entries and what is under way are put back afterwards, as they were. With another clock,
        what lives in this process is a fresh table on that clock meanwhile. A function that was
        decorated inside gets the cache's own parts afterwards.
        """
        with self._swapping(swap):
            yield self

    def clear(self) -> None:
        """Make all entries of all its functions absent. ``BackendError`` if the backend fails."""
        for core in list(self._cores):
            if core.shelf.sync is None:
                raise TypeError(f"{core.label} is on an async backend; await cache.aclear()")
            write(core, "clear", core.scope)

    async def aclear(self) -> None:
        """As ``clear``, awaited."""
        for core in list(self._cores):
            await awrite(core, "clear", core.scope)

    def failing(self) -> list[Failing]:
        """Which keys do not heal, and why; bounded, the longest known first. Before the keys of a
        function whose promise is not kept stands an entry for it, without a key."""
        return [each for core in list(self._cores) for each in failing(core)]

    def figures(self) -> CacheFigures:
        """All there is to see of this cache at this moment, in plain numbers; for exporters."""
        return everything(list(self._cores))

    def health(self) -> Health:
        """Whether every promise is kept, and what is known of why one is not."""
        return health(list(self._cores))

    def heal_message(self, payload: bytes | str) -> Outcome | None:
        """Heal what a message of ``QueueExecutor`` asks for, in this thread: a worker's entrance.

        Never raises an Exception, whatever arrives. None for a message that is none of ours.
        """
        heal = heal_of(payload, self._functions)
        if heal is None:
            self._poison()
            return None
        meet(heal)
        return heal()

    async def aheal_message(self, payload: bytes | str) -> Outcome | None:
        """As ``heal_message``, in this task."""
        heal = heal_of(payload, self._functions)
        if heal is None:
            self._poison()
            return None
        await ameet(heal)
        return await heal.run()

    def _poison(self) -> None:
        self.poisoned += 1
        if self.poisoned == 1:
            text = "a message was no heal of a function registered here; import what it decorates"
            self._parts.hub.tell(Advice("heal_message", text))

    def close(self, grace: float = GRACE) -> None:
        """Take no more heals, and let those under way end, for ``grace`` seconds at most.

        Calls still read. In async code use ``aclose``: this one blocks the loop.
        """
        until = time.monotonic() + patience("grace", grace)
        self._parts.closed = True
        for core in list(self._cores):
            core.parts.closed = True
        if self._threads is not None:
            self._threads.close(max(0.0, until - time.monotonic()))
        while self._under_way() and time.monotonic() < until:
            time.sleep(_DRAIN_LOOK)
        self._parts.hub.flush(max(0.0, until - time.monotonic()))

    async def aclose(self, grace: float = GRACE) -> None:
        """As ``close``, without blocking the event loop."""
        grace = patience("grace", grace)
        self._parts.closed = True
        await offload(self.close, grace)

    def __enter__(self) -> Self:
        self._reopen()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        self._reopen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
