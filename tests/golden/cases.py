"""The functions whose entries and events are golden, and what they hold."""

from __future__ import annotations

import datetime as dt
import enum
import json
import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pydantic

from oob_heal import HealingCache
from oob_heal._message import encode_event
from oob_heal.codecs import JsonCodec, SignedPickleCodec
from oob_heal.codecs.pydantic import PydanticCodec
from oob_heal.testing import ManualClock, ManualExecutor, SharedStore

FOLDER = Path(__file__).parent
NOW = 1_000_000.0


class Colour(enum.Enum):
    GREEN = "green"
    BLACK = "black"


class Size(NamedTuple):
    name: str
    grams: float


@dataclass(frozen=True)
class Article:
    name: str
    colour: Colour
    price: Decimal
    sizes: tuple[Size, ...]
    like: list[Article]
    since: dt.datetime | None = None


class Stock(pydantic.BaseModel):
    shelf: tuple[int, str]
    free: dict[str, float] = pydantic.Field(default_factory=dict, alias="left")


ANYTHING = {"when": dt.date(2026, 1, 31), "ids": {uuid.UUID(int=7)}, "loop": (1, 2.5, None)}
TEA = Article(
    "tea",
    Colour.GREEN,
    Decimal("7.10"),
    (Size("small", 50.0), Size("large", math.inf)),
    [Article("mate ☕", Colour.BLACK, Decimal("-0.5"), (), [])],
    dt.datetime(2026, 1, 31, 12, 30, 15, 250_000, tzinfo=dt.UTC),
)


def article(name: str, *, colour: Colour = Colour.GREEN) -> Article:
    return TEA


def counted(day: dt.date, limit: float) -> dict[str, Any]:
    return {"one": 1, "half": 0.5, "none": None, "text": "ä\n", "list": [True, -(2**40)]}


def stock(number: int) -> Stock:
    return Stock(shelf=(3, "b"), left={"tea": 2.0})


def anything(size: Size) -> dict[str, Any]:
    return ANYTHING


class Case(NamedTuple):
    fn: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    codec: Any = None
    marked: bool = False


CASES = {
    "article": Case(article, ("tea",), {"colour": Colour.BLACK}),
    "counted": Case(counted, (dt.date(2026, 1, 31), 0.1), {}, JsonCodec(), True),
    "stock": Case(stock, (-7,), {}, PydanticCodec(Stock)),
    "anything": Case(anything, (Size("s", 1.5),), {}, SignedPickleCodec([b"golden" * 6])),
}


class Shop:
    """The cases, on a store and a cache by hand."""

    def __init__(self) -> None:
        self.store = SharedStore(ManualClock(NOW))
        self.executor = ManualExecutor()
        self.cache = HealingCache(
            backend=self.store.backend(),
            executor=self.executor,
            clock=self.store.clock,
            namespace="golden",
            ttl=60,
            jitter=0.5,
        )
        self.cache._parts.random = lambda: 0.25
        self.functions = {
            name: self.cache(codec=case.codec, name=f"golden.{name}")(case.fn)
            for name, case in CASES.items()
        }

    def written(self) -> dict[str, dict[str, str]]:
        """Each case's key, its sealed entry in hexadecimal, and the event of its miss."""
        told = {}
        for name, case in CASES.items():
            f = self.functions[name]
            f.heal(*case.args, **case.kwargs)
            event = encode_event(self.executor.pending[-1].event, f._oob_heal_core.keys)
            f.set(case.fn(*case.args, **case.kwargs), *case.args, **case.kwargs)
            if case.marked:
                f.mark_stale(*case.args, **case.kwargs)
            (key,) = self.store.data.keys() - {each["key"] for each in told.values()}
            sealed = self.store.data[key][0]
            told[name] = {"key": key, "sealed": sealed.hex(), "event": event.decode("ascii")}
        return told


def releases() -> list[Path]:
    """The files, one a release."""
    return sorted(FOLDER.glob("*.json"))


def write(release: str) -> None:
    """Keep what this release writes."""
    text = json.dumps(Shop().written(), indent=1)
    (FOLDER / f"{release}.json").write_text(text + "\n", encoding="ascii")
