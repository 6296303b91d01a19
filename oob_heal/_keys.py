"""From a call to its key, and back.

Law: pure. Binding follows the signature, by a generated function of the same shape, so ``f(1)``,
``f(a=1)`` and ``f()`` with default 1 are one call. What a key may hold is ``_encoding``'s list.
A key in memory holds the tokens of the kept arguments; a key in bytes is a digest of their JSON.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from oob_heal import _encoding
from oob_heal._kinds import UnlistedError
from oob_heal._model import Key, Scope, new
from oob_heal.errors import UnkeyableArgumentError

_VAR_POSITIONAL = inspect.Parameter.VAR_POSITIONAL
_VAR_KEYWORD = inspect.Parameter.VAR_KEYWORD
_POSITIONAL = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}


def digest(text: str, size: int = 16) -> str:
    """A short ASCII digest in hexadecimal: BLAKE2b (RFC 7693)."""
    return hashlib.blake2b(text.encode("ascii"), digest_size=size).hexdigest()


def scope_text(scope: Scope) -> str:
    """A scope as short ASCII: no user text forms a raw key."""
    return digest(_encoding.text(list(scope)))


def key_text(scope_name: str, key: Key) -> str:
    """A key of ``CallKeys.in_bytes`` as short ASCII, led by its scope."""
    return f"oob1.{scope_name}.{key.token}"


def make_binder(name: str, signature: inspect.Signature) -> Callable[..., tuple[Any, ...]]:
    """A function of this signature that returns its bound arguments, in order.

    The interpreter does the binding, so its TypeErrors are the function's own.
    """
    shape, space = spelled(signature, "_oob_default")
    bound = ", ".join(signature.parameters) + ("," if signature.parameters else "")
    exec(f"def bind{shape}: return ({bound})", space)  # noqa: S102 - its words are a signature's
    bind: Callable[..., tuple[Any, ...]] = space["bind"]
    bind.__name__ = bind.__qualname__ = name
    return bind


def spelled(signature: inspect.Signature, default: str) -> tuple[str, dict[str, Any]]:
    """A signature as source, with its defaults under names that begin with ``default``."""
    defaults: dict[str, Any] = {}
    parameters = []
    for index, each in enumerate(signature.parameters.values()):
        if each.default is not each.empty:
            defaults[f"{default}_{index}"] = each.default
            each = each.replace(default=_Raw(f"{default}_{index}"))
        parameters.append(each.replace(annotation=each.empty))
    return str(inspect.Signature(parameters)), defaults


class _Raw:
    """Spelled in a signature as it is."""

    def __init__(self, source: str) -> None:
        self.source = source

    def __repr__(self) -> str:
        return self.source


class CallKeys:
    """How the calls of one function become keys, and travel."""

    def __init__(
        self,
        fn: Callable[..., Any],
        scope: Scope,
        *,
        key: Callable[..., Any] | None = None,
        ignore: tuple[str, ...] = (),
    ) -> None:
        self.fn = fn
        self.scope = scope
        self.key = key
        self.ignore = ignore
        self.signature = inspect.signature(fn)
        self.bind = make_binder(getattr(fn, "__qualname__", "call"), self.signature)
        self.kept = [
            (index, each)
            for index, each in enumerate(self.signature.parameters.values())
            if each.name not in ignore
        ]
        self._told_of = [(index, each.kind is _VAR_KEYWORD) for index, each in self.kept]
        kinds = {each.kind for each in self.signature.parameters.values()}
        self._positions = len(self.signature.parameters)
        self._all_told = key is None and not ignore and kinds <= _POSITIONAL

    def in_memory(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Key:
        """The key of a call for a backend of objects. Raises UnkeyableArgumentError."""
        if self._all_told and not kwargs and len(args) == self._positions:  # nothing to bind
            try:
                told = tuple([_encoding.token(each) for each in args])  # map() ends at an error
                return new(Key, (self.scope, told))
            except UnlistedError:
                pass  # told below of which parameter
        return new(Key, (self.scope, self._told(_encoding.token, args, kwargs)))

    def in_bytes(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Key:
        """The key of a call for a backend of bytes. Raises UnkeyableArgumentError."""
        told = self._told(_encoding.plain, args, kwargs)
        return Key(self.scope, digest(_encoding.text(told)))

    def _told(self, tell: Callable[[Any], Any], args: Any, kwargs: Any) -> tuple[Any, ...]:
        bound = self.bind(*args, **kwargs)
        if self.key is not None:
            return (self._tell(tell, "key=", self.key(*args, **kwargs)),)
        told: list[Any] = []
        try:
            for index, by_keyword in self._told_of:
                value = bound[index]
                told.append(tell(tuple(sorted(value.items())) if by_keyword else value))
        except UnlistedError as unlisted:
            problem = str(unlisted)
        else:
            return tuple(told)
        _, each = self.kept[len(told)]
        raise UnkeyableArgumentError(self.scope.label, each.name, problem)

    def _tell(self, tell: Callable[[Any], Any], parameter: str, value: Any) -> Any:
        try:
            return tell(value)
        except UnlistedError as unlisted:
            problem = str(unlisted)
        raise UnkeyableArgumentError(self.scope.label, parameter, problem)

    def travelling(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments by parameter name, without the ignored ones."""
        bound = self.bind(*args, **kwargs)
        names = list(self.signature.parameters)
        return {n: v for n, v in zip(names, bound, strict=True) if n not in self.ignore}

    def arrived(self, arguments: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """A call from travelled arguments. Raises TypeError where they do not fit."""
        rest = dict(arguments)
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for name, each in self.signature.parameters.items():
            if name not in rest:
                continue
            value = rest.pop(name)
            if each.kind is _VAR_POSITIONAL:
                args.extend(value)
            elif each.kind is _VAR_KEYWORD:
                kwargs.update(value)
            elif each.kind is each.KEYWORD_ONLY or len(args) < self._position(name):
                kwargs[name] = value
            else:
                args.append(value)
        if rest:
            raise TypeError("arguments that the function does not take")
        self.bind(*args, **kwargs)
        return tuple(args), kwargs

    def _position(self, name: str) -> int:
        return list(self.signature.parameters).index(name)

    def encode(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Travelling arguments as JSON. Raises UnkeyableArgumentError."""
        told = {}
        for name, value in arguments.items():
            if self.signature.parameters[name].kind is _VAR_KEYWORD:
                value = tuple(sorted(value.items()))
            try:
                told[name] = _encoding.plain(value)
            except UnlistedError as unlisted:
                problem = f"{unlisted}, and cannot travel to another process"
            else:
                continue
            raise UnkeyableArgumentError(self.scope.label, name, problem)
        return told

    def decode(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """The other way. Raises ValueError for what ``encode`` would not have written."""
        classes = self.classes()
        arguments = {}
        for name, form in told.items():
            parameter = self.signature.parameters.get(name)
            if parameter is None or name in self.ignore:
                raise ValueError("an argument that the function does not take")
            value = _encoding.back(form, classes)
            if parameter.kind is _VAR_KEYWORD:
                value = dict(value)
            arguments[name] = value
        return arguments

    def classes(self) -> dict[str, type]:
        """The enums, named tuples and dataclasses that the annotations name, by full name."""
        try:
            hints = typing.get_type_hints(self.fn)
        except Exception:  # an annotation for type checkers only; such a class cannot travel
            hints = {}
        hints.pop("return", None)
        found: dict[str, type] = {}
        _collect(hints.values(), found)
        return found


def _collect(hints: Iterable[Any], found: dict[str, type]) -> None:
    for hint in hints:
        _collect(typing.get_args(hint), found)
        cls = typing.get_origin(hint) or hint
        if not isinstance(cls, type) or f"{cls.__module__}.{cls.__qualname__}" in found:
            continue
        compound = dataclasses.is_dataclass(cls) or _encoding.is_named_tuple(cls)
        if compound or issubclass(cls, enum.Enum):
            found[f"{cls.__module__}.{cls.__qualname__}"] = cls
            if compound:
                _collect(_hints(cls).values(), found)


def _hints(cls: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls)
    except Exception:
        return {}
