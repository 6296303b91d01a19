"""A shelf whose backend holds entries in this process, in front of the one that processes share.

Law: the request path asks the front first, and the shared tier when the front has nothing or has
not looked for ``front_life``; a heal asks the shared tier alone. A front that cannot look serves
what it has: the reader judges its age, as ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oob_heal import _names
from oob_heal._collector import refuse_in_collector
from oob_heal._keys import key_text
from oob_heal._model import Entry, Key
from oob_heal._offload import DaemonPool, calls
from oob_heal._shelf import Shelf
from oob_heal.backends._glance import Glance


class FrontedShelf(Shelf):
    """As a shelf, over a backend that holds entries ``near``. ``failed(verb, error)`` is told of
    reads in whose place the front answered."""

    def __init__(self, *args: Any, failed: Callable[[str, Exception], None]) -> None:
        super().__init__(*args)
        self.near = self.backend.near
        self.keys_in_bytes = False
        self.failed = failed

    def _name(self, key: Key) -> str:
        return key_text(self._scope_name, _names.in_bytes(key))

    def read(self, key: Key) -> Entry | None:
        """From the front, if it has looked within ``front_life``; else from the shared tier; if
        that fails, from the front all the same."""
        entry: Entry | None = self.near.young(key)
        if entry is not None:
            self.near.show(key)
            return entry
        try:
            return self._looked(key)
        except Exception as error:
            return self._instead(key, error)

    async def aread(self, key: Key) -> Entry | None:
        """As ``read``, awaited."""
        entry: Entry | None = self.near.young(key)
        if entry is not None:
            self.near.show(key)
            return entry
        try:
            return await self._alooked(key)
        except Exception as error:
            return self._instead(key, error)

    def front(self, judged_by: Any, fresh_until: Callable[[Entry], float]) -> Any:
        """A copy of what is fresh, for code that reads it as it is. A class that only passes on
        what another one has (a test's) does not count."""
        if "near" not in vars(self.backend):
            return None
        glance = Glance(self.near.clock, self.now, fresh_until, self.read)
        self.near.shown_in(self.scope, glance)
        return glance

    def _instead(self, key: Key, error: Exception) -> Entry | None:
        """What the front has in place of an answer, and the failure is told; else that error."""
        entry: Entry | None = self.near.old(key)
        if entry is None:
            raise error
        self.failed("get", error)
        return entry

    def ask(self, verb: str, *args: Any, **kwargs: Any) -> Any:
        """A verb, sync, of the shared tier; what a read brings, the front has from now on."""
        return self._looked(*args) if verb == "get" else super().ask(verb, *args, **kwargs)

    async def _aask(
        self, pool: DaemonPool, verb: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if verb == "get":
            return await self._alooked(args[0], pool)
        return await super()._aask(pool, verb, args, kwargs)

    def _looked(self, key: Key) -> Entry | None:
        refuse_in_collector()
        self.backend.follow(self._scope_name)
        with self.near.looking(key, self._name(key)) as look:
            entry: Entry | None = super().ask("get", key)
            look.brought(entry)
        self.near.show(key)
        return entry

    async def _alooked(self, key: Key, pool: DaemonPool = calls) -> Entry | None:
        self.backend.follow(self._scope_name)
        with self.near.looking(key, self._name(key)) as look:
            entry: Entry | None = await super()._aask(pool, "get", (key,), {})
            look.brought(entry)
        self.near.show(key)
        return entry
