"""A hit is code made for the function's signature, over the backend's own table: what it may say.

The worlds run the suite over such a table as well (``table``); here stands what is its own.
"""

from __future__ import annotations

import asyncio
import enum
import gc
import inspect
import linecache
import math
import pickle
import sys
import traceback
from collections.abc import Iterable
from typing import Any

import pytest

from oob_heal import CacheMissError, Freshness, HealingCache, UnkeyableArgumentError, _hot
from oob_heal._decide import fresh_until
from oob_heal.backends._leaf import HUSHED, MISSING, UNSEEN
from oob_heal.backends.memory import MemoryBackend
from oob_heal.testing import FlakyBackend, ManualClock, ManualExecutor
from tests.conftest import Dependency, World
from tests.corpus import KEYABLE

TICK = 2.0**-10  # s: exact in a float


def same(n: int) -> int:
    """The same function to two caches."""
    return n


@pytest.fixture(params=["sync", "async"])
def table(request: pytest.FixtureRequest) -> World:
    return World("table", request.param)


def answers(f: Any) -> list[tuple[Any, Any, Any]]:
    """What lies in the function's table, whatever the types."""
    found, left = [], [f._oob_heal_core.front.tables]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            left += each.values()
        else:
            found.append(each)
    return found


def test_every_keyable_argument_is_served_its_own_value_and_no_other(table: World) -> None:  # H01
    def source(n: Any) -> Any:
        return None

    f = table.decorate(source, default="default", maxsize=None)
    for number, value in enumerate(KEYABLE):
        table.do(f.set(number, value))
    for _ in range(2):  # as it was put, and as it lies once it was read
        for number, value in enumerate(KEYABLE):
            assert table.do(f(pickle.loads(pickle.dumps(value)))) == number, repr(value)
    assert f.cache_info().hits == 2 * len(KEYABLE)


def test_equal_arguments_of_other_types_are_other_calls_whoever_came_first(
    table: World,
) -> None:  # H01
    def source(a: Any, b: Any) -> Any:
        return None

    ones: list[Any] = [1, 1.0, True]
    for first in ones:
        f = table.decorate(source, default="default", name=f"source{type(first).__name__}")
        for other in ones:
            table.do(f.set(f"{first!r} {other!r}", first, other))
            for each in ones:
                told = table.do(f(first, each))
                assert told in ("default", f"{first!r} {each!r}")
        for each in ones:
            assert table.do(f(first, each)) == f"{first!r} {each!r}"
            if type(each) is not type(first):
                assert table.do(f(each, first)) == "default"


def test_tuples_of_equal_members_of_other_types_are_other_calls(table: World) -> None:  # H01
    def alone(a: Any) -> Any:
        return None

    def beside(a: Any, b: Any) -> Any:
        return None

    pairs: list[Any] = [(1, "x"), (1.0, "x"), (True, "x"), (1, "x", None), ((1,), "x"), ()]
    one, two = (table.decorate(each, default="default") for each in (alone, beside))
    for n, each in enumerate(pairs):
        for m, other in enumerate([*pairs, 1, True]):
            table.do(two.set((n, m), each, other))
            table.do(two.set((m, n), other, each))
        assert table.do(one(each)) == "default"
        table.do(one.set(n, each))
    for _ in range(2):  # as they were put, and as they lie once they were read
        for n, each in enumerate(pairs):
            assert table.do(one(each)) == n
            for m, other in enumerate([*pairs, 1, True]):
                assert table.do(two(each, other)) == (n, m)
                assert table.do(two(other, each)) == (m, n)


def test_a_tuple_that_holds_what_is_not_listed_is_asked_nothing_on_the_way_to_a_hit(
    table: World,
) -> None:  # H34
    class Hostile:
        def __hash__(self) -> int:
            raise AssertionError("asked for its hash")

    def source(a: Any) -> Any:
        return None

    f = table.decorate(source, default="default")
    table.do(f.set("v", (1, "x")))
    table.do(f((1, "x")))
    with pytest.raises(UnkeyableArgumentError):
        table.do(f((1, Hostile())))


