"""Which backend, executor and codec one function gets, and whether they go together.

Law: checks and choices at decoration; every refusal says what to write instead.
"""

from __future__ import annotations

import functools
import inspect
import sys
import time
import weakref
from collections.abc import Callable, MutableMapping
from typing import Any, NamedTuple

from oob_heal._core import Core, Parts
from oob_heal._fronted import FrontedShelf
from oob_heal._keys import digest
from oob_heal._model import Scope
from oob_heal._shelf import Shelf, colours
from oob_heal._travel import hints_of, stays
from oob_heal.backends.mapping import MappingBackend
from oob_heal.backends.memory import MemoryBackend
from oob_heal.codecs import JsonCodec
from oob_heal.codecs._shape import UntoldError, return_hint, shape_of
from oob_heal.observe import Advice
from oob_heal.ports import Codec

ODD = (
    "an entry could not be read and counts as absent: it is damaged, or was written for another "
    "key, by another version, or by a codec of another type or with other keys"
)
VERBS = ("get", "set", "delete", "mark_stale", "clear", "acquire", "commit", "release", "now")

_wrapped: weakref.WeakValueDictionary[int, MappingBackend] = weakref.WeakValueDictionary()
_taken: weakref.WeakKeyDictionary[Any, weakref.WeakValueDictionary[Scope, Core]] = (
    weakref.WeakKeyDictionary()
)


class Asked(NamedTuple):
    """The parts that one function was decorated with; None where its cache's are meant."""

    backend: Any
    executor: Any
    maxsize: int | None
    codec: Codec | None


def make_scope(fn: Callable[..., Any], options: dict[str, Any]) -> Scope:
    """Who the function is. Parameter names, codec and, where entries are bytes, the shape of what
    it returns are part of it: a release that renames or reorders the ones, writes with another or
    returns something else never reads this one's entries."""
    backend = options.get("backend")
    codec = _codec(fn, options.get("codec"), backend)
    shape = [*inspect.signature(fn).parameters, "=", str(codec.fingerprint)]
    if getattr(backend, "stores_bytes", False):
        shape.append(returned(fn))
    return Scope(
        namespace=options.get("namespace", ""),
        name=options.get("name") or f"{fn.__module__}.{fn.__qualname__}",
        version=options.get("version", 0),
        fingerprint=digest("\n".join(shape).encode("unicode_escape").decode("ascii"), 4),
    )


def wire(core: Core, asked: Asked, parts: Parts, own_executor: Callable[[bool], Any]) -> None:
    """Choose and check the parts, and install them."""
    backend = _backend(asked, parts)
    executor = asked.executor if asked.executor is not None else own_executor(core.is_async)
    odd = functools.partial(parts.hub.tell, Advice(core.label, ODD))
    given = backend, _codec(core.fn, asked.codec, backend), core.scope, odd
    if getattr(backend, "near", None) is None:
        shelf = Shelf(*given)
    else:
        shelf = FrontedShelf(*given, failed=core.backend_failed)
    _check_colour(core, backend)
    _check_executor(core, shelf, executor)
    core.install(parts, shelf, executor)


def _codec(fn: Callable[..., Any], given: Codec | None, backend: Any) -> Codec:
    """What was given; else MessagePack of what the function returns, where processes share the
    bytes, and JSON where they do not."""
    shared = all(getattr(backend, each, False) for each in ("stores_bytes", "shared_leases"))
    if given is not None or not shared:
        return given or JsonCodec()
    from oob_heal.codecs.msgpack import MsgpackCodec

    try:
        return MsgpackCodec(return_hint(fn))
    except UntoldError as untold:
        problem = str(untold)
    raise TypeError(
        f"{type(backend).__name__} is shared by processes, which must agree on what "
        f"{fn.__qualname__} returns, and its return annotation {problem}; write -> list[str], say, "
        f"or give codec=: JsonCodec(), PydanticCodec(Model) or SignedPickleCodec([key])"
    )


def returned(fn: Callable[..., Any]) -> str:
    """The shape of what a function says that it returns, '' if it does not."""
    try:
        return shape_of(return_hint(fn)).text
    except UntoldError:
        return ""


