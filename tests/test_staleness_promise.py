"""``promise=``: what share of the answers is younger than what, and whether that is kept."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from typing import Any

import pytest

from oob_heal import CacheMissError, HealingCache, Health, Promise
from oob_heal._promise import SLOTS, Kept
from tests.conftest import Dependency, World
from tests.test_figures import calling

FIVE_MINUTES = Promise(share=0.9, younger_than=300, window=600)


def asked(world: World, f: Any, times: int, every: float = 10, heal: bool = True) -> None:
    """Ask every few seconds."""
    for _ in range(times):
        world.clock.advance(every)
        try:
            world.do(f(1))
        except CacheMissError:
            pass
        if heal:
            world.executor.run_all()


def promising(world: World, dependency: Any, **options: Any) -> Any:
    return world.decorate(
        calling(dependency), **{"name": "f", "ttl": 60, "promise": FIVE_MINUTES, **options}
    )


def test_a_promise_is_kept_until_too_many_answers_are_too_old(
    world: World, dependency: Dependency
) -> None:
    f = promising(world, dependency)
    world.do(f.heal_now(1))
    asked(world, f, 60)
    kept = f.cache_info().promise
    assert (kept.is_kept, kept.share, kept.answers) == (True, 1.0, 60)
    assert world.cache.health() == Health(ok=True)
    dependency.error = ConnectionError("hunter2")
    asked(world, f, 35)  # the last value is from a minute ago at most
    assert world.cache.health().ok
    asked(world, f, 60)
    kept = f.cache_info().promise
    assert not kept.is_kept
    assert kept.older == kept.answers - kept.young == 60
    assert 600 <= kept.over <= 600 + 600 / SLOTS


def test_it_is_kept_again_once_the_bad_answers_are_a_window_ago(
    world: World, dependency: Dependency
) -> None:
    f = promising(world, dependency)
    world.do(f.heal_now(1))
    dependency.error = ConnectionError()
    asked(world, f, 100)
    assert not world.cache.health().ok
    dependency.error = None
    asked(world, f, 50)
    assert not world.cache.health().ok, "a window has not passed"
    asked(world, f, 15)
    assert world.cache.health().ok


def test_a_default_and_an_error_do_not_keep_it(world: World, dependency: Dependency) -> None:
    mild = promising(world, dependency, name="mild", default="d")
    hard = promising(world, dependency, name="hard")
    dependency.error = ConnectionError()
    for f in (mild, hard):
        asked(world, f, 3)
        kept = f.cache_info().promise
        assert (kept.is_kept, kept.share, kept.older) == (False, 0.0, 0)
    assert mild.cache_info().promise.defaults == hard.cache_info().promise.errors == 3


def test_no_answer_breaks_no_promise(world: World, dependency: Dependency) -> None:
    kept = promising(world, dependency).cache_info().promise
    assert (kept.is_kept, kept.share) == (True, None)
    assert world.decorate(calling(dependency), name="other").cache_info().promise is None


def test_the_edge_is_exact(world: World, dependency: Dependency) -> None:
    f = promising(world, dependency, promise=Promise(younger_than=123.4, share=1, window=600))
    world.do(f.set("v", 1))
    world.clock.advance(123.25)
    world.do(f(1))
    assert f.cache_info().promise.is_kept
    world.clock.advance(0.25)
    world.do(f(1))
    assert not f.cache_info().promise.is_kept


def test_an_old_outage_is_not_held_against_it_though_nobody_looked_meanwhile(
    world: World, dependency: Dependency
) -> None:
    """The heals take the samples: here nobody asks how it goes until the end."""
    f = promising(world, dependency)
    dependency.error = ConnectionError()
    asked(world, f, 200)
    dependency.error = None
    asked(world, f, 80)
    kept = f.cache_info().promise
    assert kept.is_kept
    assert kept.over < 600 + 60 + 600 / SLOTS


def test_a_backend_that_is_away_takes_samples_too(world: World, dependency: Dependency) -> None:
    f = promising(world, dependency, default=None)
    world.backend.fail("get")
    asked(world, f, 200)
    assert f.cache_info().promise.over < 620
    assert "the backend failed a moment ago" in world.cache.health().not_kept[0].because


def test_the_samples_of_a_window_are_bounded_and_reach_back_all_of_it(
    world: World, dependency: Dependency
) -> None:
    f = promising(world, dependency, promise=Promise(younger_than=60, window=10))
    for _ in range(1_000):
        world.clock.advance(0.01)
        over = f.cache_info().promise.over
    assert 9.9 <= over <= 10.2
    assert len(f._oob_heal_core.window._samples) <= SLOTS + 2


def test_failing_and_health_say_what_is_not_kept_and_why(
    world: World, dependency: Dependency
) -> None:
    f = promising(world, dependency)
    world.do(f.set("v", 1))
    world.clock.advance(400)
    dependency.error = ConnectionError("hunter2")
    asked(world, f, 2)
    told, key = world.cache.failing()
    assert (told.key, told.error) == (None, "PromiseNotKept")
    assert repr(told) == "<Failing test:f: PromiseNotKept>"
    assert key.error == "ConnectionError"
    (broken,) = world.cache.health().not_kept
    assert broken.because == (
        "2 of 2 answers were not younger than 300 s",
        "1 key does not heal, most often because of ConnectionError",
    )
    assert told.message == "; ".join(broken.because)
    plain = json.loads(json.dumps(dataclasses.asdict(world.cache.health())))
    assert plain["ok"] is False
    assert (plain["not_kept"][0]["function"], plain["not_kept"][0]["share"]) == ("test:f", 0.0)
    assert "hunter2" not in str(plain)


def test_health_is_bounded() -> None:
    cache = HealingCache(ttl=60, promise=Promise(younger_than=60))
    functions = [cache(name=f"f{n}", default=None)(lambda n: n) for n in range(150)]
    for f in functions:
        f(1)
    health = cache.health()
    cache.close()
    assert (health.ok, len(health.not_kept)) == (False, 100)


def test_it_survives_a_swap_of_parts(world: World, dependency: Dependency) -> None:
    f = promising(world, dependency)
    asked(world, f, 3, heal=False)
    with world.cache.override(executor=world.executor):
        asked(world, f, 3, heal=False)
    assert f.cache_info().promise.answers == 6


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"younger_than": 0}, ValueError, "younger_than"),
        ({"younger_than": float("inf")}, ValueError, "finite"),
        ({"younger_than": "5"}, TypeError, "younger_than"),
        ({"younger_than": 5, "window": -1}, ValueError, "window"),
        ({"younger_than": 5, "share": 0}, ValueError, "share="),
        ({"younger_than": 5, "share": 99}, ValueError, "0.99 is 99 %"),
        ({"younger_than": 5, "share": "all"}, TypeError, "share="),
        ({"younger_than": 5, "share": True}, TypeError, "share="),
    ],
)
def test_a_promise_that_makes_no_sense_is_refused(
    options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        Promise(**options)


def test_a_promise_shorter_than_the_ttl_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match="younger than ttl=60"):
        HealingCache()(ttl=60, promise=Promise(younger_than=59))
    with pytest.raises(ValueError, match="ttl=60"):
        HealingCache(ttl=60, promise=Promise(younger_than=59))
    with pytest.raises(TypeError, match="must be a Promise"):
        HealingCache()(ttl=60, promise=0.99)
    HealingCache(promise=Promise(younger_than=59))(ttl=59)
    with pytest.raises(ValueError, match="ttl=60"):
        HealingCache(promise=Promise(younger_than=59))(ttl=60)


def test_durations_may_be_timedeltas() -> None:
    promise = Promise(younger_than=dt.timedelta(minutes=5), window=dt.timedelta(hours=1))
    assert promise == Promise(younger_than=300, window=3600)


def test_a_share_that_is_just_kept_is_kept_whatever_a_product_rounds_to() -> None:
    for percent in range(1, 101):
        promise = Promise(share=percent / 100, younger_than=60)
        assert Kept(promise, 100, percent, 0, 0, 300.0).is_kept, percent
        assert not Kept(promise, 100, percent - 1, 0, 0, 300.0).is_kept, percent
    assert Kept(promise, 0, 0, 0, 0, 300.0).is_kept
