"""Arguments: each value of ``KEYABLE`` is another argument, each of ``UNKEYABLE`` is refused."""

from __future__ import annotations

import datetime as dt
import enum
import fractions
import math
import pathlib
import sys
import uuid
import zoneinfo
from collections import namedtuple
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple


class Colour(enum.Enum):
    RED = 1
    GREEN = "1"


class Shade(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    ONE = 1


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Bits(enum.IntFlag, boundary=enum.KEEP):
    LOW = 1


class Point(NamedTuple):
    x: Any
    y: Any = 0


Size = namedtuple("Size", "x y")  # noqa: PYI024 - the older spelling on purpose


@dataclass(frozen=True)
class Order:
    id: Any
    note: Any = ""


@dataclass(frozen=True, slots=True)
class Invoice:
    id: Any
    note: Any = ""


UTC = dt.UTC
NOON = dt.datetime(2024, 7, 1, 12)
ZURICH, ROME = zoneinfo.ZoneInfo("Europe/Zurich"), zoneinfo.ZoneInfo("Europe/Rome")
PLUS_2 = dt.timezone(dt.timedelta(hours=2))

ATOMS: list[Any] = [
    *(None, False, True, 0, 1, -1, 2, 10, 2**63, 2**64, -(2**64), 16**400),
    *(0.0, -0.0, 1.0, 0.1, 0.1 + 1e-16, 1e300, 5e-324, math.inf, -math.inf),
    *("", "0", "1", "1.0", "True", "None", "null", "a", "A", "ä", "a\u0308", " a", "a ", "\0", "'"),
    *("a:b", "a,b", "a:b:c", '"', "\\", "\U0001f600", "\ud83d\ude00", "\ud83d", "(1,)", "RED"),
    *(b"", b"0", b"1", b"a", b"\0", b"\xff", b"None"),
    *(Decimal(0), Decimal("-0"), Decimal(1), Decimal("1.0"), Decimal("1E+2"), Decimal(100)),
    *(Decimal("Infinity"), dt.date(2024, 7, 1), dt.date(1, 1, 1), NOON, NOON.replace(fold=1)),
    *(NOON.replace(microsecond=1), NOON.replace(tzinfo=UTC), NOON.replace(tzinfo=PLUS_2)),
    *(NOON.replace(tzinfo=ZURICH), NOON.replace(tzinfo=ROME)),
    *(
        NOON.replace(tzinfo=dt.timezone(dt.timedelta(hours=2), "CEST")),
        dt.time(12),
        dt.time(12, 0, 1),
    ),
    *(dt.time(12, fold=1), dt.time(12, tzinfo=UTC), dt.time(12, tzinfo=ZURICH), dt.time.min),
    *(
        dt.timedelta(0),
        dt.timedelta(1),
        dt.timedelta(-1),
        dt.timedelta(0, 1),
        dt.timedelta(0, 0, 1),
    ),
    *(uuid.UUID(int=0), uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    *(Colour.RED, Colour.GREEN, Shade.RED, Level.ONE, Rights.READ, Rights.READ | Rights.WRITE),
    *(Rights(0), Bits.LOW, Bits(0), Bits(2), Bits(3), Bits(1 << 20_000)),
]
NESTED: list[Any] = [
    *(
        (),
        (1, 2),
        (1.0, 2),
        (True, 2),
        ("1", 2),
        (2, 1),
        ((1,), 2),
        (1, (2,)),
        ((1, 2),),
        (None, 2),
    ),
    *(("a:b", "c"), ("a", "b:c"), ("a", "b", "c"), ("a", ""), ("", "a"), ((),), ((), ())),
    *(Point(1, 2), Point(1.0, 2), Point(2, 1), Point((1, 2)), Size(1, 2), Point(1), Point(None)),
    *(frozenset(), frozenset([1]), frozenset([1.0]), frozenset([True]), frozenset([1, 2])),
    *(frozenset("ab"), frozenset(["ab"]), frozenset([None]), frozenset([""])),
    *(frozenset([frozenset([1]), frozenset([2])]), frozenset([frozenset([1]), 2])),
    *(Order(1), Order(1.0), Order(1, "x"), Order((1, "")), Invoice(1), Order(Point(1, 2))),
    *(Order(Invoice(1)), Order(None), Order(Colour.RED), Order("Colour.RED"), (Order(1),)),
]
KEYABLE = [*ATOMS, *NESTED, *((each,) for each in ATOMS), *(frozenset([each]) for each in NESTED)]


class Text(str):
    __slots__ = ()


class Number(int):
    pass


class Pair(tuple):  # type: ignore[type-arg]
    __slots__ = ()


class Stateful(namedtuple("Stateful", "x")):  # noqa: PYI024, SLOT002 - with a dict of its own
    pass


class Child(Order):
    pass


@dataclass
class Thawed:
    id: int


@dataclass(frozen=True)
class Derived:
    id: int
    twice: int = field(init=False, default=2)


class Zone(dt.tzinfo):
    def utcoffset(self, _: Any) -> dt.timedelta:
        return dt.timedelta(0)

    dst = utcoffset


class Moment(dt.datetime):
    pass


UNKEYABLE: list[Any] = [
    *([], {}, set(), bytearray(), memoryview(b""), object(), object, print, lambda: 1, sys),
    *(1j, range(3), iter(()), (each for each in ()), ..., NotImplemented, Colour, Order),
    *(fractions.Fraction(1), pathlib.PurePath("a"), ValueError("a"), slice(1), property()),
    *(math.nan, Decimal("nan"), Decimal("sNaN"), Text("a"), Number(1), Pair((1,)), Stateful(1)),
    *(Child(1), Thawed(1), Derived(1), Moment(2024, 7, 1), NOON.replace(tzinfo=Zone())),
    *(dt.time(12, tzinfo=Zone()), Order([]), Point([], 1), (1, [2]), frozenset([math.nan])),
    *((math.nan,), ((({},),),), frozenset([object()])),
]
