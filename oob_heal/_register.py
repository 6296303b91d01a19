"""The functions of one cache, and the parts that each of them has at the moment.

Law: a function is held weakly: who drops it frees it, its entries and its marks. Parts are swapped
and put back for all of them at once. The default executors are the cache's own, made when the
first function asks for them; what a user hands in stays the user's to close.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from oob_heal import _policy, _wiring
from oob_heal._core import Core, Parts
from oob_heal._hub import Hub
from oob_heal._wiring import Asked
from oob_heal.executors.tasks import TaskExecutor
from oob_heal.executors.threads import ThreadExecutor


class Register:
    """What a HealingCache keeps of the functions that it decorates."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._swapped: dict[str, Any] = {}
        self._functions: weakref.WeakValueDictionary[tuple[str, str, int], Core] = (
            weakref.WeakValueDictionary()
        )
        self._cores: weakref.WeakKeyDictionary[Core, Asked] = weakref.WeakKeyDictionary()
        self._threads: ThreadExecutor | None = None
        self._tasks = TaskExecutor()

    def _add(self, core: Core, options: dict[str, Any]) -> None:
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
    def _swapping(self, swap: dict[str, Any]) -> Iterator[None]:
        """These parts for all functions meanwhile; see ``HealingCache.override``."""
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
            yield
        finally:
            self._swapped = before
            for back in put_back.values():
                back()
            for core, asked in list(self._cores.items()):
                if core not in put_back:
                    self._wire(core, asked)

    def _under_way(self) -> int:
        return sum(
            core.inflight.ledger()[2]
            for core in list(self._cores)
            if not getattr(core.executor, "leaves_process", False)
        )

    def _reopen(self) -> None:
        """Entered again after it was closed, as an application's lifespan is in its tests."""
        if self._parts.closed:
            closed, self._threads = self._threads, None
            self._parts.closed = False
            for core in list(self._cores):
                core.parts.closed = False
                if core.executor is closed:
                    core.executor = self._own_executor(core.is_async)
