"""The listed types that hold no others: how each is told, and how it comes back.

Law: pure, a table. Two values of a type have equal tokens if and only if they have equal JSON,
to the last digit and time zone, so ``0.0`` and ``-0.0`` differ. The table goes by the very type:
subclasses are not listed, since they may say anything of themselves.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import uuid
import zoneinfo
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple


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
    raise UnlistedError(f"a time in a zone of type {name_of(type(zone))}; use zoneinfo or timezone")


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


def name_of(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
