"""What a table lets go of may call back as it dies: never under a lock."""

from __future__ import annotations

from typing import Any

import cachetools
import pytest

from oob_heal import HealingCache, Outcome
from oob_heal._inflight import SWEPT_BY_A_MISS
from oob_heal.testing import ManualClock, ManualExecutor
from tests.children import run_python
from tests.test_reentrancy import ENOUGH, Poke
from tests.waiting import in_threads


class Dying:
    """A value, or an argument, whose end is the user's code as well."""

    def __init__(self, poke: Poke) -> None:
        self.poke = poke

    def __del__(self) -> None:
        self.poke()


# H27: what a table lets go of dies when its lock is free again.
@pytest.mark.parametrize("end", ["overwritten", "healed", "invalidated", "cleared", "evicted"])
@pytest.mark.parametrize("kind", ["memory", "mapping"])
def test_a_value_may_call_back_as_it_is_let_go_of(kind: str, end: str) -> None:
    poke, clock, executor = Poke(), ManualClock(), ManualExecutor()
    options: Any = {"maxsize": 1} if kind == "memory" else {"backend": cachetools.LRUCache(1)}
    cache = HealingCache(executor=executor, clock=clock, ttl=60, **options)

    @cache(default=None)
    def f(n: int) -> Any:
        return "v"

    def let_go(_: int) -> None:
        f.set(Dying(poke), 1)
        poke.function, poke.cache = f, cache
        if end == "overwritten":
            f.set("w", 1)
        elif end == "healed":
            clock.advance(1)
            f.heal(1)
            executor.run_next()
        elif end == "invalidated":
            f.invalidate(1)
        elif end == "cleared":
            f.cache_clear()
        else:
            f.set("w", 2)

    (told,) = in_threads(1, let_go, ENOUGH)
    assert told is None
    assert poke.times == 1
    poke.function = None


@pytest.mark.parametrize("when", ["it waits", "its key is missed again", "an engine has it"])
def test_an_argument_may_call_back_as_its_lost_heal_is_swept_away(when: str) -> None:
    poke, clock, executor = Poke(), ManualClock(), ManualExecutor()
    cache = HealingCache(executor=executor, clock=clock, ttl=60)

    @cache(default=None, ignore="session")
    def f(n: int, session: Any = None) -> Any:
        return "v"

    def lose(_: int) -> None:
        if when == "its key is missed again":  # and more is late than a miss sweeps
            for n in range(SWEPT_BY_A_MISS):
                f(100 + n)
        f(1, Dying(poke))
        poke.function, poke.cache = f, cache
        if when == "an engine has it":  # its mark goes before its account does
            heal, inflight = executor.pending[0], f._oob_heal_core.inflight
            inflight.start(heal, 90)
            inflight.handed_on(heal, None, 1, 90)
            del heal
        while executor.pending:
            executor.drop_next()
        clock.advance(2)
        f(2)
        clock.advance(1_000)
        f(1 if when == "its key is missed again" else 3)

    (told,) = in_threads(1, lose, ENOUGH)
    assert told is None
    assert f.cache_info().lost == (2 + SWEPT_BY_A_MISS if when == "its key is missed again" else 2)
    assert poke.times == 1
    poke.function = None
    while executor.pending:
        assert executor.run_next() in Outcome


ON_A_THREAD = """
import signal, threading
from oob_heal import healing_cache

signal.alarm(10)  # a worker that is locked out keeps the interpreter from ending
died = threading.Event()

class Session:
    def __del__(self):
        f(2)
        died.set()

@healing_cache(ttl=60, default="default", ignore="session")
def f(n, session=None):
    return "v"

f(1, Session())
assert died.wait(5)
while f(2) == "default":
    pass
print(f(1), f(2))
"""


def test_an_argument_may_call_back_as_its_heal_ends_on_a_thread() -> None:
    assert run_python(ON_A_THREAD) == "v v\n"
