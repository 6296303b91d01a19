"""What a codec writes it reads back as an equal value of the same type, or it refuses it."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
import math
import re
import typing
import uuid
import zoneinfo
from decimal import Decimal
from typing import Any, NamedTuple, NotRequired, TypedDict

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oob_heal import CodecError
from oob_heal.codecs import JsonCodec, SignedPickleCodec
from oob_heal.codecs.msgpack import MsgpackCodec
from oob_heal.codecs.pydantic import PydanticCodec

CANARY = "hunter2"
UTC = dt.UTC
NOON = dt.datetime(2026, 1, 31, 12, 0, 0, 123_456)
KEYS = [b"new" * 11, b"old" * 11]


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Point(NamedTuple):
    x: int
    y: float = 0.5


@dataclasses.dataclass
class Node:
    name: str
    kids: list[Node] = dataclasses.field(default_factory=list)
    at: Point | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    sizes: frozenset[tuple[int, str]]


class Struct(msgspec.Struct, tag="struct", omit_defaults=True, rename="camel"):
    first_name: str
    size: int | float = 7


class Options(TypedDict):
    name: str
    size: NotRequired[int]


class Model(pydantic.BaseModel):
    name: str = pydantic.Field(alias="Name")
    sizes: tuple[int, ...] = ()
    inner: Model | None = None
    when: dt.datetime | None = None


class Secretive(pydantic.BaseModel):
    name: str = ""
    hidden: str = pydantic.Field(default="", exclude=True)
    _private: int = pydantic.PrivateAttr(default=0)


BOTH: list[tuple[Any, Any]] = [
    *[(type(None), None), (bool, False), (int, -(2**63)), (int, 2**64 - 1), (str, "ä☕\0\n")],
    *[(float, -0.0), (float, 1e308), (float, 5e-324), (int | float, 1), (int | float, 1.0)],
    *[
        (list[int], []),
        (list[list[str]], [["a"], []]),
        (tuple[int, str], (1, "b")),
        (tuple[()], ()),
    ],
    *[(tuple[int, ...], (1, 2)), (set[int], {3, 1}), (frozenset[str], frozenset(["ab"]))],
    *[(dict[str, Any], {"b": [1, None], "a": {"c": 0.5}}), (dict[int, str], {7: "x", -1: "y"})],
    *[(set[tuple[int, int]], {(1, 2), (3, 4)}), (dt.datetime, NOON.replace(tzinfo=UTC))],
    *[(dt.datetime, NOON), (dt.date, NOON.date()), (dt.time, NOON.time())],
    *[(dt.timedelta, dt.timedelta(days=-1, microseconds=7)), (uuid.UUID, uuid.UUID(int=5))],
    *[(Decimal, Decimal("1.10")), (Colour, Colour.RED), (Level, Level.LOW), (Point, Point(1))],
    *[(Node, Node("a", [Node("b")], Point(1, 2.0))), (Frozen, Frozen(frozenset({(1, "a")})))],
    *[(Options, {"name": "a"}), (Options | None, None)],
]
MSGPACK: list[tuple[Any, Any]] = [
    *[(float, math.inf), (float, math.nan), (bytes, b"\xff\0"), (bytearray, bytearray(b"a"))],
    *[(Struct, Struct("a")), (Struct, Struct("a", 7.0)), (list[Struct], [Struct("b", 8)])],
    *[(Any, ["a", {"b": b"c"}]), (collections.abc.Sequence[int], [1])],
]
MODELS: list[tuple[Any, Any]] = [
    *[(Model, Model(Name="a", sizes=(1,), inner=Model(Name="b"), when=NOON.replace(tzinfo=UTC)))],
    *[(list[Model], [Model(Name="a")]), (int, 2**200), (Secretive, Secretive(name="a"))],
    (dt.datetime, NOON.replace(tzinfo=dt.timezone(dt.timedelta(hours=2)))),
]
JSON: list[Any] = [None, True, 2**200, 0.1, -0.0, "ä\ud800", [], [[1], {"a": None}], {"": {}}]


class Plain:
    """An object that compares by identity, as most do."""

    def __init__(self, inside: Any) -> None:
        self.inside = inside

    def __repr__(self) -> str:
        return f"Plain({self.inside!r})"


def told(value: Any) -> str:
    """A value in words; of a time zone its offset, since pydantic has a class of its own."""
    words = repr(value).replace("datetime.timezone.utc", "TzInfo(0)")
    return re.sub(r"datetime.timezone\(datetime.timedelta\(seconds=(\d+)\)\)", r"TzInfo(\1)", words)


def as_pydantic_has_it(hint: Any) -> bool:
    """Before 3.12 pydantic reads only the TypedDict of typing_extensions."""
    return not typing.is_typeddict(hint) and hint != Options | None


@pytest.mark.parametrize(
    ("codec", "value"),
    [
        *[(MsgpackCodec(hint), value) for hint, value in BOTH + MSGPACK],
        *[(PydanticCodec(h), value) for h, value in BOTH + MODELS if as_pydantic_has_it(h)],
        *[(JsonCodec(), value) for value in JSON],
        *[(SignedPickleCodec(KEYS), value) for _, value in BOTH + MODELS],
        (SignedPickleCodec(KEYS), Plain({(1, 2): {b"a"}})),
    ],
    ids=repr,
)
def test_what_is_written_comes_back_as_it_was(codec: Any, value: Any) -> None:
    data = codec.encode(value)
    back = codec.decode(data)
    assert type(data) is bytes
    assert (type(back), told(back)) == (type(value), told(value))
    assert back == value or value != value or type(value) is Plain
    if isinstance(value, dt.datetime):
        assert back.utcoffset() == value.utcoffset()


UNFAITHFUL: list[tuple[Any, Any, str]] = [
    (float, 1, "int comes back as float"),
    (int, True, "Expected `int`, got `bool`"),
    (int, CANARY, "Expected `int`, got `str`"),
    (tuple[str, ...], [CANARY], "list comes back as tuple"),
    (dict[str, list[int]], {CANARY: (1,)}, r"\$\[\.\.\.\]: tuple comes back as list"),
    (dict[str, Any], {CANARY: {CANARY}}, "set comes back as list"),
    (dict[str, Any], {CANARY: NOON}, "datetime comes back as str"),
    (list[Point], [Point(1), Point(2, 3)], r"\$\[1\]\[1\]: int comes back as float"),
    (Node, Node("a", [Node("b", (Node("c"),))]), r"\$\.kids\[0\]\.kids: tuple"),  # type: ignore[arg-type]
    (Options, {"name": "a", CANARY: 1}, r"\(a key\): str is gone"),
    (dt.datetime, NOON.replace(tzinfo=zoneinfo.ZoneInfo("UTC")), "in another time zone"),
    (dt.datetime, NOON.replace(tzinfo=dt.timezone(dt.timedelta(hours=1))), "in another time zone"),
    (dt.datetime, NOON.replace(fold=1), "datetime comes back"),
    (list[int], collections.UserList([1]), "Encoding objects of type UserList is unsupported"),
    (list[int], type("Ints", (list,), {})([1]), "Ints comes back as list"),
    (Any, object(), "Encoding objects of type object is unsupported"),
    (Colour, CANARY, "ValidationError"),
    (int, 2**64, "OverflowError"),
    (str, "\ud800", "UnicodeEncodeError"),
    (set[int], {True}, "Expected `int`"),
    (set[float], {1}, r"int comes back as float"),
]


@pytest.mark.parametrize(
    ("hint", "value", "said"), UNFAITHFUL, ids=lambda each: type(each).__name__
)
def test_msgpack_refuses_what_would_come_back_changed(hint: Any, value: Any, said: str) -> None:
    with pytest.raises(CodecError, match=said) as caught:
        MsgpackCodec(hint).encode(value)
    assert str(caught.value).endswith(", or give codec=")
    assert "annotate" in str(caught.value)
    shows_nothing(caught.value)


@pytest.mark.parametrize(
    ("hint", "value", "ways"),
    [
        (float, 3, "return float(...) there, or annotate int | float"),
        (dict[str, list[float]], {CANARY: [1]}, "return float(...) there, or annotate int | float"),
        (tuple[int, ...], [1], "return tuple(...) there, or annotate list"),
        (list[int], (1,), "return list(...) there, or annotate tuple"),
        (set[int], frozenset((1,)), "return set(...) there, or annotate frozenset"),
        (dict[str, Any], {"at": NOON}, "return what it says, annotate what is returned"),
    ],
)
def test_the_error_says_what_to_write_instead(hint: Any, value: Any, ways: str) -> None:
    with pytest.raises(CodecError) as caught:
        MsgpackCodec(hint).encode(value)
    assert f"; {ways}, or give codec=" in str(caught.value)


def test_what_the_error_says_to_write_is_written() -> None:
    codec = MsgpackCodec(int | float)
    assert [repr(codec.decode(codec.encode(each))) for each in (3, 3.0)] == ["3", "3.0"]


def shows_nothing(error: BaseException) -> None:  # H36
    assert CANARY not in f"{error} {error!r} {error.args} {vars(error)}"
    assert error.__cause__ is error.__context__ is None


def private(value: int) -> Secretive:
    made = Secretive()
    made._private = value
    return made


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        *[(float, 1), (float, math.nan), (tuple[str, ...], [CANARY]), (dict[str, Any], {"a": ()})],
        *[(Model, Model(Name=CANARY, inner=Model.model_construct(name=7))), (Model, CANARY)],
        *[(Secretive, Secretive(hidden=CANARY)), (Secretive, private(5)), (bytes, b"\xff")],
        *[(list[Model], (Model(Name=CANARY),)), (pydantic.SecretStr, pydantic.SecretStr(CANARY))],
    ],
    ids=str,
)
def test_a_pydantic_codec_refuses_what_would_come_back_changed(hint: Any, value: Any) -> None:
    with pytest.raises(CodecError, match="does not come back as it is, at") as caught:
        PydanticCodec(hint).encode(value)
    shows_nothing(caught.value)


@pytest.mark.parametrize(
    "value",
    [(), {1: 2}, {1}, b"", math.inf, math.nan, Point(1), Level.LOW, object(), 10**5_000],
    ids=lambda value: type(value).__name__,
)
def test_json_refuses_what_json_would_change(value: Any) -> None:
    for held in (value, [value], {CANARY: value}):
        with pytest.raises(CodecError, match="JSON") as caught:
            JsonCodec().encode(held)
        shows_nothing(caught.value)


@pytest.mark.parametrize(
    "value", [lambda: CANARY, Plain(lambda: CANARY), open], ids=["lambda", "in a class", "open"]
)
def test_what_cannot_be_pickled_is_refused(value: Any) -> None:
    if value is open:  # a builtin function is named, and comes back
        assert SignedPickleCodec(KEYS).decode(SignedPickleCodec(KEYS).encode(value)) is open
        return
    with pytest.raises(CodecError, match="cannot be pickled and back") as caught:
        SignedPickleCodec(KEYS).encode(value)
    shows_nothing(caught.value)


@pytest.mark.parametrize(
    "codec",
    [MsgpackCodec(Any), PydanticCodec(Any), JsonCodec(), SignedPickleCodec(KEYS)],
    ids=lambda codec: type(codec).__name__,
)
def test_what_holds_itself_or_is_nested_too_deep_is_refused(codec: Any) -> None:
    itself: list[Any] = []
    itself.append(itself)
    deep: Any = CANARY
    for _ in range(100_000):
        deep = [deep]
    for value in (itself, deep):
        if value is itself and isinstance(codec, SignedPickleCodec):
            continue  # pickle can
        with pytest.raises(CodecError) as caught:
            codec.encode(value)
        shows_nothing(caught.value)


class Importing(pydantic.BaseModel):
    what: pydantic.ImportString[Any] | None = None


@pytest.mark.parametrize("hint", [pydantic.ImportString, list[Importing], Importing], ids=str)
def test_a_model_that_would_import_what_it_reads_is_refused(hint: Any) -> None:  # H04
    with pytest.raises(TypeError, match="an ImportString is imported when it is read"):
        PydanticCodec(hint)


LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
PLAIN = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(value=PLAIN)
def test_whatever_plain_value_is_written_comes_back_to_the_last_digit(value: Any) -> None:
    for codec in (MsgpackCodec(Any), PydanticCodec(Any), JsonCodec()):
        try:
            data = codec.encode(value)  # type: ignore[attr-defined]
        except CodecError:
            continue
        assert repr(codec.decode(data)) == repr(value)  # type: ignore[attr-defined]