def test_a_hit_on_a_tuple_of_atoms_runs_a_look_at_its_types_and_the_clock(
    table: World,
) -> None:
    def source(a: Any) -> Any:
        return None

    f = table.decorate(source, default="default")
    table.do(f.set("v", (1, "x")))
    table.do(f((1, "x")))
    called: list[str] = []

    def note(frame: Any, event: str, _: Any) -> None:
        if event == "call" and "oob_heal" in frame.f_code.co_filename:
            called.append(frame.f_code.co_name)

    async def asked() -> None:
        answer = f((1, "x"))
        assert (await answer if inspect.isawaitable(answer) else answer) == "v"

    gc.disable()  # its callback is a call, too
    sys.setprofile(note)
    try:
        asyncio.run(asked())
    finally:
        sys.setprofile(None)
        gc.enable()
    assert [each for each in called if each != "asked"] == ["source", "__getitem__", "__call__"]


def test_with_nothing_read_the_oldest_goes_first() -> None:
    cache = HealingCache(ttl=60, executor=ManualExecutor())
    f = cache(maxsize=1_000, default=None)(same)
    for n in range(2_600):
        f.set(n, n)
    assert [n for n in range(2_600) if f.peek(n)] == list(range(1_600, 2_600))
    for n in range(1_600, 1_700):
        f.invalidate(n)  # they leave no place in the line behind
    for n in range(100):
        f.set(n, n)
    assert f.cache_info().currsize == 1_000
    f.set(100, 100)
    assert f.peek(1_700) is None
    assert f.peek(1_701) is not None


def test_a_full_table_is_nothing_to_the_garbage_collector() -> None:
    f: Any = HealingCache(ttl=60, executor=ManualExecutor())(default=None)(same)
    for n in range(10_000):
        f.set(n, n)
        f(n)
    gc.collect()
    leaf = f._oob_heal_core.front._table.find(f.cache_key(1).token)[0]
    left, seen, looked_at = [leaf], {id(leaf)}, 0
    while left:
        each = left.pop()
        if gc.is_tracked(each) and not isinstance(each, type):
            held = [one for one in gc.get_referents(each) if id(one) not in seen]
            looked_at += len(held)
            seen.update(map(id, held))
            left += held
    assert looked_at < 1_000, "for 10,000 entries"


class Alike(enum.Enum):
    """Its members say that they are one another, and anything else."""

    LEFT = 1
    RIGHT = 2

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1


def test_members_that_say_they_are_equal_are_two_arguments(table: World) -> None:  # H01
    def source(n: Any) -> Any:
        return None

    f = table.decorate(source, default="default")
    for member in (Alike.LEFT, Alike.RIGHT):
        table.do(f.set(member.name, member))
    for _ in range(2):
        assert [table.do(f(each)) for each in (Alike.LEFT, Alike.RIGHT)] == ["LEFT", "RIGHT"]


# The one comparison that a hit makes is _decide's.
@pytest.mark.parametrize("ttl", [60, math.inf])
@pytest.mark.parametrize("jitter", [0, 0.25, 1])
@pytest.mark.parametrize("max_stale", [0, 30])
def test_until_when_a_hit_is_fresh_is_what_the_rules_say(
    table: World, ttl: float, jitter: float, max_stale: float
) -> None:
    def source(n: int) -> str:
        return "v"

    f = table.decorate(source, ttl=ttl, jitter=jitter, max_stale=max_stale, default="default")
    core = f._oob_heal_core
    for n in range(50):
        table.clock.advance(0.37)
        table.do(f.set("v", n))
        table.do(f(n))
        entry = table.backend.get(f.cache_key(n))
        (until,) = (each[1] for each in answers(f) if each[2].real == entry.dated)
        assert until == fresh_until(entry, core.policy)
        if until < math.inf:
            table.clock.advance(math.nextafter(until, 0) - table.clock())
            assert table.do(f.lookup(n)).freshness is Freshness.FRESH
            assert (table.do(f(n)), f.cache_info().misses) == ("v", n)
            table.clock.advance(until - table.clock())
            table.do(f(n))
            assert f.cache_info().misses == n + 1


