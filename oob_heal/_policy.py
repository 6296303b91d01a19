"""From what a user wrote to what the core works with; every bad argument by name.

Law: pure checks. A message says which parameter, what it was, and what to write.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import inspect
import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from typing_extensions import TypedDict

from oob_heal._backoff import Backoff
from oob_heal._breaker import Dependency
from oob_heal._durations import seconds
from oob_heal._model import Policy
from oob_heal._promise import Promise
from oob_heal.errors import OobHealError

Seconds = float | dt.timedelta


class Defaults(TypedDict, total=False):
    """What a ``HealingCache`` may set for all its functions."""

    ttl: Seconds
    max_stale: Seconds | None
    maxsize: int
    heal_timeout: Seconds
    backoff: Backoff
    jitter: float
    drop_on: type[BaseException] | tuple[type[BaseException], ...]
    around: Callable[[], Any] | None
    codec: Any
    copy: Callable[[Any], Any] | None
    dependency: str | Dependency | None
    promise: Promise | None


class Options(Defaults, total=False):
    """The keyword arguments of ``healing_cache`` but ``default`` and ``default_factory``."""

    backend: Any
    executor: Any
    key: Callable[..., Any] | None
    ignore: str | Iterable[str]
    name: str | None
    namespace: str
    version: int


NAMES = frozenset({*Defaults.__annotations__, *Options.__annotations__})


def check_names(options: dict[str, Any], allowed: frozenset[str]) -> None:
    """Refuse what is no parameter."""
    for name in options:
        if name not in allowed:
            known = ", ".join(sorted(allowed))
            raise TypeError(f"there is no parameter {name}=; there are {known}")


_NAMESPACE = re.compile(r"[A-Za-z0-9_.\-]{0,64}")


def make_policy(options: dict[str, Any]) -> Policy:
    """The validated policy of one function."""
    if "ttl" not in options:
        raise TypeError("ttl= is required: @healing_cache(ttl=60), in seconds")
    max_stale = options.get("max_stale", Policy(1).max_stale)
    jitter = options.get("jitter", Policy(1).jitter)
    if isinstance(jitter, bool) or not isinstance(jitter, (int, float)):
        raise TypeError(f"jitter= must be a number from 0 to 1, not {type(jitter).__name__}")
    if not 0 <= jitter <= 1:
        raise ValueError("jitter= must be from 0 to 1")
    backoff = options.get("backoff", Backoff())
    if not isinstance(backoff, Backoff):
        raise TypeError(f"backoff= must be a Backoff, not {type(backoff).__name__}")
    return Policy(
        ttl=seconds("ttl", options["ttl"], infinite=True),
        max_stale=math.inf
        if max_stale is None
        else seconds("max_stale", max_stale, zero=True, infinite=True),
        jitter=float(jitter),
        heal_timeout=seconds("heal_timeout", options.get("heal_timeout", 30)),
        backoff=backoff,
        drop_on=_errors(options.get("drop_on", ())),
    )


def _errors(drop_on: Any) -> tuple[type[BaseException], ...]:
    classes = drop_on if isinstance(drop_on, tuple) else (drop_on,)
    for each in classes:
        if not isinstance(each, type) or not issubclass(each, Exception):
            raise TypeError("drop_on= must be an exception class or a tuple of them")
        if issubclass(each, OobHealError):
            raise TypeError(f"drop_on= takes the dependency's errors, not {each.__name__}")
    return classes


def check_promise(options: dict[str, Any], ttl: float) -> None:
    """A promise must be one that can be judged."""
    promise = options.get("promise")
    if promise is None:
        return
    if not isinstance(promise, Promise):
        raise TypeError(f"promise= must be a Promise, not {type(promise).__name__}")
    if promise.limit < ttl:
        raise ValueError(
            f"promise= cannot be judged: fresh answers are not timed, they are only known to be "
            f"younger than ttl={ttl:g}; make younger_than= at least that"
        )


def check_function(fn: Any) -> None:
    """Refuse what cannot be decorated, and say what to do."""
    if isinstance(fn, (staticmethod, classmethod)):
        kind = type(fn).__name__
        raise TypeError(f"put @{kind} above @healing_cache(...), not below it")
    if isinstance(fn, type):
        raise TypeError(f"{fn.__name__} is a class; decorate a function that makes one")
    if inspect.iscoroutine(fn):
        fn.close()
        raise TypeError("a coroutine object was given; decorate the async function itself")
    if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
        raise TypeError(f"{fn.__name__} is a generator; return a list or a tuple instead")
    if not callable(fn):
        raise TypeError(f"healing_cache decorates a function, not {type(fn).__name__}")
    if not inspect.isfunction(fn):
        raise TypeError(
            f"healing_cache decorates a function, not a {type(fn).__name__}; wrap it in one: "
            f"def f(...): return it(...)"
        )


def check_callables(options: dict[str, Any]) -> None:
    """The options that are called: each a callable or None."""
    for name in ("key", "around", "copy", "default_factory"):
        value = options.get(name)
        if value is not None and not callable(value):
            raise TypeError(f"{name}= must be callable, not {type(value).__name__}")
    around = options.get("around")
    if isinstance(around, (contextlib.ContextDecorator, contextlib.AsyncContextDecorator)):
        raise TypeError("around= must make a context manager for each heal: around=lambda: ...")
    codec = options.get("codec")
    complete = all(hasattr(codec, part) for part in ("encode", "decode", "fingerprint"))
    if codec is not None and (isinstance(codec, type) or not complete):
        raise TypeError("codec= must have encode, decode and fingerprint, as JsonCodec() has")


def check_clock(clock: Any) -> None:
    """A clock is called without arguments."""
    if not callable(clock):
        raise TypeError(f"clock= must be callable, not {type(clock).__name__}")


def listed_observers(observers: Any) -> list[Any]:
    """The observers of a cache, each a callable."""
    listed = list(observers) if isinstance(observers, Iterable) else [None]
    if not all(map(callable, listed)):
        raise TypeError("observers= must be callables, in a list or a tuple")
    return listed


def check_maxsize(options: dict[str, Any]) -> None:
    """The size of the default memory table."""
    maxsize = options.get("maxsize")
    if maxsize is None:
        return
    if options.get("backend") is not None:
        raise TypeError("maxsize= is for the default memory table; a backend has its own size")
    if isinstance(maxsize, bool) or not isinstance(maxsize, int):
        raise TypeError(f"maxsize= must be a whole number, not {type(maxsize).__name__}")
    if maxsize < 1:
        raise ValueError(f"maxsize= must be at least 1, not {maxsize}")


def ignored(fn: Callable[..., Any], options: dict[str, Any]) -> tuple[str, ...]:
    """The parameters to leave out; a method must say what identifies it."""
    ignore = options.get("ignore", ())
    if not isinstance(ignore, Iterable):
        raise TypeError(f"ignore= must be names of parameters, not {type(ignore).__name__}")
    names = (ignore,) if isinstance(ignore, str) else tuple(ignore)
    parameters = list(inspect.signature(fn).parameters)
    for each in names:
        if each not in parameters:
            raise TypeError(f"ignore= names {each!r}, which is no parameter of {fn.__qualname__}")
    if options.get("key") is not None:
        if names:
            raise TypeError("give key= or ignore=, not both: key= says all that counts")
        return ()
    first = parameters[0] if parameters else ""
    if first in ("self", "cls") and first not in names:
        raise TypeError(
            f"{fn.__qualname__} is a method: write ignore=({first!r},) if all instances share "
            f"their entries, or key=lambda {first}, ...: ({first}.id, ...) to tell them apart"
        )
    return names


def check_identity(options: dict[str, Any]) -> None:
    """Name, namespace, version, dependency."""
    for name in ("name", "dependency"):
        value = options.get(name)
        if name == "dependency" and isinstance(value, Dependency):
            continue
        if value is not None and not isinstance(value, str):
            or_value = " or a Dependency" if name == "dependency" else ""
            raise TypeError(f"{name}= must be text{or_value}, not {type(value).__name__}")
        if value == "":
            raise ValueError(f"{name}= must not be empty; leave it out")
    namespace = options.get("namespace", "")
    if not isinstance(namespace, str) or not _NAMESPACE.fullmatch(namespace):
        raise ValueError("namespace= must be at most 64 letters, digits, '_', '.' and '-'")
    version = options.get("version", 0)
    if isinstance(version, bool) or not isinstance(version, int):
        raise TypeError(f"version= must be a whole number, not {type(version).__name__}")
