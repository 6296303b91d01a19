"""The closed list of values that can be part of a key, told exactly and reversibly.

Law: pure. For each listed value two forms: a *token* (hashable, for keys in memory) and *plain*
(JSON text, for keys in bytes and for events), which comes back to the very value. Two values
have equal tokens if and only if they have equal JSON: type and value. ``_kinds`` tells those that
hold no others; here they are held, named, nested and weighed. Both forms must be kept in step.
"""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from oob_heal._kinds import BY_TAG, KINDS, UnlistedError, name_of

DEEPEST = 32  # levels of nesting
HEAVIEST = 65_536  # characters, bytes and members in one value
_WORD = 1 << 63  # a whole number below it weighs next to nothing


def _fields(cls: type) -> tuple[str, ...] | None:
    """The names of a frozen dataclass's fields, or None if it is not one."""
    params = getattr(cls, "__dataclass_params__", None)
    if params is None or "__dataclass_fields__" not in vars(cls):
        return None
    if not params.frozen:
        raise UnlistedError(f"a {name_of(cls)}, a dataclass that is not frozen")
    names = []
    for each in dataclasses.fields(cls):
        if not each.init:
            raise UnlistedError(
                f"a {name_of(cls)}, a dataclass with a field that its init does not take"
            )
        names.append(each.name)
    return tuple(names)


def is_named_tuple(cls: type) -> bool:
    """Whether a class is a named tuple that adds no state and no equality of its own."""
    return (
        issubclass(cls, tuple)
        and isinstance(getattr(cls, "_fields", None), tuple)
        and cls.__eq__ is tuple.__eq__
        and cls.__dictoffset__ == 0
    )


class _Scale:
    """Counts what one call puts on it, and refuses what is too heavy or too deep."""

    __slots__ = ("weight",)

    def __init__(self) -> None:
        self.weight = 0

    def put(self, value: Any, cls: type, depth: int) -> None:
        if depth > DEEPEST:
            raise UnlistedError(f"nested more than {DEEPEST} levels deep")
        self.weight += 1
        if cls is str or cls is bytes:
            self.weight += len(value)
        elif cls is int:
            self.weight += value.bit_length() >> 3
        elif cls is Decimal:
            self.weight += len(value.as_tuple().digits)
        elif issubclass(cls, enum.Flag):
            self.weight += value.value.bit_length() >> 3
        if self.weight > HEAVIEST:
            raise UnlistedError(f"larger than {HEAVIEST:,} characters, bytes and members in all")


def _members(value: Any, cls: type) -> tuple[str, list[Any]]:
    """A container's tag and what it holds; the same for tokens and for JSON."""
    if cls is tuple:
        return "tuple", list(value)
    if cls is frozenset:
        return "set", list(value)
    fields = _fields(cls)
    if fields is not None:
        return "data", [getattr(value, name) for name in fields]
    if is_named_tuple(cls):
        return "named", list(tuple.__iter__(value))
    raise UnlistedError(f"a value of type {name_of(cls)}")


def token(value: Any, scale: _Scale | None = None, depth: int = 0) -> Any:
    """The hashable form, for keys in memory. Raises UnlistedError."""
    cls = type(value)
    light = (cls is int and -_WORD < value < _WORD) or (cls is str and len(value) < HEAVIEST)
    if light and scale is None:  # as below, sooner: a caller waits for it
        return (cls, value)
    scale = scale or _Scale()
    scale.put(value, cls, depth)
    kind = KINDS.get(cls)
    if kind is not None:
        return (cls, kind.token(value))
    if issubclass(cls, enum.Enum):  # isinstance would ask the value itself
        return (cls, _enum(value))
    tag, members = _members(value, cls)
    told = [token(each, scale, depth + 1) for each in members]
    return (cls, frozenset(told)) if tag == "set" else (cls, *told)


def plain(value: Any, scale: _Scale | None = None, depth: int = 0) -> Any:
    """The JSON form, for keys in bytes and for events. Raises UnlistedError."""
    cls = type(value)
    scale = scale or _Scale()
    scale.put(value, cls, depth)
    kind = KINDS.get(cls)
    if kind is not None:
        return [kind.tag, kind.plain(value)]
    if issubclass(cls, enum.Enum):
        return ["enum", name_of(cls), _enum(value)]
    tag, members = _members(value, cls)
    told = [plain(each, scale, depth + 1) for each in members]
    if tag == "set":
        return [tag, sorted(told, key=text)]
    return [tag, told] if tag == "tuple" else [tag, name_of(cls), told]


def _enum(value: enum.Enum) -> Any:
    """A member by name; a flag by number, since a combination has no name of its own. One that
    ``_missing_`` makes may have any name, or another's: it is not listed."""
    if isinstance(value, enum.Flag):
        return format(value.value, "x")
    cls, name = type(value), value._name_
    if cls._member_map_.get(name) is not value:
        raise UnlistedError(f"a {name_of(cls)} that is none of its members")
    return name


def text(form: Any) -> str:
    """The one spelling of a JSON form: ASCII, no spaces."""
    return json.dumps(form, ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def back(form: Any, classes: Mapping[str, type], depth: int = 0) -> Any:
    """The value of a JSON form. Classes come from ``classes`` alone, never by import.

    Raises ValueError for whatever ``plain`` would not have written.
    """
    if depth > DEEPEST or not isinstance(form, list) or not form or not isinstance(form[0], str):
        raise ValueError("not an encoded value")
    tag, *rest = form
    try:
        if tag in BY_TAG:
            (told,) = rest
            value = BY_TAG[tag].back(told)
        else:
            value = _compound_back(tag, rest, classes, depth)
        faithful = plain(value) == form
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(f"not an encoded value: {type(error).__name__}") from None
    if not faithful:
        raise ValueError("not an encoded value, or not in its one spelling")
    return value


def _compound_back(tag: str, rest: list[Any], classes: Mapping[str, type], depth: int) -> Any:
    if tag in ("tuple", "set"):
        (told,) = rest
        members = [back(each, classes, depth + 1) for each in told]
        return tuple(members) if tag == "tuple" else frozenset(members)
    name, told = rest
    cls: Any = classes.get(name)
    if cls is None:
        raise ValueError(f"a class that the function's annotations do not name: {str(name)[:80]}")
    if tag == "enum":
        return cls(int(told, 16)) if issubclass(cls, enum.Flag) else cls[told]
    members = [back(each, classes, depth + 1) for each in told]
    if tag == "named" and len(members) == len(cls._fields):
        return tuple.__new__(cls, members)
    return cls(**dict(zip(_fields(cls) or (), members, strict=True)))
