"""``HealingCache``: shared parts, the register of functions, and their end.

Law: everything is checked here, when a function is decorated, and nothing is started. A cache
owns its default executors, its observers' mailboxes and the register of its functions; what a
user hands in stays the user's to close.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Never, Self, overload

from typing_extensions import TypeVar, Unpack

from oob_heal import _policy, _wiring
from oob_heal._breaker import Dependency
from oob_heal._core import Core, Parts
from oob_heal._durations import patience
from oob_heal._function import awrite, decorated, write
from oob_heal._hub import Hub
from oob_heal._keys import CallKeys
from oob_heal._lifecycle import GRACE
from oob_heal._look import everything, failing, health
from oob_heal._model import Outcome
from oob_heal._offload import offload
from oob_heal._policy import Defaults, Options
from oob_heal._reports import Failing, Health
from oob_heal._typing import Decorator
from oob_heal._wiring import Asked
from oob_heal._worker import heal_of
from oob_heal.executors.tasks import TaskExecutor
from oob_heal.executors.threads import ThreadExecutor
from oob_heal.figures import CacheFigures
from oob_heal.observe import Advice
from oob_heal.ports import Clock, Observer

D = TypeVar("D")

_DRAIN_LOOK = 0.005  # s between two looks at what is under way, while closing


class HealingCache:
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
        self._parts = Parts(clock, Hub(_policy.listed_observers(observers)))
        self._swapped: dict[str, Any] = {}
        self._functions: weakref.WeakValueDictionary[tuple[str, str, int], Core] = (
            weakref.WeakValueDictionary()
        )
        self._cores: weakref.WeakKeyDictionary[Core, Asked] = weakref.WeakKeyDictionary()
        self._threads: ThreadExecutor | None = None
        self._tasks = TaskExecutor()
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
        policy = _policy.make_policy(merged)
        _policy.check_callables(merged)
        _policy.check_identity(merged)
        _policy.check_maxsize(merged)
        _policy.check_promise(merged, policy.ttl)
        default = _default(merged)

        def decorate(fn: Callable[..., Any]) -> Callable[..., Any]:
            _policy.check_function(fn)
            ignore = _policy.ignored(fn, merged)
            scope = _wiring.make_scope(fn, merged)
            core = Core(
                fn,
                CallKeys(fn, scope, key=merged.get("key"), ignore=ignore),
                policy,
                group=_dependency_name(merged.get("dependency")) or scope.label,
                dependency=_declared(merged.get("dependency")),
                default=default,
                around=merged.get("around"),
                copy=merged.get("copy"),
                promise=merged.get("promise"),
            )
            self._register(core, merged)
            shown = {name: merged.get(name) for name in sorted(_policy.NAMES)}
            shown |= {each: getattr(policy, each) for each in ("ttl", "max_stale", "heal_timeout")}
            shown |= {"name": scope.name, "jitter": policy.jitter, "backoff": policy.backoff}
            return decorated(core, shown)

        return decorate

    def _register(self, core: Core, options: dict[str, Any]) -> None:
        asked = Asked(
            options.get("backend"),
            options.get("executor"),
            options.get("maxsize"),
            options.get("codec"),
        )
        self._wire(core, asked)
        identity = (core.scope.namespace, core.scope.name, core.scope.version)
        _wiring.claim_identity(core, self._functions.get(identity))
        if asked.backend is not None:
            _wiring.claim_name(core, core.shelf.backend)
        self._functions[identity] = core
        self._cores[core] = asked

    def _wire(self, core: Core, asked: Asked) -> None:
        swapped = {name: part for name, part in self._swapped.items() if name != "parts"}
        parts = self._swapped.get("parts", self._parts)
        if parts.clock is not self._parts.clock and _wiring.is_in_process(asked.backend):
            swapped.setdefault("backend", None)  # a table of its own, on the test's clock
        if "backend" in swapped:
            swapped["maxsize"] = None
        _wiring.wire(core, asked._replace(**swapped), parts, self._own_executor)

    def _own_executor(self, is_async: bool) -> Any:
        if is_async:
            return self._tasks
        if self._threads is None:
            self._threads = ThreadExecutor()
        return self._threads

    @contextmanager
    def override(self, **swap: Any) -> Iterator[Self]:
        """Swap ``backend``, ``executor``, ``clock`` or ``observers`` for all functions, in a test.

        Entries and what is under way are put back afterwards, as they were. With another clock,
        what lives in this process is a fresh table on that clock meanwhile. A function that was
        decorated inside gets the cache's own parts afterwards.
        """
        _policy.check_names(swap, frozenset({"backend", "executor", "clock", "observers"}))
        before = self._swapped
        parts = before.get("parts", self._parts)
        clock, hub, closed = swap.pop("clock", parts.clock), parts.hub, parts.closed
        _policy.check_clock(clock)
        if "observers" in swap:
            hub = Hub(_policy.listed_observers(swap.pop("observers")))
        parts = Parts(clock, hub)  # with breakers of their own
        parts.closed = closed
        self._swapped = {**before, **swap, "parts": parts}
        put_back = {core: core.uninstall() for core in list(self._cores)}
        try:
            for core, asked in list(self._cores.items()):
                self._wire(core, asked)
            yield self
        finally:
            self._swapped = before
            for back in put_back.values():
                back()
            for core, asked in list(self._cores.items()):
                if core not in put_back:
                    self._wire(core, asked)

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
        return heal()

    async def aheal_message(self, payload: bytes | str) -> Outcome | None:
        """As ``heal_message``, in this task."""
        heal = heal_of(payload, self._functions)
        if heal is None:
            self._poison()
            return None
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

    def _under_way(self) -> int:
        return sum(
            core.inflight.ledger()[2]
            for core in list(self._cores)
            if not getattr(core.executor, "leaves_process", False)
        )

    def _open(self) -> Self:
        """Entered again after it was closed, as an application's lifespan is in its tests."""
        if self._parts.closed:
            closed, self._threads = self._threads, None
            self._parts.closed = False
            for core in list(self._cores):
                core.parts.closed = False
                if core.executor is closed:
                    core.executor = self._own_executor(core.is_async)
        return self

    def __enter__(self) -> Self:
        return self._open()

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self._open()

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def _dependency_name(given: str | Dependency | None) -> str | None:
    return given.name if isinstance(given, Dependency) else given


def _declared(given: str | Dependency | None) -> Dependency | None:
    return given if isinstance(given, Dependency) else None


def _default(options: dict[str, Any]) -> Callable[[], Any] | None:
    """What makes the default; None if there is none."""
    if "default" in options and options.get("default_factory") is not None:
        raise TypeError("give default= or default_factory=, not both")
    if "default" not in options:
        factory: Callable[[], Any] | None = options.get("default_factory")
        return factory
    return _Default(options["default"], options.get("copy"))


class _Default:
    """Makes the default of a function that was given one."""

    def __init__(self, value: Any, copy: Callable[[Any], Any] | None) -> None:
        self._value = value
        self._copy = copy
        if copy is None:
            self.constant = value

    def __call__(self) -> Any:
        return self._value if self._copy is None else self._copy(self._value)
