"""A finalizer that the cyclic collector runs may call back, under whatever lock it is run."""

from __future__ import annotations

import gc
from typing import Any

import cachetools
import pytest

from oob_heal import HealingCache, HealRejectedError
from oob_heal.testing import ManualClock, ManualExecutor
from tests.test_reentrancy import ENOUGH, Poke
from tests.waiting import in_threads


class Collecting(ManualClock):
    """A clock that collects garbage when it is asked: our tables ask it under their locks."""

    def __init__(self) -> None:
        super().__init__()
        self.collects = False

    def __call__(self) -> float:
        if self.collects:
            self.collects = False
            gc.collect(0)  # the garbage is young, and the rest is much
            self.collects = True
        return super().__call__()


class Cycle:
    """Garbage that only the collector finds, and whose end is the user's code."""

    def __init__(self, poke: Poke) -> None:
        self.poke = poke
        self.myself = self

    def __del__(self) -> None:
        self.poke()
        if self.poke.function is not None:
            with pytest.raises(HealRejectedError, match="finalizer"):
                self.poke.function.heal_now(27)


# H27, H12: whoever is interrupted so waits for nobody, least of all for itself.
@pytest.mark.parametrize("kind", ["memory", "mapping"])
def test_a_finalizer_may_call_back_wherever_the_collector_runs_it(kind: str) -> None:
    poke, clock, executor, heard = Poke(), Collecting(), ManualExecutor(), list[Any]()
    options: Any = {"backend": cachetools.LRUCache(100)} if kind == "mapping" else {}
    cache = HealingCache(
        executor=executor, clock=clock, ttl=60, observers=[heard.append], **options
    )

    @cache(default=None)
    def f(n: int) -> str:
        return "v"

    acts: dict[str, Any] = {
        "miss": lambda: f(1),
        "heal": executor.run_next,
        "hit": lambda: f(1),
        "set": lambda: f.set("w", 2),
        "heal_now": lambda: f.heal_now(3),
        "invalidate": lambda: f.invalidate(2),
        "clear": f.cache_clear,
        "info": f.cache_info,
    }

    def interrupted(_: int) -> None:
        poke.function, poke.cache = f, cache
        for act in acts.values():
            Cycle(poke)
            clock.collects = True
            act()
            clock.collects = False

    gc.collect()
    gc.disable()  # it comes when the clock says so
    try:
        (told,) = in_threads(1, interrupted, ENOUGH)
    finally:
        gc.enable()
    assert told is None
    assert poke.times >= 3
    poke.function = None
    published, ended, healing = f._oob_heal_core.inflight.ledger()  # type: ignore[attr-defined]
    assert published == sum(ended.values()) + healing
    assert f.cache_info().dropped >= poke.times  # H14: f(20), f.lookup(21), f.heal(26)
    cache.close()


def test_a_finalizers_call_is_answered_and_its_heal_dropped() -> None:
    executor, answers = ManualExecutor(), list[Any]()
    cache = HealingCache(executor=executor, ttl=60)

    @cache(default="default")
    def f(n: int) -> str:
        return "v"

    class Calls:
        def __init__(self) -> None:
            self.myself = self

        def __del__(self) -> None:
            answers.append(f(1))

    Calls()
    gc.collect()
    assert answers == ["default"]
    assert (f.cache_info().dropped, f.cache_info().absent, len(executor.pending)) == (1, 1, 0)
    assert f(1) == "default"  # the next read tries again
    executor.run_next()
    assert f(1) == "v"
