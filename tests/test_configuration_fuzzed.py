"""Whatever is written as configuration is taken and works, or is refused by its parameter's name.

Tables of good and bad arguments are in ``test_arguments`` and ``test_durations``; here hypothesis
mixes them, with what nobody would write.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import inspect
import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oob_heal import Backoff, CacheMissError, HealingCache, Outcome
from oob_heal.backends.memory import MemoryBackend
from oob_heal.backends.redis import RedisBackend
from oob_heal.backends.tiered import TieredBackend
from oob_heal.executors.queue import QueueExecutor
from oob_heal.executors.threads import ThreadExecutor
from oob_heal.testing import ManualExecutor, SharedStore
from tests.amounts import FULL

CANARY = "hunter2"


class Hostile:
    """Nothing that a check has to ask for: it raises if it is compared, counted or shown."""

    def _raise(self, *_: Any) -> Any:
        raise RuntimeError("touched")

    __eq__ = __bool__ = __len__ = __float__ = __int__ = _raise  # type: ignore[assignment]
    __hash__ = object.__hash__
    __repr__ = __str__ = __lt__ = _raise  # type: ignore[assignment]


NUMBERS = st.one_of(
    st.integers(-3, 100),
    st.floats(),
    st.sampled_from([10**400, -(10**400), 1e18, 1e-6, math.inf, -0.0, True, False]),
    st.timedeltas(),
    st.just(dt.timedelta.max),
)
ODD = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.binary(max_size=5),
    st.sampled_from([object(), Hostile(), [], {}, (), int, ValueError, len, lambda: None, 60j]),
    st.sampled_from(["\ud800", "x" * 10_000, "n", "key", ("n", "n"), CANARY]),
)
EXTREME = [Hostile(), 10**400, math.nan, math.inf, True, 60j, "\ud800", b"x", [], int, object()]
ANYTHING = NUMBERS | ODD | st.sampled_from(EXTREME)
FUZZ = settings(
    max_examples=1_000 if FULL else 100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)

POLICY = {
    "ttl": st.just(60) | ANYTHING,
    "max_stale": ANYTHING,
    "jitter": NUMBERS | ODD,
    "heal_timeout": ANYTHING,
    "backoff": st.just(Backoff(initial=0.5)) | ANYTHING,
    "drop_on": st.sampled_from([LookupError, (LookupError, OSError)]) | ANYTHING,
    "around": st.just(contextlib.nullcontext) | ANYTHING,
    "copy": st.just(list) | ANYTHING,
    "maxsize": ANYTHING,
    "key": st.just(lambda n: n) | ANYTHING,
    "ignore": st.just("n") | ANYTHING,
    "name": ANYTHING,
    "namespace": ANYTHING,
    "version": ANYTHING,
    "dependency": ANYTHING,
    "promise": ANYTHING,
    "codec": ANYTHING,
    "default": st.just(CANARY),
    "default_factory": ANYTHING,
}


def refused(error: TypeError | ValueError, names: Any) -> None:
    """The error names one of the parameters, and shows no default."""
    told = str(error)
    assert CANARY not in told.replace(f"ignore= names {CANARY!r}", "")
    assert set(re.findall(r"([a-z_]+)=", told)) & set(names), told


def works_or_is_refused(options: dict[str, Any], *, shared: bool) -> None:
    executor = ManualExecutor()
    backend = {"backend": SharedStore().backend()} if shared else {}
    try:
        cache = HealingCache(executor=executor, **backend)

        @cache(**options)
        def source(n: int) -> list[int]:
            return [n]
    except (TypeError, ValueError) as error:
        refused(error, {*options, "ttl", "maxsize"})
        return
    try:
        source.lookup(1)
    except CacheMissError:
        assert "default" not in options
    except Exception:  # the user's own
        if not {"key", "default_factory", "copy"} & set(options):
            raise
        return
    assert len(executor.pending) == 1  # not called in the request, not more than once
    assert executor.run_next() in (Outcome.HEALED, Outcome.FAILED)


@pytest.mark.parametrize("name", sorted(POLICY))
def test_each_parameter_of_a_function_works_or_is_refused_whatever_it_is(name: str) -> None:
    for value in EXTREME:
        for shared in (False, True):
            works_or_is_refused({"ttl": 60, name: value}, shared=shared)


@FUZZ
@given(data=st.data(), shared=st.booleans())
def test_any_configuration_of_a_function_works_or_is_refused_by_a_parameters_name(
    data: Any, shared: bool
) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(POLICY)), max_size=3, unique=True), "names")
    options = {"ttl": 60, **{name: data.draw(POLICY[name], name) for name in names}}
    works_or_is_refused(options, shared=shared)


PARTS: dict[str, Callable[..., Any]] = {
    "Backoff": Backoff,
    "MemoryBackend": MemoryBackend,
    "RedisBackend": lambda **options: RedisBackend("redis://127.0.0.1:1/0", **options),
    "TieredBackend": lambda **options: TieredBackend(SharedStore().backend(), **options),
    "ThreadExecutor": ThreadExecutor,
    "QueueExecutor": lambda **options: QueueExecutor(bytes, **options),
}
REAL = {
    "RedisBackend": RedisBackend,
    "TieredBackend": TieredBackend,
    "QueueExecutor": QueueExecutor,
}
GIVEN = ("url", "client", "make_client", "send", "shared", "clock", "self")


def parameters_of(part: str) -> list[str]:
    names = inspect.signature(REAL.get(part, PARTS[part])).parameters
    return [name for name in names if name not in GIVEN]


def is_made_or_refused(part: str, options: dict[str, Any]) -> None:
    try:
        made = PARTS[part](**options)
    except (TypeError, ValueError) as error:
        refused(error, {*options, *parameters_of(part)})
    else:
        getattr(made, "close", lambda: None)()


@pytest.mark.parametrize("part", PARTS)
def test_each_parameter_of_a_part_is_taken_or_refused_whatever_it_is(part: str) -> None:
    for name in parameters_of(part):
        for value in EXTREME:
            is_made_or_refused(part, {name: value})


@pytest.mark.parametrize("part", PARTS)
@FUZZ
@given(data=st.data())
def test_any_configuration_of_a_part_makes_it_or_is_refused_by_a_parameters_name(
    part: str, data: Any
) -> None:
    names = data.draw(st.lists(st.sampled_from(parameters_of(part)), unique=True), "names")
    is_made_or_refused(part, {name: data.draw(ANYTHING, name) for name in names})
