"""The decorated function: a plain function of the same colour, with its members.

Law: members are thin: make the key, ask the shelf, tell the books. Each member's meaning is
documented in ``_typing``. A key or a value that is refused raises before anything is touched;
a backend that fails in a write is a ``BackendError``.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import Any

from oob_heal import _hot, _read
from oob_heal._carried import Heal
from oob_heal._core import Core
from oob_heal._drivers import adrive, drive
from oob_heal._look import cache_info
from oob_heal._model import Entry, Key, Outcome, Reason
from oob_heal._publish import now_heal, publish
from oob_heal._results import check_result
from oob_heal._steps import End, Subject, rejected
from oob_heal.errors import BackendError, CacheMissError, OobHealError


def decorated(core: Core, parameters: dict[str, Any]) -> Callable[..., Any]:
    """A function that reads the cache in place of calling ``core.fn``."""
    wrapper = _hot.make(core)
    functools.update_wrapper(wrapper, core.fn)
    shown = MappingProxyType(parameters)
    members: dict[str, Any] = {
        "heal": lambda *args, **kwargs: _request(core, args, kwargs),
        "cache_info": lambda: cache_info(core),
        "cache_key": lambda *args, **kwargs: core.make_key(args, kwargs),
        "cache_parameters": lambda: shown,
        "_oob_heal_core": core,
    }
    members.update(_async_members(core) if core.is_async else _sync_members(core))
    for name, member in members.items():
        setattr(wrapper, name, member)
    return wrapper


def _sync_members(core: Core) -> dict[str, Callable[..., Any]]:
    def peek(*args: Any, **kwargs: Any) -> Any:
        key = core.make_key(args, kwargs)
        try:
            return _read.peeked(core, core.shelf.read(key))
        except Exception as error:
            return core.backend_failed("get", error)

    def set(value: Any, /, *args: Any, **kwargs: Any) -> None:
        key = _key_to_set(core, value, args, kwargs)
        write(core, "set", key, *_stored(core, value, _now(core)))
        _was_set(core, key)

    def heal_now(*args: Any, **kwargs: Any) -> Any:
        key = _key_to_heal(core, args, kwargs)
        try:
            now = _now(core)
        except BackendError as error:
            raise rejected(core, error) from error
        heal, steps = now_heal(core, key, args, kwargs, now)
        try:
            end = drive(heal.subject, steps)
        except BaseException:
            heal.cut_off()
            raise
        return _brought(core, heal, end)

    return {
        "lookup": lambda *args, **kwargs: _read.lookup(core, args, kwargs),
        "peek": peek,
        "set": set,
        "invalidate": lambda *args, **kwargs: write(core, "delete", core.make_key(args, kwargs)),
        "mark_stale": lambda *args, **kwargs: write(
            core, "mark_stale", core.make_key(args, kwargs)
        ),
        "cache_clear": lambda: write(core, "clear", core.scope),
        "heal_now": heal_now,
    }


def _async_members(core: Core) -> dict[str, Callable[..., Awaitable[Any]]]:
    async def lookup(*args: Any, **kwargs: Any) -> Any:
        return await _read.alookup(core, args, kwargs)

    async def peek(*args: Any, **kwargs: Any) -> Any:
        key = core.make_key(args, kwargs)
        try:
            return _read.peeked(core, await core.shelf.aread(key))
        except Exception as error:
            return core.backend_failed("get", error)

    async def set(value: Any, /, *args: Any, **kwargs: Any) -> None:
        key = _key_to_set(core, value, args, kwargs)
        await awrite(core, "set", key, *_stored(core, value, await _anow(core)))
        _was_set(core, key)

    async def cache_clear() -> None:
        await awrite(core, "clear", core.scope)

    async def heal_now(*args: Any, **kwargs: Any) -> Any:
        key = _key_to_heal(core, args, kwargs)
        try:
            now = await _anow(core)
        except BackendError as error:
            raise rejected(core, error) from error
        heal, steps = now_heal(core, key, args, kwargs, now)
        try:
            end, cut = await adrive(heal.subject, steps)
        except BaseException:
            heal.cut_off()
            raise
        if cut is not None:
            heal.ends(end)
            raise cut
        return _brought(core, heal, end)

    return {
        "lookup": lookup,
        "peek": peek,
        "set": set,
        "invalidate": _awriter(core, "delete"),
        "mark_stale": _awriter(core, "mark_stale"),
        "cache_clear": cache_clear,
        "heal_now": heal_now,
    }


def write(core: Core, verb: str, *subject: Any) -> None:
    """A verb that the application asked for; ``BackendError`` if it fails."""
    try:
        core.shelf.ask(verb, *subject)
    except OobHealError:
        raise
    except Exception as error:
        raise _write_failed(core, verb, error) from error


async def awrite(core: Core, verb: str, *subject: Any) -> None:
    """As ``write``, awaited."""
    try:
        await core.shelf.aask(verb, *subject)
    except OobHealError:
        raise
    except Exception as error:
        raise _write_failed(core, verb, error) from error


def _awriter(core: Core, verb: str) -> Callable[..., Awaitable[None]]:
    async def member(*args: Any, **kwargs: Any) -> None:
        await awrite(core, verb, core.make_key(args, kwargs))

    return member


def _write_failed(core: Core, verb: str, error: Exception) -> BackendError:
    core.backend_failed(verb, error)
    return BackendError(
        f"the backend of {core.label} failed to {verb}: {type(error).__name__}; "
        f"it may or may not have happened"
    )


def _key_to_set(core: Core, value: Any, args: Any, kwargs: Any) -> Key:
    key = core.make_key(args, kwargs)
    check_result(f"set() of {core.label}", value)
    return key


def _stored(core: Core, value: Any, now: float) -> tuple[Entry, float]:
    return core.new_entry(value, now), core.keep_for()


def _now(core: Core) -> float:
    """The backend's time; one that has none yet cannot date a write."""
    try:
        now: float = core.shelf.now()
    except Exception as error:
        raise _write_failed(core, "tell the time", error) from error
    return now


async def _anow(core: Core) -> float:
    """As ``_now``: a first contact is awaited, and no event loop waits for it."""
    try:
        return await core.shelf.anow()
    except Exception as error:
        raise _write_failed(core, "tell the time", error) from error


def _was_set(core: Core, key: Key) -> None:
    core.inflight.written(key)
    core.no_longer_failing(key)


def _request(core: Core, args: Any, kwargs: Any) -> bool:
    key = core.make_key(args, kwargs)
    try:
        now = _requested_at(core) if core.is_async else _now(core)
    except BackendError:
        return False
    return publish(core, Subject(core, key, args, kwargs, Reason.REQUESTED, now))


def _requested_at(core: Core) -> float:
    """Now; before the first contact, for which no event loop waits, later than any entry."""
    try:
        known = core.shelf.known_now()
    except Exception as error:
        raise _write_failed(core, "tell the time", error) from error
    return math.inf if known is None else known


def _key_to_heal(core: Core, args: Any, kwargs: Any) -> Key:
    key = core.make_key(args, kwargs)
    if _read.inside_heal_of(key):
        raise CacheMissError(core.label, Reason.ABSENT)
    return key


def _brought(core: Core, heal: Heal, end: End) -> Any:
    heal.ends(end)
    if end.error is not None:
        raise end.error
    if end.outcome in (Outcome.HEALED, Outcome.SKIPPED) and end.entry is not None:
        return core.copied(end.entry.value)
    raise CacheMissError(core.label, Reason.ABSENT)
