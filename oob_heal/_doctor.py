"""The doctor: how the functions of a cache are configured, and what of that looks wrong.

Law: looks, and changes nothing; prints nothing. No heal is published and no backend asked. A
default is made as a call would make it, and only its type is told. What it cannot know it does
not guess: it speaks of settings, never of what happened (that is ``cache_info`` and ``failing``).
"""

from __future__ import annotations

import dataclasses
import dis
import math
from collections.abc import Callable, Iterator, MutableMapping, MutableSequence, MutableSet
from typing import Any, NamedTuple

from oob_heal._breaker import without_secrets
from oob_heal._cache import HealingCache
from oob_heal._core import Core
from oob_heal._wiring import Asked, returned

DAY = 86_400.0  # s
MUTABLE = (MutableSequence, MutableMapping, MutableSet, bytearray)


class Checked(NamedTuple):
    """One function: its label, what is configured, what looks wrong and what to do about it."""

    function: str
    configured: dict[str, str]
    wrong: list[str]


def examine(cache: HealingCache) -> list[Checked]:
    """Every function that is registered with a cache, by name."""
    known = list(cache._cores.items())
    checked = [Checked(core.label, _told(core), list(_wrong(core, asked))) for core, asked in known]
    return sorted(checked, key=lambda each: each.function)


def _told(core: Core) -> dict[str, str]:
    policy, shelf = core.policy, core.shelf
    size = "" if shelf.maxsize is None else f", {shelf.maxsize:,} entries"
    told = {
        "ttl": _seconds(policy.ttl),
        "max_stale": _seconds(policy.max_stale),
        "heal_timeout": _seconds(policy.heal_timeout),
        "default": "none: CacheMissError" if core.default is None else _kind(core.default),
        "backend": f"{type(shelf.backend).__name__}{size}",
        "executor": type(core.executor).__name__,
        "key": "key=" if core.keys.key else f"the arguments{_without(core.keys.ignore)}",
    }
    if policy.drop_on:
        told["drop_on"] = ", ".join(each.__name__ for each in policy.drop_on)
    if core.group != core.label:
        limits = core.guard.dependency
        breaker = "" if limits.breaker else ", no breaker"
        name = without_secrets(core.group)
        told["dependency"] = f"{name}, {limits.concurrency} calls at once{breaker}"
    if core.tally.promise is not None:
        promise = core.tally.promise
        told["promise"] = f"{promise.share * 100:.6g} % younger than {_seconds(promise.limit)}"
    return told


def _seconds(duration: float) -> str:
    if math.isinf(duration):
        return "no end"
    return f"{duration:g} s" if duration < DAY else f"{duration / DAY:.3g} days"


def _without(ignored: tuple[str, ...]) -> str:
    return f", but {', '.join(ignored)}" if ignored else ""


def _kind(default: Callable[[], Any]) -> str:
    try:
        return f"of type {type(default()).__name__}"
    except Exception as error:
        return f"default_factory raises {type(error).__name__}"


def _wrong(core: Core, asked: Asked) -> Iterator[str]:
    for check in (_ages, _default, _identity, _room, _shared):
        yield from check(core, asked)


def _ages(core: Core, asked: Asked) -> Iterator[str]:
    policy = core.policy
    limit, longest = policy.ttl + policy.max_stale, policy.heal_timeout
    if longest >= limit:
        yield (
            f"a heal may take {longest:g} s, and a value is never served after {limit:g} s: "
            f"slow heals are all for nothing; lower heal_timeout=, or raise max_stale="
        )
    elif longest > policy.ttl:
        yield (
            f"a heal may take {longest:g} s, and a value is stale after {policy.ttl:g} s: a slow "
            f"heal lands stale and is healed again at once; lower heal_timeout=, or raise ttl="
        )
    if policy.max_stale == 0:
        yield (
            "max_stale=0: whenever a value is past its ttl, callers get the default or an error; "
            "give max_stale= the age at which an old answer is worse than none"
        )


def _default(core: Core, asked: Asked) -> Iterator[str]:
    if core.default is None:
        return
    try:
        first, second = core.default(), core.default()
    except Exception as error:
        yield (
            f"default_factory raises {type(error).__name__}, and so will every call that has "
            f"nothing to serve; let it return a value"
        )
        return
    if first is second and _is_mutable(first):
        yield (
            f"the default is one {type(first).__name__} for all callers: what one changes, all "
            f"others get; write default_factory={type(first).__name__}, or copy=copy.deepcopy"
        )


def _is_mutable(value: Any) -> bool:
    if dataclasses.is_dataclass(value):
        return not type(value).__dataclass_params__.frozen  # type: ignore[union-attr, unused-ignore]
    return isinstance(value, MUTABLE)


def _identity(core: Core, asked: Asked) -> Iterator[str]:
    first = next(iter(core.keys.signature.parameters), "")
    if first not in ("self", "cls"):
        return
    if not _looks_at_first(core.fn):
        return  # what it does not look at cannot change its answer
    if first in core.keys.ignore:
        yield (
            f"it looks at {first}, which is ignored: all instances share their entries; if two of "
            f"them can answer differently, write key=lambda {first}, ...: ({first}.id, ...)"
        )
    elif core.keys.key is not None and not _looks_at_first(core.keys.key):
        yield (
            f"it looks at {first}, and key= does not: all instances share their entries; if two "
            f"of them can answer differently, make {first}.id a part of what key= returns"
        )


def _looks_at_first(fn: Callable[..., Any]) -> bool:
    """Whether a function uses its first argument; True where that cannot be told."""
    code = getattr(fn, "__code__", None)
    if code is None or not code.co_argcount:
        return True
    name = code.co_varnames[0]
    used = (each.argval for each in dis.get_instructions(code))
    return any(name == each or (isinstance(each, tuple) and name in each) for each in used)


def _room(core: Core, asked: Asked) -> Iterator[str]:
    share, size = getattr(core.executor, "share", None), core.shelf.maxsize
    chosen = asked.maxsize is not None or asked.executor is not None
    if chosen and share is not None and size is not None and share < size:
        yield (
            f"there is room for {size:,} entries, and {type(core.executor).__name__} takes "
            f"{share:,} heals of one function at once: a warm-up of all keys is dropped in part; "
            f"warm up in steps, or give it more room: its queue=, tasks= or outbox="
        )


def _shared(core: Core, asked: Asked) -> Iterator[str]:
    shelf, name = core.shelf, type(core.shelf.backend).__name__
    if shelf.in_bytes and not returned(core.fn):
        yield (
            f"{name} stores bytes, and the function does not say what it returns: a release that "
            f"returns another shape would read this one's entries; annotate it, -> list[str], say"
        )
    if shelf.shared and not core.scope.namespace:
        yield (
            f"{name} is shared by processes, and it has no namespace: another application on "
            f"the same store may have a function of this name; give namespace="
        )
    if not core.is_async and not shelf.prompt and math.isinf(shelf.deadline):
        yield (
            f"{name} declares no deadline: while its store hangs, callers hang; give its client a "
            f"time-out and the backend deadline = that many seconds"
        )
