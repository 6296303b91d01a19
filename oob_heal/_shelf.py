"""One function's place in its backend: objects in, objects out, in either colour.

Law: the only file that calls a backend. It seals and unseals for backends of bytes, awaits or
offloads as colours demand, and bounds what it awaits by the backend's deadline. It decides
nothing, and catches only what a codec raises: bytes that cannot be read are no entry.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import anyio

from oob_heal._collector import in_collector, refuse_in_collector
from oob_heal._decide import as_read
from oob_heal._envelope import Sealed, about, seal, unseal
from oob_heal._keys import key_text, scope_text
from oob_heal._model import Entry, Key, Lease, Scope
from oob_heal._offload import DaemonPool, aside, calls, offload
from oob_heal.errors import CodecError
from oob_heal.ports import Codec


def colours(backend: Any) -> tuple[Any, Any]:
    """A backend's sync half and its async half; None for the one that it has not."""
    if inspect.iscoroutinefunction(backend.get):
        return None, backend
    return backend, getattr(backend, "aio", None)


class Shelf:
    """The backend's verbs for one scope: ``ask`` in this thread, ``aask`` in this task."""

    def __init__(
        self, backend: Any, codec: Codec, scope: Scope, odd: Callable[[], None] = lambda: None
    ) -> None:
        self.backend = backend
        self.codec = codec
        self.scope = scope
        self._odd = odd  # is told of each entry that cannot be read
        self._signs = bool(getattr(codec, "signs", False))
        self.sync, self.aio = colours(backend)
        self.in_bytes = bool(getattr(backend, "stores_bytes", False))
        self.keys_in_bytes = self.in_bytes
        self.prompt = bool(getattr(backend, "prompt", False))
        self.shared = bool(getattr(backend, "shared_leases", False))
        self.lock_free_reads = bool(getattr(backend, "lock_free_reads", False))
        self.deadline = float(getattr(backend, "deadline", math.inf))
        self.longest_keep = float(getattr(backend, "longest_keep", math.inf))
        self.now = backend.now
        self._scope_name = scope_text(scope)

    def ask(self, verb: str, *args: Any, **kwargs: Any) -> Any:
        """A verb, sync. BackendError inside the collector: it may hold the backend's lock."""
        if not (self.lock_free_reads and verb == "get"):
            refuse_in_collector()
        sent = self._outward(verb, args)
        return self._inward(verb, sent, getattr(self.sync, verb)(*sent, **kwargs))

    async def aask(self, verb: str, *args: Any, **kwargs: Any) -> Any:
        """A verb, awaited: at once where the backend is prompt, else within its deadline."""
        return await self._aask(calls, verb, args, kwargs)

    async def aask_aside(self, verb: str, *args: Any, **kwargs: Any) -> Any:
        """As ``aask``, for heals: no caller's verb waits behind it for a thread."""
        return await self._aask(aside, verb, args, kwargs)

    async def _aask(
        self, pool: DaemonPool, verb: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if self.prompt:
            return self.ask(verb, *args, **kwargs)
        sent = self._outward(verb, args)
        with anyio.fail_after(None if math.isinf(self.deadline) else self.deadline):
            if self.aio is not None:
                reply = await getattr(self.aio, verb)(*sent, **kwargs)
            else:
                ask = getattr(self.sync, verb)
                reply = await offload(lambda: ask(*sent, **kwargs), pool=pool)
        return self._inward(verb, sent, reply)

    def meet(self) -> None:
        """Wait for the backend's first contact, where it has one to make. Never in a caller."""
        meet = getattr(self.sync, "meet", None)
        if meet is not None:
            meet(self._scope_name)

    async def ameet(self) -> None:
        """As ``meet``, awaited."""
        meet = getattr(self.aio, "meet", None)
        if meet is not None:
            await meet(self._scope_name)
        elif hasattr(self.sync, "meet"):
            await offload(self.meet, pool=aside)

    async def anow(self) -> float:
        """As ``now``, awaited where that would wait for a first contact."""
        ask: Callable[[], Any] | None = getattr(self.aio, "anow", None)
        now: float = self.now() if ask is None else await ask()
        return now

    def known_now(self) -> float | None:
        """As ``now``, or None where that would wait for a first contact."""
        ask: Callable[[], float | None] | None = getattr(self.backend, "known_now", None)
        return self.now() if ask is None else ask()

    def read(self, key: Key) -> Entry | None:
        """What the request path reads, sync."""
        entry: Entry | None = self.ask("get", key)
        return entry

    async def aread(self, key: Key) -> Entry | None:
        """As ``read``, awaited."""
        entry: Entry | None = await self.aask("get", key)
        return entry

    def _outward(self, verb: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
        if not self.in_bytes:
            return args
        subject, *rest = args
        if isinstance(subject, Scope):
            return (self._scope_name,)
        name = subject.key if isinstance(subject, Lease) else self._name(subject)
        if rest and isinstance(rest[0], Entry):
            rest[0] = self._sealed(name, rest[0])
        return (subject if isinstance(subject, Lease) else name, *rest)

    def _name(self, key: Key) -> str:
        return key_text(self._scope_name, key)

    def _sealed(self, name: str, entry: Entry) -> bytes:
        encode: Callable[..., Any] = self.codec.encode
        try:
            payload = encode(entry.value, *self._about(name, entry))
        except CodecError:
            raise
        except Exception as error:
            codec = type(self.codec).__name__
            raise CodecError(f"{codec} failed to encode: {type(error).__name__}") from error
        if not isinstance(payload, bytes):
            raise CodecError(f"{type(self.codec).__name__} encodes to no bytes")
        return seal(name, Sealed(payload, entry.dated, entry.marked_stale, entry.spread))

    def _about(self, name: str, facts: Entry | Sealed) -> tuple[bytes, ...]:
        return (about(name, facts.dated, facts.spread),) if self._signs else ()

    def _inward(self, verb: str, sent: tuple[Any, ...], reply: Any) -> Any:
        if not self.in_bytes or verb != "get" or reply is None:
            return reply
        sealed = unseal(sent[0], reply)
        if sealed is not None:
            decode: Callable[..., Any] = self.codec.decode
            try:
                value = decode(sealed.payload, *self._about(sent[0], sealed))
                entry = Entry(value, sealed.dated, sealed.marked_stale, sealed.spread)
                return as_read(entry, self.now())
            except Exception:  # MemoryError and RecursionError among them
                pass
        self._odd()
        return None

    def front(self, judged_by: Any, fresh_until: Callable[[Entry], float]) -> Any:
        """The table of this scope, if the backend lets it be read as it is; else None. A class
        that only passes on what another one has (a test's) does not count. ``judged_by`` is what
        ``fresh_until`` rests on: functions that differ in it do not share a table."""
        if self.in_bytes or not hasattr(type(self.backend), "front"):
            return None
        return self.backend.front(self.scope, judged_by, fresh_until)

    def currsize(self) -> int | None:
        """How many entries there are, where the backend knows without I/O."""
        count = getattr(self.backend, "currsize", None)
        try:
            size: Any = count(self.scope) if callable(count) and not in_collector() else None
        except Exception:
            return None
        return size if isinstance(size, int) else None

    @property
    def maxsize(self) -> int | None:
        """How many entries there may be, where the backend says."""
        size = getattr(self.backend, "maxsize", None)
        return size if isinstance(size, int) else None