def _backend(asked: Asked, parts: Parts) -> Any:
    given = asked.backend
    if given is None:
        return MemoryBackend(10_000 if asked.maxsize is None else asked.maxsize, clock=parts.clock)
    if asked.maxsize is not None:
        raise TypeError("maxsize= is for the default memory table; a backend has its own size")
    if all(hasattr(given, verb) for verb in VERBS):
        if getattr(given, "prompt", False) and parts.clock is not time.monotonic:
            _check_clock(given, parts)
        return given
    if isinstance(given, MutableMapping):
        backend = _wrapped.get(id(given))
        if backend is None or backend.now is not parts.clock:
            backend = _wrapped[id(given)] = MappingBackend(given, clock=parts.clock)
        return backend
    raise TypeError(
        f"backend= must be a backend (with {', '.join(VERBS)}) or a mutable mapping, "
        f"not {type(given).__name__}"
    )


def is_in_process(backend: Any) -> bool:
    """Whether a backend's entries are dated by this process's own clock."""
    away = ("stores_bytes", "shared_leases")
    return backend is None or not any(getattr(backend, each, False) for each in away)


def _check_clock(backend: Any, parts: Parts) -> None:
    if backend.now is not parts.clock:
        raise TypeError(
            f"the cache and its {type(backend).__name__} have different clocks; "
            f"give the backend the same clock="
        )


def _check_colour(core: Core, backend: Any) -> None:
    if not core.is_async and colours(backend)[0] is None:
        raise TypeError(
            f"{core.label} is sync and {type(backend).__name__} has async verbs only; "
            f"write async def, or give a backend that answers sync"
        )


def _check_executor(core: Core, shelf: Shelf, executor: Any) -> None:
    if isinstance(executor, type):
        raise TypeError(f"executor= is the class {executor.__name__}; give one that is made")
    if not callable(getattr(executor, "submit", None)):
        raise TypeError(f"executor= must have submit(heal), which {type(executor).__name__} lacks")
    processes: Any = sys.modules.get("concurrent.futures.process")  # imported by who has one
    if processes is not None and isinstance(executor, processes.ProcessPoolExecutor):
        raise TypeError(
            "a process pool cannot carry heals; give executor=QueueExecutor(send) and a backend "
            "that processes share, or ThreadExecutor()"
        )
    leaves = bool(getattr(executor, "leaves_process", False))
    if leaves and not shelf.shared:
        raise TypeError(
            f"{type(executor).__name__} heals in other processes, which do not see the entries "
            f"of a {type(shelf.backend).__name__}; give a backend with shared leases"
        )
    if leaves:
        _check_travels(core)
    if (leaves or shelf.shared or shelf.in_bytes) and core.scope.name.startswith("__main__."):
        raise TypeError(
            f"{core.scope.name} has another name in another process; write name=... to fix it"
        )


def _check_travels(core: Core) -> None:
    parameters, hints = core.keys.signature.parameters, hints_of(core.fn)
    for index, (name, each) in enumerate(parameters.items()):
        method = index == 0 and name in ("self", "cls")
        if method or (name in core.keys.ignore and each.default is each.empty):
            raise TypeError(
                f"parameter {name!r} of {core.label} cannot travel to another process; give it a "
                f"default and let around= make it there, or heal on ThreadExecutor()"
            )
        stays_here = "" if name in core.keys.ignore or name not in hints else stays(hints[name])
        if stays_here:
            raise TypeError(
                f"parameter {name!r} of {core.label} may be {stays_here}, which cannot travel to "
                f"another process; take a tuple, an enum or a frozen dataclass, leave it out with "
                f"ignore= and a default, or heal on ThreadExecutor()"
            )


def claim_identity(core: Core, holder: Core | None) -> None:
    """Refuse a second function of one name in a cache whose heals come back by name."""
    if holder is not None and core.shelf.shared and not _redefined(holder.fn, core.fn):
        raise TypeError(
            f"two functions are named {core.scope.label} in version {core.scope.version}, and a "
            f"worker could not tell them apart; write name=... for one of them"
        )


def claim_name(core: Core, backend: Any) -> None:
    """Refuse a second function of the same name on a backend that was handed in."""
    try:
        names = _taken.setdefault(backend, weakref.WeakValueDictionary())
    except TypeError:  # a backend that is not hashable, or takes no weak reference
        return
    holder = names.get(core.scope)
    if holder is not None and not _redefined(holder.fn, core.fn):
        raise TypeError(
            f"two functions named {core.scope.label} would share their entries on this backend; "
            f"write name=... for one of them"
        )
    names[core.scope] = core


def _redefined(old: Any, new: Any) -> bool:
    """Whether a function is the same one, loaded again: its name and file, and no closure."""
    same_file = old.__code__.co_filename == new.__code__.co_filename
    return same_file and old.__qualname__ == new.__qualname__ and "<" not in new.__qualname__
