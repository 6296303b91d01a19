"""The shape of a type, all the way down, as one text: what two releases must agree on.

Law: pure. Two releases whose types have the same names, fields and field types have the same
text, in every process, order of definition and version of Python; others do not. Defaults,
constraints, methods and modules are no part of it, since they change no byte of an entry (but for
a Struct that leaves its defaults out).
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Iterable
from typing import Any, NamedTuple

import typing_extensions
from typing_extensions import TypeAliasType

_ALIASES = tuple({TypeAliasType, getattr(typing, "TypeAliasType", TypeAliasType)})
_VARIABLES = (typing.TypeVar, typing_extensions.TypeVar)
_QUALIFIERS = {
    getattr(module, name): name
    for module in (typing, typing_extensions)
    for name in ("ClassVar", "Final", "NotRequired", "ReadOnly", "Required")
    if hasattr(module, name)
}
_TELLABLE = (type(None), bool, int, float, str, bytes)


class Shape(NamedTuple):
    """``leaves`` are the classes whose inside is not told, or is their own business; ``marks``
    are what ``Annotated`` adds."""

    text: str
    leaves: frozenset[type]
    marks: tuple[Any, ...]


class UntoldError(TypeError):
    """An annotation that does not say what a value consists of; the message says why."""


def shape_of(hint: Any) -> Shape:
    """The shape of an annotation, resolved. Raises UntoldError."""
    walk = _Walk()
    root = walk.tell(hint)
    definitions = sorted(told for told in walk.defined.values() if told)
    return Shape("\n".join([root, *definitions]), frozenset(walk.leaves), tuple(walk.marks))


def return_hint(fn: Any) -> Any:
    """What a function is annotated to return. Raises UntoldError if that is nothing, or Any."""
    while hasattr(fn, "__wrapped__"):
        fn = fn.__wrapped__
    try:
        given = dict(fn.__annotations__)
        if "return" not in given:
            raise UntoldError("is missing")
        holder = types.SimpleNamespace(__annotations__={"return": given["return"]})
        hint = typing.get_type_hints(holder, fn.__globals__, include_extras=True)["return"]
    except UntoldError:
        raise
    except Exception as error:
        problem = f"cannot be resolved ({type(error).__name__}): name what the module defines above"
    else:
        if hint is Any or hint is object or isinstance(hint, _VARIABLES):
            raise UntoldError("says nothing of what it returns (Any)")
        return hint
    raise UntoldError(problem)


class _Walk:
    def __init__(self) -> None:
        self.leaves: set[type] = set()
        self.marks: list[Any] = []
        self.defined: dict[Any, str] = {}

    def tell(self, hint: Any) -> str:
        """One hint, in words. What has fields is told once, and named where it is used."""
        if hint is None or hint is ... or hint is Any or isinstance(hint, _VARIABLES):
            return "any" if hint is Any else str(getattr(hint, "__name__", hint))
        if isinstance(hint, typing.NewType):
            return self.tell(hint.__supertype__)
        if isinstance(hint, _ALIASES):
            return self._define(hint, hint.__name__, lambda: self.tell(hint.__value__))
        origin, args = typing.get_origin(hint), typing.get_args(hint)
        if origin is None:
            return self._class(hint)
        if origin is typing.Annotated:
            self.marks.extend(args[1:])
            return self.tell(args[0])
        if origin in (typing.Union, types.UnionType):
            return f"({'|'.join(sorted({self.tell(each) for each in args}))})"
        if origin is typing.Literal or origin is typing_extensions.Literal:
            return f"literal({','.join(sorted(_constant(each) for each in args))})"
        name = _QUALIFIERS.get(origin) or self.tell(origin)
        return f"{name}[{','.join(self.tell(each) for each in _flat(args))}]"

    def _class(self, cls: Any) -> str:
        if not isinstance(cls, type):
            raise UntoldError(f"holds a {type(cls).__name__}, which is no type of values")
        if issubclass(cls, enum.Enum):
            members = [f"{n}={_constant(each.value)}" for n, each in cls.__members__.items()]
            return self._define(cls, cls.__qualname__, lambda: ",".join(members))
        if not _has_fields(cls):
            self.leaves.add(cls)
            return cls.__qualname__
        if is_model(cls):
            self.leaves.add(cls)
        return self._define(cls, cls.__qualname__, lambda: self._fields(cls))

    def _define(self, what: Any, name: str, told: typing.Callable[[], str]) -> str:
        if what not in self.defined:
            self.defined[what] = ""  # it may name itself
            self.defined[what] = f"{name}: {told()}"
        return f"@{name}"

    def _fields(self, cls: Any) -> str:
        try:
            hints = typing.get_type_hints(cls, include_extras=True)
        except Exception as error:
            problem = f"names {cls.__qualname__}, whose fields cannot be resolved"
            problem = f"{problem} ({type(error).__name__}): define what they name in its module"
        else:
            names = _names(cls, hints)
            told = [f"{name} {self.tell(hints.get(name, Any))}" for name in names]
            return "; ".join([*told, *_on_the_wire(cls)])
        raise UntoldError(problem)


def _flat(args: Iterable[Any]) -> list[Any]:
    """The arguments of a generic; a list of them, as Callable has, in a row."""
    return [inner for each in args for inner in (each if isinstance(each, list) else [each])]


def _constant(value: Any) -> str:
    if isinstance(value, enum.Enum):
        return f"{type(value).__qualname__}.{value.name}"
    told = repr(value) if type(value) in _TELLABLE else ""
    return f"{type(value).__name__} {told}".strip()


def is_model(cls: Any) -> bool:
    """Whether a class is a pydantic model."""
    return hasattr(cls, "__pydantic_fields__") and hasattr(cls, "__pydantic_private__")


def _has_fields(cls: Any) -> bool:
    marks = ("__struct_fields__", "__attrs_attrs__", "__pydantic_fields__", "__required_keys__")
    named_tuple = issubclass(cls, tuple) and isinstance(getattr(cls, "_fields", None), tuple)
    return dataclasses.is_dataclass(cls) or named_tuple or any(hasattr(cls, each) for each in marks)


def _names(cls: Any, hints: dict[str, Any]) -> Iterable[str]:
    """The names of a class's fields, in the order in which they are written."""
    if hasattr(cls, "__struct_fields__"):
        return tuple(cls.__struct_fields__)
    if hasattr(cls, "__pydantic_fields__"):
        return list(cls.__pydantic_fields__)
    if dataclasses.is_dataclass(cls):
        return [each.name for each in dataclasses.fields(cls)]
    if hasattr(cls, "__attrs_attrs__"):
        return [each.name for each in cls.__attrs_attrs__]
    named: tuple[str, ...] | None = getattr(cls, "_fields", None)
    return sorted(hints) if named is None else named


def _on_the_wire(cls: Any) -> list[str]:
    """What else changes the bytes: other names, a tag, keys that may be missing."""
    told = []
    if hasattr(cls, "__struct_config__"):
        config = cls.__struct_config__
        told += [f"as {cls.__struct_encode_fields__}", f"tag {config.tag_field!r} {config.tag!r}"]
        told += [f"array {config.array_like}"]
        if config.omit_defaults:
            told += [f"but {','.join(map(_constant, cls.__struct_defaults__))}"]
    if hasattr(cls, "__pydantic_fields__"):
        aliases = [each.alias for each in cls.__pydantic_fields__.values()]
        told += [f"as {aliases}"] if any(aliases) else []
    if hasattr(cls, "__required_keys__"):
        told += [f"required {sorted(cls.__required_keys__)}"]
    return told