def test_a_stale_and_an_absent_key_are_quiet_while_a_heal_is_under_way(
    table: World, dependency: Dependency
) -> None:
    def source(n: int) -> Any:
        return dependency(n)

    f = table.decorate(source, default="default", ttl=10)
    table.do(f.set("old", 1))
    table.clock.advance(10)
    for _ in range(4):
        assert (table.do(f(1)), table.do(f(2))) == ("old", "default")
    assert {each[1] for each in answers(f) if each[1] is HUSHED or each[1] is MISSING}
    assert (f.cache_info().stale, f.cache_info().absent, f.cache_info().healing) == (4, 4, 2)
    assert len(table.executor.pending) == 2
    table.executor.run_all()
    assert (table.do(f(1)), table.do(f(2))) == ("v", "v")


@pytest.mark.parametrize("end", ["failed", "dropped", "lost", "skipped", "refused"])
def test_no_key_is_quiet_without_a_mark(
    table: World, dependency: Dependency, end: str
) -> None:  # H13
    table.cache._parts.random = lambda: 0.5

    def source(n: int) -> Any:
        return dependency(n)

    f = table.decorate(source, default="default", ttl=10, heal_timeout=5)
    table.do(f.set("old", 1))
    table.clock.advance(10)
    for n in (1, 1, 1, 2, 2, 2):
        table.do(f(n))
    if end == "failed":
        table.executor.fail_next(OSError())
        table.executor.fail_next(OSError())
        table.clock.advance(0.5)
    elif end == "dropped":
        for heal in table.executor.pending:
            heal.cut_off()
    elif end == "lost":
        table.clock.advance(36)
    elif end == "skipped":
        table.do(f.set("new", 1))
        table.do(f.set("new", 2))
        table.clock.advance(10)
    else:
        for n in (1, 2):
            steps = table.executor.step_next()
            steps.next(), steps.next()
            table.do(f.mark_stale(n))
            steps.run()
    before = len(table.executor.pending)
    table.do(f(1)), table.do(f(2))
    assert len(table.executor.pending) == before + 2


def test_a_quiet_stale_value_is_not_served_beyond_its_limit(table: World) -> None:  # H09
    def source(n: int) -> str:
        return "v"

    f = table.decorate(source, default="default", ttl=10, max_stale=5)
    table.do(f.set("old", 1))
    table.clock.advance(10)
    assert [table.do(f(1)) for _ in range(3)] == ["old"] * 3
    table.clock.advance(5 - TICK)
    assert table.do(f(1)) == "old"
    table.clock.advance(TICK)
    assert [table.do(f(1)) for _ in range(3)] == ["default"] * 3


def test_a_quiet_absent_key_serves_no_default_inside_a_heal(table: World) -> None:  # H08
    def inner(n: int) -> str:
        return "v"

    def outer(n: int) -> Any:
        return table.do(f(n)) if table.colour == "sync" else None

    f = table.decorate(inner, default="default")
    g = table.decorate(outer, default="outer default")
    assert [table.do(f(1)) for _ in range(3)] == ["default"] * 3
    assert table.do(g(1)) == "outer default"
    if table.colour == "sync":
        steps = table.executor._waiting.pop()
        assert steps().value == "failed"
        assert table.cache.failing()[0].error == CacheMissError.__name__


def test_no_read_waits_for_who_writes_to_its_table(table: World) -> None:  # H12
    def source(n: int) -> str:
        return "v"

    f = table.decorate(source, default="default", ttl=10)
    table.do(f.set("old", 1))
    table.clock.advance(10)
    table.do(f(1)), table.do(f(2))
    table.do(f.set("new", 3))
    with table.backend.lock:
        assert [table.do(f(n)) for n in (1, 2, 3, 1, 2, 3)] == ["old", "default", "new"] * 2
    assert f.cache_info().hits == f.cache_info().misses - 4 == 2


