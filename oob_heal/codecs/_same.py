"""Whether what came back is what was sent: equal, and of the same type, all the way down.

Law: pure, and strict where ``==`` is not: ``1`` is not ``True``, ``0.0`` is not ``-0.0``, and one
instant in two time zones is two values. What it says names types and fields, never a value: the
keys of a dict are data, too.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import math
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from oob_heal.codecs._shape import is_model

_NOTHING = object()
_TIMES = (dt.datetime, dt.time)
_Pair = tuple[str, Any, Any]


def first_difference(sent: Any, back: Any, where: str = "$") -> str:
    """'' if they are the same, else where they differ and how, in a few words."""
    cls, other = type(sent), type(back)
    if cls is not other:
        if sent is _NOTHING:
            return f"{where}: {other.__name__} comes back where nothing was"
        came = "is gone" if back is _NOTHING else f"comes back as {other.__name__}"
        return f"{where}: {cls.__name__} {came}"
    parts = _parts(cls, sent, back)
    if parts is None:
        how = "in another time zone" if cls in _TIMES else "changed"
        return "" if _equal(cls, sent, back) else f"{where}: {cls.__name__} comes back {how}"
    for name, mine, theirs in parts:
        difference = first_difference(mine, theirs, where + name)
        if difference:
            return difference
    return ""


def _equal(cls: type, sent: Any, back: Any) -> bool:
    if cls is float:
        return sent.hex() == back.hex() or (math.isnan(sent) and math.isnan(back))
    if cls is Decimal:
        return bool(sent.as_tuple() == back.as_tuple())
    if cls in _TIMES:
        told, came = sent.replace(tzinfo=None), back.replace(tzinfo=None)
        return bool((told, sent.fold, sent.tzinfo) == (came, back.fold, back.tzinfo))
    if issubclass(cls, enum.Enum):
        return sent is back or sent == back
    return (sent == back) is True


def _parts(cls: type, sent: Any, back: Any) -> Iterable[_Pair] | None:
    """What a value consists of, pair by pair; None for one that is compared whole."""
    if cls is dict:
        return _of_dict(sent, back)
    if cls in (list, tuple) or _is_named_tuple(cls):
        return _in_order(tuple.__iter__(sent) if cls is not list else iter(sent), iter(back))
    if cls in (set, frozenset):
        return _of_set(sent, back)
    names = _field_names(cls)
    if names is None:
        return None
    return ((f".{n}", getattr(sent, n, _NOTHING), getattr(back, n, _NOTHING)) for n in names)


def _in_order(sent: Iterator[Any], back: Iterator[Any]) -> Iterator[_Pair]:
    pairs = zip_longest(sent, back, fillvalue=_NOTHING)
    return ((f"[{index}]", mine, theirs) for index, (mine, theirs) in enumerate(pairs))


def _of_dict(sent: dict[Any, Any], back: dict[Any, Any]) -> Iterator[_Pair]:
    for mine, theirs in zip_longest(sent.items(), back.items(), fillvalue=(_NOTHING, _NOTHING)):
        yield " (a key)", mine[0], theirs[0]
        yield "[...]", mine[1], theirs[1]


def _of_set(sent: Any, back: Any) -> Iterator[_Pair]:
    there = {each: each for each in back}
    for each in sent:
        yield " (a member)", each, there.pop(each, _NOTHING)
    for each in there:
        yield " (a member)", _NOTHING, each


def _is_named_tuple(cls: type) -> bool:
    return issubclass(cls, tuple) and isinstance(getattr(cls, "_fields", None), tuple)


def _field_names(cls: Any) -> Iterable[str] | None:
    """The fields of a dataclass, a msgspec Struct, an attrs class or a pydantic model."""
    if is_model(cls):
        return [*cls.__pydantic_fields__, "__pydantic_extra__", "__pydantic_private__"]
    if dataclasses.is_dataclass(cls):
        return [each.name for each in dataclasses.fields(cls)]
    if hasattr(cls, "__struct_fields__"):
        names: tuple[str, ...] = cls.__struct_fields__
        return names
    if hasattr(cls, "__attrs_attrs__"):
        return [each.name for each in cls.__attrs_attrs__]
    return None
