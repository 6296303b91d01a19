"""Two releases of different shapes live side by side (H39), and equal shapes share."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

from oob_heal import HealingCache
from oob_heal.codecs import JsonCodec, SignedPickleCodec
from oob_heal.codecs._shape import shape_of
from oob_heal.testing import ManualExecutor, SharedStore
from tests.children import run_python

HEAD = """
from __future__ import annotations
import dataclasses, enum, typing, collections.abc
from datetime import date
from typing import *
import msgspec, pydantic
T = TypeVar("T")
"""


def release(source: str) -> types.ModuleType:
    """A module of this source, as one release has it."""
    module = types.ModuleType("shop")
    sys.modules["shop"] = module  # where annotations are looked up
    exec(compile(HEAD + source, "shop.py", "exec", dont_inherit=True), vars(module))
    return module


def dataclass(fields: str, name: str = "A") -> str:
    return f"@dataclasses.dataclass\nclass {name}:\n " + fields.replace("; ", "\n ") + "\n"


RETURNS_A = "def f(n: int) -> A: ..."
NESTED = "\ndef f(n: int) -> dict[str, list[tuple[A, ...] | None]]: ..."

OTHERS: dict[str, tuple[str, str]] = {
    "another type": ("def f(n: int) -> int: ...", "def f(n: int) -> str: ..."),
    "a parameter renamed": ("def f(n: int) -> int: ...", "def f(m: int) -> int: ..."),
    "parameters reordered": ("def f(a=1, b=2) -> int: ...", "def f(b=1, a=2) -> int: ..."),
    "an item's type": ("def f(n) -> list[int]: ...", "def f(n) -> list[int | None]: ..."),
    "list or tuple": ("def f(n) -> list[int]: ...", "def f(n) -> tuple[int, ...]: ..."),
    "how many": ("def f(n) -> tuple[int, int]: ...", "def f(n) -> tuple[int, ...]: ..."),
    "a literal": ("def f(n) -> Literal['a']: ...", "def f(n) -> Literal['b']: ..."),
    "a field more": (dataclass("a: int") + NESTED, dataclass("a: int; b: int = 0") + NESTED),
    "a field renamed": (dataclass("a: int") + NESTED, dataclass("b: int") + NESTED),
    "a field's type": (dataclass("a: int") + NESTED, dataclass("a: float") + NESTED),
    "fields reordered": (
        dataclass("a: int; b: int") + NESTED,
        dataclass("b: int; a: int") + NESTED,
    ),
    "deep inside": (
        dataclass("x: int", "B") + dataclass("b: list[B]") + NESTED,
        dataclass("x: date", "B") + dataclass("b: list[B]") + NESTED,
    ),
    "in what names itself": (
        dataclass("x: int; kids: list[A]") + NESTED,
        dataclass("x: int; kids: list[A | None]") + NESTED,
    ),
    "an enum's value": (
        "class A(enum.Enum):\n X = 1\n" + RETURNS_A,
        "class A(enum.Enum):\n X = 2\n" + RETURNS_A,
    ),
    "a named tuple": (
        "class A(NamedTuple):\n a: int\n" + RETURNS_A,
        "class A(NamedTuple):\n a: int\n b: int = 0\n" + RETURNS_A,
    ),
    "a key that may be missing": (
        "class A(TypedDict):\n a: int\n" + RETURNS_A,
        "class A(TypedDict, total=False):\n a: int\n" + RETURNS_A,
    ),
    "a Struct's names on the wire": (
        "class A(msgspec.Struct):\n a_b: int\n" + RETURNS_A,
        "class A(msgspec.Struct, rename='camel'):\n a_b: int\n" + RETURNS_A,
    ),
    "a Struct's tag": (
        "class A(msgspec.Struct, tag='a'):\n a: int\n" + RETURNS_A,
        "class A(msgspec.Struct, tag='b'):\n a: int\n" + RETURNS_A,
    ),
    "a default that is left out": (
        "class A(msgspec.Struct, omit_defaults=True):\n a: int = 1\n" + RETURNS_A,
        "class A(msgspec.Struct, omit_defaults=True):\n a: int = 2\n" + RETURNS_A,
    ),
    "what a generic is of": (
        dataclass("a: T", "A(Generic[T])") + "def f(n) -> A[int]: ...",
        dataclass("a: T", "A(Generic[T])") + "def f(n) -> A[str]: ...",
    ),
}
SAME: dict[str, tuple[str, str]] = {
    "another body": ("def f(n: int) -> int: return n", "def f(n: int) -> int: return n + 1"),
    "spelled another way": ("def f(n) -> int | None: ...", "def f(n) -> Optional[int]: ..."),
    "a union reordered": ("def f(n) -> int | str: ...", "def f(n) -> str | int: ..."),
    "annotated": ("def f(n) -> int: ...", "def f(n) -> Annotated[int, 'a count']: ..."),
    "a type of another name": (
        "U = NewType('U', int)\ndef f(n) -> U: ...",
        "def f(n: str) -> int: ...",
    ),
    "a default, a method and a docstring": (
        dataclass("a: int") + RETURNS_A,
        dataclass("'''An A.'''; a: int = 7; def m(self): return self.a") + RETURNS_A,
    ),
    "moved to another module": (
        dataclass("a: int") + RETURNS_A,
        dataclass("a: int") + "A.__module__ = 'typing'\n" + RETURNS_A,
    ),
}


def on(store: SharedStore, source: str, **options: Any) -> Any:
    cache = HealingCache(
        ttl=60, backend=store.backend(), executor=ManualExecutor(), clock=store.clock
    )
    return cache(default="default", name="shop.f", **options)(release(source).f)


class ReadsAll:
    """A codec that reads whatever was written: what keeps two shapes apart is their scope."""

    fingerprint = "reads all"

    def encode(self, value: Any) -> bytes:
        return str(value).encode()

    def decode(self, data: bytes) -> Any:
        return data.decode()


@pytest.mark.parametrize("what", OTHERS)
def test_releases_of_different_shapes_live_side_by_side(what: str) -> None:
    store = SharedStore()
    old, new = (on(store, source, codec=ReadsAll()) for source in OTHERS[what])
    old.set("old", 1)
    assert (old(1), new(1)) == ("old", "default")
    new.set("new", 1)
    assert (old(1), new(1)) == ("old", "new")
    new.invalidate(1)
    assert (old(1), new(1)) == ("old", "default")
    old.cache_clear()
    new.set("new", 1)
    assert (old(1), new(1)) == ("default", "new")


@pytest.mark.parametrize("what", OTHERS)
def test_each_codec_of_a_type_tells_shapes_apart_by_itself(what: str) -> None:
    store = SharedStore()
    old, new = (on(store, source) for source in OTHERS[what])
    fingerprints = [each._oob_heal_core.shelf.codec.fingerprint for each in (old, new)]
    assert (fingerprints[0] != fingerprints[1]) is ("parameter" not in what)


@pytest.mark.parametrize("what", SAME)
def test_releases_of_one_shape_share_their_entries(what: str) -> None:
    store = SharedStore()
    old, new = (on(store, source, codec=ReadsAll()) for source in SAME[what])
    old.set("old", 1)
    assert new(1) == "old"
    assert on(store, SAME[what][0]).cache_key(1) == on(store, SAME[what][1]).cache_key(1)


def test_another_codec_reads_nothing_of_this_ones() -> None:
    store = SharedStore()
    source = "def f(n) -> list[int]: ..."
    codecs = [None, JsonCodec(), SignedPickleCodec([b"k" * 32])]
    functions = [on(store, source, codec=codec) for codec in codecs]
    for number, f in enumerate(functions):
        assert f(1) == "default"
        f.set([number], 1)
    assert [f(1) for f in functions] == [[0], [1], [2]]


ORDER = """
from tests.test_codecs_shapes import OTHERS, SAME, fingerprints
print(fingerprints())
"""


def fingerprints() -> list[str]:
    sources = [source for both in (OTHERS | SAME).values() for source in both]
    return [
        on(SharedStore(), source).cache_key(*"ab"[: source.count("b) ->") + 1]).scope.fingerprint
        for source in sources
    ]


def test_a_shape_is_the_same_in_processes_with_other_hash_seeds() -> None:
    here = str(fingerprints())
    assert {run_python(ORDER, PYTHONHASHSEED=seed).strip() for seed in ("1", "2")} == {here}


def test_shapes_are_told_in_words_so_that_a_change_of_them_is_seen() -> None:
    source = dataclass("x: int; kids: 'list[B]'", "B") + dataclass("b: B | None = None; c: Any = 1")
    article: Any = release(source).A
    told = shape_of(dict[str, article]).text
    assert told == "dict[str,@A]\nA: b (@B|NoneType); c any\nB: x int; kids list[@B]"