# Who reads then may be a signal handler in the thread that writes: it would ask for ever.
def test_at_no_step_of_a_write_a_quiet_answer_lacks_its_facts() -> None:  # H12, H27
    clock = ManualClock()
    cache = HealingCache(clock=clock, executor=ManualExecutor(), ttl=1, jitter=0)
    f = cache(default=0)(same)
    f.set(1, 1)
    clock.advance(2)
    f(1), f(1), f(1)
    leaf, _ = f._oob_heal_core.front._table.find(f.cache_key(1).token)  # type: ignore[attr-defined]
    assert leaf.answers[1][1] is HUSHED
    lacking = []

    class Watched(dict[Any, Any]):
        def pop(self, index: Any, *default: Any) -> Any:
            lacking.append(leaf.answers.get(index, (0, 0))[1] is HUSHED)
            return super().pop(index, *default)

    leaf.hushed = Watched(leaf.hushed)
    f.set(2, 1)
    assert (lacking, f(1)) == ([False], 2)


def test_what_was_read_outlives_what_was_not(table: World) -> None:
    cache = HealingCache(executor=table.executor, clock=table.clock)

    @cache(ttl=60, default=None, maxsize=10)
    def f(n: int) -> int:
        return n

    for n in range(10):
        f.set(n, n)
    for _ in range(3):
        for n in range(10, 40):
            assert [f(each) for each in range(5)] == list(range(5))
            f.set(n, n)
    assert f.cache_info().currsize == 10
    assert f.cache_info().hits == 3 * 30 * 5


def test_one_write_evicts_one_entry_and_looks_at_few(table: World) -> None:
    cache = HealingCache(executor=table.executor, clock=table.clock)

    @cache(ttl=60, default=None, maxsize=1_000)
    def f(n: int) -> int:
        return n

    for n in range(1_000):
        f.set(n, n)
        f(n)
    assert all(each[1] is not UNSEEN for each in answers(f))
    f.set(0, 1_000)
    assert f.cache_info().currsize == 1_000
    assert sum(each[1] is UNSEEN for each in answers(f)) <= 17


def test_hits_are_counted_for_entries_that_are_gone(table: World) -> None:
    def source(n: int) -> str:
        return "v"

    f = table.decorate(source, default="default")
    table.do(f.set("v", 1))
    for _ in range(7):
        table.do(f(1))
    table.do(f.invalidate(1))
    table.do(f.set("v", 2))
    table.do(f(2))
    assert f.cache_info().hits == 8


def test_the_code_of_a_call_can_be_read_and_is_in_tracebacks() -> None:
    cache = HealingCache(ttl=60, executor=ManualExecutor())

    @cache()
    def price(article: str, unit: str = "kg", *, value: int = 3) -> int:
        return 7

    shown = inspect.getsource(price.__code__)
    assert "def price(article, unit=default_1, *, value=default_2):" in shown
    assert "tables[type(article)][type(unit)][type(value)][article, unit, value]" in shown
    with pytest.raises(CacheMissError) as caught:
        price("tea")
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert any("return miss(" in (each.line or "") for each in frames)


def decorate_and_forget(names: Iterable[str]) -> None:
    cache = HealingCache(ttl=60, executor=ManualExecutor())
    for name in names:

        @cache(default=None, name=name)
        def source(n: int) -> int:
            return n

        source.set(1, 1)
        source(1)
        del source
        gc.collect()


def test_the_lines_of_a_function_that_is_gone_are_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # H37
    decorate_and_forget(["gone"] * 10)
    there = [each for each in linecache.cache if "_heal gone " in each]
    assert len(there) <= 4  # the next has the place of the one before
    assert sum(bool(linecache.getlines(each)) for each in there) <= 2
    monkeypatch.setattr(_hot, "RETIRED_AT_MOST", len(_hot._retired) + 5)
    decorate_and_forget(f"departed{n}" for n in range(20))
    assert sum("departed" in each for each in linecache.cache) <= 30  # of 60


def test_whoever_walks_through_the_lines_while_a_function_goes_finds_each_place() -> None:
    cache = HealingCache(ttl=60, executor=ManualExecutor())

    @cache(default=None, name="leaving")
    def source(n: int) -> int:
        return n

    source(1)
    seen = list(linecache.cache)  # as ``linecache.checkcache`` does for a traceback
    del source
    gc.collect()
    assert [each for each in seen if each not in linecache.cache] == []


