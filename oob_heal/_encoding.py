"""The closed list of values that can be part of a key, told exactly and reversibly.

Law: pure. For each listed type two forms: a *token* (hashable, for keys in memory) and *plain*
(JSON text, for keys in bytes and for events), which comes back to the very value. Two values
have equal tokens if and only if they have equal JSON: type and value, to the last digit and
time zone, so ``1``, ``1.0`` and ``True`` differ, and so do ``0.0`` and ``-0.0``. Subclasses are
not listed: they may say anything of themselves. Both forms must be kept in step.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import math
import uuid
import zoneinfo
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

DEEPEST = 32  # levels of nesting
HEAVIEST = 65_536  # characters, bytes and members in one value


class UnlistedError(Exception):
    """A value that is not on the list; the message says what it is, never its contents."""


class Kind(NamedTuple):
    """One listed type: how it is told in a token and in JSON, and how it comes back."""

    tag: str
    token: Callable[[Any], Any]
    plain: Callable[[Any], Any]
    back: Callable[[Any], Any]


def _as_is(value: Any) -> Any:
    return value


def _float(value: float) -> str:
    if math.isnan(value):
        raise UnlistedError("a NaN, which is not equal to itself")
    return value.hex()


def _decimal(value: Decimal) -> str:
    if value.is_nan():
        raise UnlistedError("a NaN, which is not equal to itself")
    return str(value)


def _text(value: str) -> str | list[str]:
    """Text as it is, but for lone surrogates: JSON would take two of them for one character."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return [value.encode("utf-8", "surrogatepass").hex()]
    return value


def _text_back(told: str | list[str]) -> str:
    if isinstance(told, str):
        return told
    (encoded,) = told
    return bytes.fromhex(encoded).decode("utf-8", "surrogatepass")


def _zone(value: dt.datetime | dt.time) -> Any:
    zone = value.tzinfo
    if zone is None:
        return None
    if type(zone) is dt.timezone:
        offset = zone.utcoffset(None)
        name = zone.tzname(None)
        return [offset.days, offset.seconds, offset.microseconds, name]
    if type(zone) is zoneinfo.ZoneInfo and zone.key is not None:
        return zone.key
    raise UnlistedError(f"a time in a zone of type {_name(type(zone))}; use zoneinfo or timezone")


def _zone_back(plain: Any) -> dt.tzinfo | None:
    if plain is None:
        return None
    if isinstance(plain, str):
        return zoneinfo.ZoneInfo(plain)
    days, seconds, microseconds, name = plain
    return dt.timezone(dt.timedelta(days, seconds, microseconds), name)


def _time(value: dt.datetime | dt.time) -> list[Any]:
    return [value.replace(tzinfo=None, fold=0).isoformat(), value.fold, _zone(value)]


def _time_back(cls: Any) -> Callable[[Any], Any]:
    def back(plain: Any) -> Any:
        text, fold, zone = plain
        return cls.fromisoformat(text).replace(fold=fold, tzinfo=_zone_back(zone))

    return back


def _flat(plain: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The token of a value whose JSON form is a list, perhaps with a list in it."""
    return lambda value: json.dumps(plain(value))


def _delta(value: dt.timedelta) -> list[int]:
    return [value.days, value.seconds, value.microseconds]


KINDS: dict[type, Kind] = {
    type(None): Kind("none", _as_is, _as_is, _as_is),
    bool: Kind("bool", _as_is, _as_is, _as_is),
    int: Kind("int", _as_is, lambda n: format(n, "x"), lambda p: int(p, 16)),
    float: Kind("float", _float, _float, float.fromhex),
    str: Kind("str", _as_is, _text, _text_back),
    bytes: Kind("bytes", _as_is, bytes.hex, bytes.fromhex),
    Decimal: Kind("dec", _decimal, _decimal, Decimal),
    dt.date: Kind("date", _as_is, dt.date.isoformat, dt.date.fromisoformat),
    dt.datetime: Kind("datetime", _flat(_time), _time, _time_back(dt.datetime)),
    dt.time: Kind("time", _flat(_time), _time, _time_back(dt.time)),
    dt.timedelta: Kind("delta", _as_is, _delta, lambda told: dt.timedelta(*told)),
    uuid.UUID: Kind("uuid", _as_is, lambda u: u.hex, uuid.UUID),
}
BY_TAG = {kind.tag: kind for kind in KINDS.values()}


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _fields(cls: type) -> tuple[str, ...] | None:
    """The names of a frozen dataclass's fields, or None if it is not one."""
    params = getattr(cls, "__dataclass_params__", None)
    if params is None or "__dataclass_fields__" not in vars(cls):
        return None
    if not params.frozen:
        raise UnlistedError(f"a {_name(cls)}, a dataclass that is not frozen")
    names = []
    for each in dataclasses.fields(cls):
        if not each.init:
            raise UnlistedError(
                f"a {_name(cls)}, a dataclass with a field that its init does not take"
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
    raise UnlistedError(f"a value of type {_name(cls)}")


def token(value: Any, scale: _Scale | None = None, depth: int = 0) -> Any:
    """The hashable form, for keys in memory. Raises UnlistedError."""
    cls = type(value)
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
        return ["enum", _name(cls), _enum(value)]
    tag, members = _members(value, cls)
    told = [plain(each, scale, depth + 1) for each in members]
    if tag == "set":
        return [tag, sorted(told, key=text)]
    return [tag, told] if tag == "tuple" else [tag, _name(cls), told]


def _enum(value: enum.Enum) -> Any:
    """A member by name; a flag by number, since a combination has no name of its own. One that
    ``_missing_`` makes may have any name, or another's: it is not listed."""
    if isinstance(value, enum.Flag):
        return format(value.value, "x")
    cls, name = type(value), value._name_
    if cls._member_map_.get(name) is not value:
        raise UnlistedError(f"a {_name(cls)} that is none of its members")
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
