"""Each published heal is counted once, however late it ends (H14)."""

from __future__ import annotations

import asyncio

from oob_heal import CacheInfo, Outcome
from tests.conftest import Dependency, World


def ends(info: CacheInfo) -> dict[str, int]:
    """What is not 0 of the ledger."""
    names = [*(outcome.value for outcome in Outcome), "healing"]
    return {name: getattr(info, name) for name in names if getattr(info, name)}


def test_a_heal_that_ends_after_its_lease_is_counted_once(
    world: World, dependency: Dependency
) -> None:  # H14
    def source(n: int) -> str:
        return dependency(n)

    f = world.decorate(source, default=None)
    world.do(f(1))
    late = world.executor.step_next()
    late.next()
    world.clock.advance(1_000)
    assert late.run() is Outcome.FAILED
    assert ends(f.cache_info()) == {"failed": 1}
    world.clock.advance(100)
    world.do(f(1))
    late = world.executor.step_next()
    late.next()
    world.clock.advance(1_000)
    assert ends(f.cache_info()) == {"failed": 1, "lost": 1}  # somebody looked: it is lost
    late.run()
    assert ends(f.cache_info()) == {"failed": 1, "lost": 1}


def test_a_heal_whose_deadline_passes_while_another_is_sent_is_lost_and_told(
    shared: World, dependency: Dependency
) -> None:  # H14
    def source(n: int) -> str:
        return dependency(n)

    f = shared.decorate(source, default=None)

    def send(payload: bytes) -> None:
        shared.clock.advance(2)

    for n in (1, 2):
        shared.do(f(n))
        asyncio.run(shared.executor.pending[n - 1].hand_on(send))
        shared.clock.advance(60)
    info = f.cache_info()
    assert ends(info) == {"lost": 1, "healing": 1}
