"""Which calls share an entry: those that are equal in function, type and value, and no others.

H01 asks for 60 pairs and 20,000 generated ones: all pairs of ``tests.corpus.KEYABLE`` are 40,000,
and hypothesis makes some hundreds of calls more, in which equal ones are frequent.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import enum
import hashlib
import pickle
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oob_heal import HealingCache, Outcome, UnkeyableArgumentError
from oob_heal.testing import ManualExecutor, SharedStore
from tests.children import run_python
from tests.conftest import World
from tests.corpus import (
    KEYABLE,
    NOON,
    UTC,
    Bits,
    Colour,
    Invoice,
    Level,
    Order,
    Point,
    Rights,
    Shade,
    Size,
)

Classes = Bits | Colour | Invoice | Level | Order | Point | Rights | Shade | Size


def keyed(n: Classes) -> list[Any]:
    return [n]


def any_shape(a: Any, /, b: Any = 1, *args: Any, c: Any = None, **kwargs: Any) -> str:
    return "v"


memory = HealingCache(ttl=60, executor=ManualExecutor())
store = HealingCache(ttl=60, executor=ManualExecutor(), backend=SharedStore().backend())
IN_MEMORY, IN_BYTES = memory()(keyed), store()(keyed)
SHAPE_IN_MEMORY, SHAPE_IN_BYTES = memory()(any_shape), store()(any_shape)


def test_no_two_of_40_000_pairs_of_arguments_share_a_key() -> None:  # H01
    assert len(list(combinations(KEYABLE, 2))) > 40_000
    for f in (IN_MEMORY, IN_BYTES):
        first: dict[Any, Any] = {}
        for value in KEYABLE:
            other = first.setdefault(f.cache_key(value), value)
            assert other is value, f"{value!r} and {other!r} share a key"


def test_arguments_equal_in_type_and_value_share_a_key() -> None:  # H01
    for f in (IN_MEMORY, IN_BYTES):
        for value in KEYABLE:
            equal = pickle.loads(pickle.dumps(value))
            assert f.cache_key(equal) == f.cache_key(value)
            assert hash(f.cache_key(equal)) == hash(f.cache_key(value))


def test_f_of_1_is_f_of_a_1_is_f_of_nothing_with_default_1(world: World) -> None:  # H01
    def source(a: Any = 1, b: Any = 2) -> str:
        return "v"

    f = world.decorate(source, default="default")
    world.do(f.set("s"))
    for args, kwargs in [((1,), {}), ((), {"a": 1}), ((1, 2), {}), ((), {"b": 2, "a": 1})]:
        assert world.do(f(*args, **kwargs)) == "s"
    for other in (1.0, True, "1", b"1", (1,), None, 2):
        assert world.do(f(other)) == "default"
        assert world.do(f((1, (other,)))) == "default"
    world.do(f.set("nested", (1, (1,))))
    assert world.do(f((1, (1.0,)))) == "default"
    assert world.do(f(b=2, a=(1, (1,)))) == "nested"


def test_keyword_order_does_not_count_and_names_do(world: World) -> None:  # H01
    f = world.decorate(any_shape, default="default")
    world.do(f.set("s", 0, x=1, y=2))
    assert world.do(f(0, y=2, x=1)) == "s"
    assert world.do(f(0, y=2, b=1, x=1, c=None)) == "s"
    for kwargs in ({"x": 2, "y": 1}, {"x": 1}, {"x": 1, "y": 2.0}, {"xy": 12}, {"x": 1, "z": 2}):
        assert world.do(f(0, **kwargs)) == "default"


class Open(enum.Enum):
    """Unknown values become members that the class does not list."""

    KNOWN = 1

    @classmethod
    def _missing_(cls, value: object) -> Open:
        made = object.__new__(cls)
        made._name_, made._value_ = "KNOWN" if value == 1.5 else "UNKNOWN", value
        return made


def test_a_member_that_its_enum_does_not_list_shares_no_key(world: World) -> None:  # H01
    def source(n: Open) -> str:
        return n.name

    f = world.decorate(source, default="default")
    world.do(f.set("known", Open.KNOWN))
    for value in (1.5, 7, 8):
        with pytest.raises(UnkeyableArgumentError, match="none of its members"):
            world.do(f(Open(value)))
        with pytest.raises(UnkeyableArgumentError, match="none of its members"):
            world.do(f.set("mine", Open(value)))
    assert world.do(f(Open(1))) == "known"


def test_positions_and_stars_are_told_apart() -> None:  # H01
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((0,), {}),
        ((0, 2), {}),
        ((0, 1, 2), {}),
        ((0, 1, 2, 3), {}),
        ((0, 1, (2, 3)), {}),
        ((0, (1, 2), 3), {}),
        ((0,), {"c": 2}),
        ((0,), {"a": 2}),  # not the positional-only one
        ((0,), {"args": (2,)}),
        ((0,), {"kwargs": 2}),
        ((0, 1, ("x", 2)), {}),
        ((0,), {"x": 2}),
        (("0",), {}),
    ]
    for f in (SHAPE_IN_MEMORY, SHAPE_IN_BYTES):
        assert len({f.cache_key(*args, **kwargs) for args, kwargs in calls}) == len(calls)
        assert f.cache_key(0, b=1) == f.cache_key(0, 1) == f.cache_key(0)


def test_ignored_parameters_do_not_count_and_reach_the_function(world: World) -> None:
    def source(n: int, session: Any = None, *rest: Any, **more: Any) -> Any:
        return [n, session]

    f = world.decorate(source, ignore=("session", "rest", "more"), default=None)
    world.do(f(1, "tenant", object(), more=[]))
    world.executor.run_all()
    assert world.do(f(1)) == world.do(f(1, object(), 3, x=4)) == [1, "tenant"]
    assert world.do(f(2)) is None


def test_a_key_function_says_all_that_counts(world: World) -> None:
    def source(n: Any, unit: str = "m") -> str:
        return "v"

    f = world.decorate(source, key=lambda n, unit="m": n[unit], default="default")
    world.do(f.set("s", {"m": 1}))
    assert world.do(f({"m": 1, "x": []}, unit="m")) == "s"
    for other in (1.0, True, "1", (1,)):
        assert world.do(f({"m": other})) == "default"


def test_functions_namespaces_and_versions_do_not_share(world: World) -> None:  # H01
    def source(n: int) -> str:
        return "v"

    def other(n: int) -> str:
        return "v"

    identities = [{}, {"version": 1}, {"namespace": "test2"}, {"name": "b"}, {"name": "test:b"}]
    identities += [{"namespace": "", "name": "test:b"}, {"namespace": "b", "name": "b"}]
    kept = [world.decorate(source, **{"name": "a", **identity}) for identity in identities]
    kept.append(world.decorate(other))
    for place, f in enumerate(kept):
        world.do(f.set(place, 1))
    assert [world.do(f(1)) for f in kept] == list(range(len(kept)))


small = st.sampled_from([None, False, True, 0, 1, 1.0, -0.0, 0.0, "", "1", "a", b"", b"1"])
times = st.sampled_from([NOON, NOON.replace(tzinfo=UTC), NOON.date(), NOON.time(), dt.timedelta(1)])
most = st.one_of(st.integers(), st.floats(allow_nan=False), st.text(), st.binary(), st.uuids())
numbers = st.decimals(allow_nan=False) | st.just(Decimal("1.0"))
atoms = small | times | most | numbers | st.sampled_from([Colour.RED, Shade.RED, Level.ONE])
atoms |= st.text(st.characters(categories=["Cs", "Lu"]), max_size=3)  # surrogates, alone or not
values = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(tuple),
        st.frozensets(inner, max_size=3),
        st.builds(Point, inner, small),
        st.builds(Order, inner, small),
    ),
    max_leaves=6,
)
calls = st.tuples(
    st.lists(values, min_size=1, max_size=3),
    st.dictionaries(st.sampled_from(["c", "x", "y"]), small, max_size=2),
)


@settings(max_examples=400, deadline=None)
@given(calls, calls)
def test_keys_in_memory_and_in_bytes_agree_on_every_call(first: Any, second: Any) -> None:  # H01
    """Half of the pairs are made alike, but for how the second call is spelled."""
    (args, kwargs), (others, more) = first, second
    spelled = (args[:1], {"b": args[1], **kwargs}) if len(args) == 2 else (args, kwargs)
    for again, rest in ((others, more), spelled):
        same = [
            f.cache_key(*args, **kwargs) == f.cache_key(*again, **rest)
            for f in (SHAPE_IN_MEMORY, SHAPE_IN_BYTES)
        ]
        assert same[0] is same[1]
    assert same == [True, True]


def test_arguments_come_back_from_an_event_as_they_were() -> None:
    shared = SharedStore()
    here, there = World("store", "sync", shared), World("store", "sync", shared)
    f = here.decorate(keyed, name="f", default=None)
    arrived: list[Any] = []

    def worker_side(n: Classes) -> list[Any]:
        arrived.append(n)
        return ["v"]

    there.decorate(worker_side, name="f")
    sent: list[bytes] = []

    async def send_all() -> None:
        for heal in here.executor.pending:
            await heal.hand_on(sent.append)

    for value in KEYABLE:
        assert f(value) is None
    asyncio.run(send_all())
    assert [there.cache.heal_message(each) for each in sent] == [Outcome.HEALED] * len(KEYABLE)
    assert [f(value) for value in KEYABLE] == [["v"]] * len(KEYABLE)
    for came, went in zip(arrived, KEYABLE, strict=True):
        assert type(came) is type(went)
        assert IN_MEMORY.cache_key(came) == IN_MEMORY.cache_key(went)


TEXTS = """
import hashlib
from tests.test_keys import texts
print(hashlib.sha256("\\n".join(texts()).encode("ascii")).hexdigest())
"""


def texts() -> list[str]:
    """The key of every argument, as a store has it."""
    shared = SharedStore()
    cache = HealingCache(ttl=60, backend=shared.backend(), namespace="shop")
    f = cache(name="price: " + "ä" * 5_000)(any_shape)
    for value in KEYABLE:
        f.set("v", value, x=value, y=frozenset(["a", "b", value]))
    return list(shared.data)


def test_keys_are_the_same_in_processes_with_other_hash_seeds() -> None:  # H01
    here = hashlib.sha256("\n".join(texts()).encode("ascii")).hexdigest()
    assert {run_python(TEXTS, PYTHONHASHSEED=seed).strip() for seed in ("1", "2")} == {here}


def test_a_key_in_a_store_is_short_ascii_without_the_users_text() -> None:  # H34, H35
    found = texts()
    assert len(set(found)) == len(KEYABLE)
    assert all(each.isascii() and len(each) <= 200 for each in found)
    assert not any(word in each for each in found for word in ("price", "shop", "RED", "a:b"))