def test_any_names_of_parameters_will_do() -> None:
    cache = HealingCache(ttl=60, executor=ManualExecutor())

    def hits(  # type: ignore[no-untyped-def]
        value, until, /, facts=1, tables=2, *, clock=3, type=4, now=5,  # noqa: A002
        Exception=6, miss=7, HUSHED=8, default_2=9,  # noqa: A002, N803
    ):  # fmt: skip
        ...

    f = cache(default="default")(hits)
    f.set("v", 1, 2, now=50)
    assert (f(1, 2, now=50), f(1, 2, 1, 2, now=50, miss=7)) == ("v", "v")
    assert (f(1, 2), f(1, 2, now=50, type=5)) == ("default", "default")
    assert f.cache_info().hits == 2


@pytest.mark.parametrize("name", ["import", "None", "__debug__", "<lambda>", "make", "a b"])
def test_any_name_of_a_function_will_do(name: str) -> None:
    def fn(n: int) -> int:
        return n

    fn.__name__ = fn.__qualname__ = name
    f = HealingCache(ttl=60, executor=ManualExecutor())(default=0)(fn)
    f.set(2, 1)
    assert (f(1), f(2), f.__name__, f.cache_info().hits) == (2, 0, name, 1)


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "\ud800", "x" * 5_000])
def test_any_name_in_the_cache_will_do(name: str) -> None:
    f = HealingCache(ttl=60, executor=ManualExecutor())(default=0, name=name)(same)
    f.set(2, 1)
    assert (f(1), f.cache_info().hits) == (2, 1)


def test_a_wrong_call_is_the_functions_own_type_error(table: World) -> None:
    def source(n: int, *, m: int = 1) -> str:
        return "v"

    f = table.decorate(source)
    for args, kwargs in [((), {}), ((1, 2), {}), ((1,), {"x": 1})]:
        with pytest.raises(TypeError, match=r"source\(\)"):
            table.do(f(*args, **kwargs))


def test_a_swapped_clock_backend_or_observer_is_the_hits_too(table: World) -> None:
    def source(n: int) -> str:
        return "v"

    f = table.decorate(source, default="default", ttl=10)
    table.do(f.set("mine", 1))
    assert table.do(f(1)) == table.do(f(1)) == "mine"
    clock, heard = ManualClock(5.0), []
    with table.cache.override(backend=MemoryBackend(clock=clock), clock=clock):
        assert table.do(f(1)) == "default"
        table.do(f.set("theirs", 1))
        assert table.do(f(1)) == table.do(f(1)) == "theirs"
        clock.advance(10)
        assert table.do(f.lookup(1)).freshness is Freshness.STALE
    with table.cache.override(backend=FlakyBackend(MemoryBackend(clock=table.clock))) as cache:
        assert table.do(f(1)) == "default"
        with cache.override(observers=[heard.append]):
            table.do(f(1))
    assert table.do(f(1)) == table.do(f(1)) == "mine"
    table.clock.advance(10)
    assert table.do(f.lookup(1)).freshness is Freshness.STALE


def test_functions_that_disagree_on_freshness_do_not_share_a_table() -> None:
    clock = ManualClock()
    backend = MemoryBackend(clock=clock)
    short, long = (
        HealingCache(backend=backend, clock=clock, executor=ManualExecutor())(
            ttl=ttl, jitter=0, default="default"
        )
        for ttl in (1, 100)
    )
    f, g = short(same), long(same)
    f.set("v", 1)
    assert [f(1), g(1), f(1), g(1)] == ["v"] * 4
    clock.advance(50)
    assert (f.lookup(1).freshness, g.lookup(1).freshness) == (Freshness.STALE, Freshness.FRESH)
    assert (f(1), g(1)) == ("v", "v")
    assert (f.cache_info().stale, g.cache_info().hits) == (2, 4)


def test_an_async_hit_is_one_coroutine() -> None:
    cache = HealingCache(ttl=60, executor=ManualExecutor())

    @cache()
    async def f(n: int) -> int:
        return n

    asyncio.run(f.set(7, 1))
    asyncio.run(f(1))
    call = f(1)
    with pytest.raises(StopIteration) as done:
        call.send(None)
    assert done.value.value == 7
