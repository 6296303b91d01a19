"""What an entry may be: any value, never a default, never an exception, and who shares it."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from oob_heal import CacheMissError, Freshness, Outcome
from tests.conftest import Dependency, World


def decorated(world: World, dependency: Dependency, **options: Any) -> Any:
    def source(n: Any) -> Any:
        return dependency(n)

    return world.decorate(source, **{"ttl": 10, **options})


@pytest.mark.parametrize("value", [None, 0, 0.0, False, "", [], {}], ids=repr)
def test_a_value_that_is_falsy_is_a_value(
    world: World, dependency: Dependency, value: Any
) -> None:  # H32
    f = decorated(world, dependency, max_stale=5, default="default")
    dependency.value = value
    f.heal(1)
    assert world.executor.run_next() is Outcome.HEALED
    assert world.do(f.lookup(1)) == (value, Freshness.FRESH, 0, False)
    world.clock.advance(10)
    assert world.do(f.lookup(1)) == (value, Freshness.STALE, 10, False)
    world.do(f.set(value, 2))
    got = world.do(f(2))
    assert (got, type(got)) == (value, type(value))
    assert world.do(f.peek(2)).value == value
    assert world.do(f.heal_now(3)) == value
    assert f.cache_info().failed == 0


@pytest.mark.parametrize("error", [ValueError("no"), LookupError("no"), StopIteration("no")])
def test_an_exception_is_never_cached(
    world: World, dependency: Dependency, error: Exception
) -> None:  # H32
    f = decorated(world, dependency)
    dependency.error = error
    f.heal(1)
    assert world.executor.run_next() is Outcome.FAILED
    with pytest.raises(CacheMissError):
        world.do(f(1))
    assert world.do(f.peek(1)) is None
    assert world.backend.asked["commit"] == world.backend.asked["set"] == 0


def test_a_default_is_never_stored(world: World, dependency: Dependency) -> None:  # H08
    f = decorated(world, dependency, default="default")
    g = decorated(world, dependency, default_factory=lambda: "made", name="g")
    assert (world.do(f(1)), world.do(g(1))) == ("default", "made")
    assert (world.do(f.peek(1)), world.do(g.peek(1))) == (None, None)
    for _ in range(2):
        assert world.executor.fail_next(OSError("down")) is Outcome.FAILED
    assert (world.do(f.peek(1)), world.do(g.peek(1))) == (None, None)
    assert world.backend.asked["set"] == world.backend.asked["commit"] == 0


WRITES = ("set", "delete", "mark_stale", "clear", "commit")


def test_ten_thousand_reads_and_the_leases_that_they_lead_to_write_no_value(
    world: World, dependency: Dependency
) -> None:  # H08
    f = decorated(world, dependency, max_stale=5, default="default")
    dependency.error = OSError("down")
    for n, age in ((1, 0), (2, 5), (3, 5)):
        world.clock.advance(age)
        world.do(f.set("v", n))
    world.clock.advance(5)  # 3 is fresh, 2 is stale, 1 is expired, 4 is absent
    world.backend.asked.clear()

    async def read() -> None:
        for number in range(10_000):
            answer = f(number % 4 + 1)
            if inspect.iscoroutine(answer):
                await answer
            if number % 50 == 0:
                world.clock.advance(0.01)

    world.do(read())
    world.executor.run_all()
    asked = world.backend.asked
    assert asked["get"] >= 10_000
    assert asked["acquire"] >= 3
    assert {verb: asked[verb] for verb in WRITES} == dict.fromkeys(WRITES, 0)


def test_marking_stale_is_one_verb_and_not_a_read_and_a_write(
    world: World, dependency: Dependency
) -> None:  # H08
    f = decorated(world, dependency)
    world.do(f.set("v", 1))
    world.backend.asked.clear()
    world.do(f.mark_stale(1))
    assert dict(world.backend.asked) == {"mark_stale": 1}


def ways_to_a_value(world: World, f: Any) -> list[Callable[[], Any]]:
    return [
        lambda: world.do(f(1)),
        lambda: world.do(f.lookup(1)).value,
        lambda: world.do(f.peek(1)).value,
    ]


@pytest.mark.parametrize("stored_by", ["a heal", "set", "heal_now"])
def test_with_copy_no_one_can_change_what_another_reads(
    world: World, dependency: Dependency, stored_by: str
) -> None:  # H10
    f = decorated(world, dependency, copy=copy.deepcopy)
    dependency.value = mine = {"names": ["a"]}
    given = []
    if stored_by == "set":
        world.do(f.set(mine, 1))
    elif stored_by == "heal_now":
        given.append(world.do(f.heal_now(1)))
    else:
        f.heal(1)
        world.executor.run_all()
    mine["names"].append("changed by the dependency")
    for way in ways_to_a_value(world, f) * 2:
        for value in given:
            value["names"].append("changed by a caller")
            value["more"] = 1
        given.append(way())
        assert given[-1] == {"names": ["a"]}


def test_without_copy_memory_shares_the_value_as_lru_cache_does(
    world: World, dependency: Dependency
) -> None:  # H10: documented; a store of bytes makes each reader a value of its own
    f = decorated(world, dependency)
    mine = ["a"]
    world.do(f.set(mine, 1))
    values = [way() for way in ways_to_a_value(world, f)]
    shared = world.kind != "store"
    assert [value is mine for value in values] == [shared] * 3
    values[0].append("b")
    assert world.do(f(1)) == (["a", "b"] if shared else ["a"])


def test_a_default_is_shared_unless_it_is_copied_or_made(
    world: World, dependency: Dependency
) -> None:  # H10
    mine: list[str] = []
    shared = decorated(world, dependency, default=mine, name="shared")
    copied = decorated(world, dependency, default=mine, copy=copy.copy, name="copied")
    made = decorated(world, dependency, default_factory=list, name="made")
    assert world.do(shared(1)) is mine
    for f in (copied, made):
        world.do(f(1)).append("changed by a caller")
        assert world.do(f(1)) == []
    assert mine == []


def test_a_value_that_cannot_be_copied_is_a_miss_and_no_error(
    world: World, dependency: Dependency
) -> None:  # H10
    broken: list[bool] = []

    def copied(value: Any) -> Any:
        if broken:
            raise RuntimeError("cannot be copied")
        return value

    f = decorated(world, dependency, copy=copied, default_factory=lambda: "default")
    world.do(f.set("v", 1))
    broken.append(True)
    assert world.do(f(1)) == "default"
    assert world.do(f.peek(1)) is None


def test_calls_share_an_entry_only_if_their_arguments_are_equal_in_type_too(
    world: World, dependency: Dependency
) -> None:  # H01, in small
    f = decorated(world, dependency, default=None)
    values = [1, 1.0, True, "1", b"1", (1,), (True,), (1.0,), frozenset({1}), frozenset({True})]
    for n, value in enumerate(values):
        world.do(f.set(n, value))
    assert [world.do(f(value)) for value in values] == list(range(len(values)))
