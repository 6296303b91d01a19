"""Every parameter, good and bad: a bad one is a named error that says what to do."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import datetime as dt
import math
from typing import Any

import cachetools
import pytest

from oob_heal import Backoff, CacheMissError, HealingCache, Promise, _policy, healing_cache
from oob_heal.backends.memory import MemoryBackend
from oob_heal.codecs import JsonCodec
from oob_heal.executors.queue import QueueExecutor
from oob_heal.executors.tasks import TaskExecutor
from oob_heal.executors.threads import ThreadExecutor
from oob_heal.testing import ManualExecutor, SharedStore
from tests.waiting import Gate, wait_until

PARAMETERS = _policy.NAMES | {"default", "default_factory"}


def function(n: int = 0) -> int:
    return n


@contextlib.contextmanager
def session() -> Any:
    yield


GOOD: list[tuple[str, Any]] = [
    *[("ttl", good) for good in (1, 1e-6, 1e18, math.inf, dt.timedelta(minutes=1))],
    *[("max_stale", good) for good in (0, 5, 1e18, math.inf, None, dt.timedelta(0))],
    *[("default", good) for good in (None, 0, [], ...)],
    *[("default_factory", good) for good in (list, lambda: None, None)],
    *[("backend", good) for good in (None, {}, cachetools.LFUCache(9), MemoryBackend(9))],
    *[("backend", good) for good in (SharedStore().backend(),)],
    *[("maxsize", good) for good in (1, 10**9, None)],
    *[("executor", good) for good in (None, ManualExecutor(), TaskExecutor(1))],
    ("executor", concurrent.futures.ThreadPoolExecutor(1)),
    *[("key", good) for good in (None, lambda n=0: n, str)],
    *[("ignore", good) for good in ((), "n", ("n",), ["n"], iter(["n"]))],
    *[("name", good) for good in (None, "price", "shop.price: old", "Größe")],
    *[("namespace", good) for good in ("", "a", "shop-1.test_2", "x" * 64)],
    *[("version", good) for good in (0, 7, -1)],
    *[("heal_timeout", good) for good in (0.5, 1e18, dt.timedelta(seconds=3))],
    *[("backoff", good) for good in (Backoff(), Backoff(initial=0.1, factor=1, maximum=0.1))],
    *[("jitter", good) for good in (0, 0.5, 1)],
    *[("drop_on", good) for good in ((), KeyError, (KeyError, OSError), Exception)],
    *[("around", good) for good in (None, session, contextlib.nullcontext)],
    *[("codec", good) for good in (None, JsonCodec())],
    *[("copy", good) for good in (None, list)],
    *[("dependency", good) for good in (None, "shop")],
    *[("promise", good) for good in (None, Promise(younger_than=10**9))],
]

BAD: list[tuple[str, Any, type[Exception], str]] = [
    *[("ttl", bad, ValueError, "above 0") for bad in (0, -1, math.nan, dt.timedelta(0), -math.inf)],
    *[("ttl", bad, TypeError, "seconds or a timedelta") for bad in ("60", None, True, [60])],
    ("ttl", 10**400, ValueError, "float('inf')"),
    *[("max_stale", bad, ValueError, "0 or more") for bad in (-1, math.nan)],
    *[("max_stale", bad, TypeError, "seconds or a timedelta") for bad in ("7 days", False)],
    *[("default_factory", bad, TypeError, "callable") for bad in ([], 0)],
    *[
        ("backend", bad, TypeError, "mutable mapping")
        for bad in (dict, [], "redis://", MemoryBackend)
    ],
    *[("maxsize", bad, ValueError, "at least 1") for bad in (0, -5)],
    *[("maxsize", bad, TypeError, "whole number") for bad in ("9", 9.0, True)],
    *[("executor", bad, TypeError, "submit(heal)") for bad in (print, "threads", 8)],
    ("executor", ThreadExecutor, TypeError, "give one that is made"),
    *[("key", bad, TypeError, "callable") for bad in ("n", 1)],
    *[("ignore", bad, TypeError, "no parameter of function") for bad in ("m", ("n", "m"), "", [0])],
    *[("ignore", bad, TypeError, "names of parameters") for bad in (1, None)],
    *[("name", bad, TypeError, "text") for bad in (1, b"price", function)],
    ("name", "", ValueError, "leave it out"),
    *[
        ("namespace", bad, ValueError, "at most 64 letters")
        for bad in ("a b", "a:b", "x" * 65, "ä")
    ],
    *[("namespace", bad, ValueError, "at most 64 letters") for bad in ("a\n", "a*", 1, None)],
    *[("version", bad, TypeError, "whole number") for bad in ("1", 1.0, True, None)],
    *[("heal_timeout", bad, ValueError, "above 0") for bad in (0, -1, math.nan)],
    ("heal_timeout", math.inf, ValueError, "finite"),
    ("heal_timeout", None, TypeError, "seconds or a timedelta"),
    *[("backoff", bad, TypeError, "a Backoff") for bad in (1, Backoff, None)],
    *[("jitter", bad, ValueError, "from 0 to 1") for bad in (-0.1, 1.1, math.nan)],
    *[("jitter", bad, TypeError, "from 0 to 1") for bad in ("0", True)],
    *[
        ("drop_on", bad, TypeError, "exception class")
        for bad in ("KeyError", KeyError(), [KeyError])
    ],
    *[("drop_on", bad, TypeError, "exception class") for bad in (KeyboardInterrupt, (int,), None)],
    ("drop_on", (KeyError, CacheMissError), TypeError, "CacheMissError"),
    *[("around", bad, TypeError, "callable") for bad in ("session", contextlib.nullcontext())],
    ("around", session(), TypeError, "around=lambda: ..."),
    *[("codec", bad, TypeError, "JsonCodec()") for bad in ("json", JsonCodec, object())],
    *[("copy", bad, TypeError, "callable") for bad in (True, "deep")],
    *[("dependency", bad, TypeError, "text") for bad in (1, ("shop",))],
    ("dependency", "", ValueError, "leave it out"),
    *[("promise", bad, TypeError, "a Promise") for bad in (0.99, {"share": 0.99}, Promise)],
]
PER_FUNCTION = {"backend", "executor", "key", "ignore", "name", "version", "default_factory"}


def test_the_tables_of_this_file_cover_every_parameter() -> None:
    assert {name for name, _ in GOOD} == PARAMETERS
    assert {name for name, *_ in BAD} == PARAMETERS - {"default"}  # any value may be a default


def works(cache: HealingCache) -> None:
    """As if nothing had been refused: one function, which heals."""
    executor = ManualExecutor()
    with cache.override(executor=executor):
        price = cache(ttl=60, default=-1)(function)
        assert repr(cache).endswith("1 functions>")
        assert (price(3), executor.run_all(), price(3)) == (-1, 1, 3)


@pytest.mark.parametrize(("name", "good"), GOOD)
def test_a_good_argument_is_taken_and_shown(name: str, good: Any) -> None:
    cache = HealingCache(ttl=60, executor=ManualExecutor())
    price = cache(**{name: good})(function)
    if name in ("version", "namespace", "dependency", "codec", "key", "drop_on"):
        shown = price.cache_parameters()[name]
        assert shown is good or shown == good or shown == (good,)
    assert price.cache_key(1) is not None
    if name in ("default", "default_factory") and good is not None:
        assert price.lookup(1).is_default


@pytest.mark.parametrize(("name", "bad", "error", "said"), BAD)
def test_a_bad_argument_at_decoration_is_refused_by_name(
    name: str, bad: Any, error: type[Exception], said: str
) -> None:
    cache = HealingCache(ttl=60)
    with pytest.raises(error) as caught:
        cache(**{name: bad})(function)
    assert f"{name}=" in str(caught.value)
    assert said in str(caught.value)
    works(cache)


@pytest.mark.parametrize(
    ("name", "bad", "error", "said"), [row for row in BAD if row[0] not in PER_FUNCTION]
)
def test_a_cache_refuses_the_same_for_all_its_functions(
    name: str, bad: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        HealingCache(**{name: bad})
    assert f"{name}=" in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize("decorator", [healing_cache, HealingCache(ttl=60)])
def test_parentheses_and_keywords_are_required(decorator: Any) -> None:
    for misplaced in ((function,), (60,)):
        with pytest.raises(TypeError, match="with parentheses and keywords only"):
            decorator(*misplaced)


def test_ttl_is_required_from_the_function_or_its_cache() -> None:
    with pytest.raises(TypeError, match=r"ttl= is required: @healing_cache\(ttl=60\)"):
        healing_cache()
    assert HealingCache(ttl=60)()(function).cache_parameters()["ttl"] == 60
    assert HealingCache(ttl=60)(ttl=5)(function).cache_parameters()["ttl"] == 5


def test_an_unknown_parameter_is_refused_and_the_known_ones_are_listed() -> None:
    cache = HealingCache(ttl=60)
    for refuse in (cache, healing_cache, HealingCache):
        with pytest.raises(TypeError, match=r"no parameter timeout=; there are .*heal_timeout"):
            refuse(ttl=60, timeout=5)
    with pytest.raises(TypeError, match="no parameter default="):
        HealingCache(default=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="no parameter namespace="), cache.override(namespace="b"):
        pass
    works(cache)


def test_parameters_that_exclude_each_other_are_told() -> None:
    cache = HealingCache(ttl=60)
    for options, said in [
        ({"default": None, "default_factory": list}, "default= or default_factory=, not both"),
        ({"backend": {}, "maxsize": 5}, "a backend has its own size"),
        ({"key": str, "ignore": "n"}, "key= or ignore=, not both"),
    ]:
        with pytest.raises(TypeError, match=said):
            cache(**options)(function)
    with pytest.raises(TypeError, match="a backend has its own size"):
        HealingCache(backend={}, maxsize=5)
    with pytest.raises(TypeError, match="a backend has its own size"):
        HealingCache(ttl=60, backend={})(maxsize=5)(function)
    HealingCache(ttl=60, maxsize=5)(backend={})(function)  # one function's own comes first
    works(cache)


def test_backoff_is_checked_when_it_is_made() -> None:
    for name in ("initial", "factor", "maximum"):
        for bad in (0, -1, math.nan, math.inf, 10**400):
            with pytest.raises(ValueError, match=rf"Backoff\({name}=\) must be finite"):
                Backoff(**{name: bad})
        for bad in ("1", None, True):
            with pytest.raises(TypeError, match=rf"Backoff\({name}=\) must be a number"):
                Backoff(**{name: bad})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least 1"):
        Backoff(factor=0.5)
    with pytest.raises(ValueError, match="must not be below initial="):
        Backoff(initial=2, maximum=1)
    assert Backoff(1, 2, 60).ceiling(10**6) == 60
    assert Backoff(dt.timedelta(seconds=2), 2, dt.timedelta(minutes=1)) == Backoff(2, 2, 60)
    with pytest.raises(TypeError, match="a number"):
        Backoff(factor=dt.timedelta(1))  # type: ignore[arg-type]


def test_the_other_arguments_of_a_cache_are_checked() -> None:
    for observers in (print, 5, [5], [print, "x"]):
        with pytest.raises(TypeError, match="observers= must be callables"):
            HealingCache(observers=observers)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="clock= must be callable, not float"):
        HealingCache(clock=1.0)  # type: ignore[arg-type]
    cache = HealingCache(ttl=60, executor=ManualExecutor())
    price = cache(default=0)(function)
    for swap, said in [
        ({"clock": 5}, "clock= must be callable"),
        ({"observers": 5}, "observers= must be"),
        ({"executor": 5}, "executor= must have"),
        ({"backend": 5}, "backend= must be"),
    ]:
        with pytest.raises(TypeError, match=said), cache.override(**swap):
            pytest.fail("a refused override was entered")
    price.set(7)
    assert price() == 7
    for close in (cache.close, lambda grace: asyncio.run(cache.aclose(grace))):
        with pytest.raises(ValueError, match="grace= must be"):
            close(-1.0)
    assert price.heal(1)  # still open
    with pytest.raises(TypeError, match="send must be callable"):
        QueueExecutor("redis://")  # type: ignore[arg-type]


def test_a_heal_timeout_of_centuries_does_not_end_the_pool_of_threads() -> None:
    gate = Gate()
    with ThreadExecutor() as executor:
        cache = HealingCache(ttl=60, heal_timeout=1e18, executor=executor)
        slow = cache(default=None)(lambda: gate())  # noqa: PLW0108 - a function, not an object
        quick = cache(default=None, name="quick")(function)
        slow()
        gate.wait_for_calls()
        quick(7)  # needs another thread, while the first one is watched
        wait_until(lambda: quick.peek(7))
        gate.opened.set()
