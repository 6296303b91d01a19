"""Somebody asks for what does not exist, and each time the dependency fails: the others heal.

In virtual time, with the default breaker and the default pool (``tests/storm``). Errors that say
*there is nothing* belong in ``drop_on``; here they are not.
"""

from __future__ import annotations

import itertools
from typing import Any

from tests.storm.world import Source, Threads, World, cache_in

ATTACK = 200  # keys a second that nobody ever saw
TAKES = 0.01  # s that a call takes
AWAY = 0.0003  # s by which the two kinds of reads miss each other


def oldest_answer(keys: int, ttl: float, reads: int, seconds: int) -> float:
    """So many keys that exist are read in turn, so often a second; the age of the oldest answer."""
    world = World()
    source = Source(world, lambda args: (TAKES, None if args[0] >= 0 else KeyError(args[0])))
    executor = Threads(world, {"db": source}, threads=8, queue=10_000)
    decorate: Any = cache_in(world, executor, 17, dependency="db")(ttl=ttl, jitter=0, default=None)
    f = decorate(lambda n: n)
    for n in range(keys):
        f.set(n, n)
    known = ((number / reads, number % keys) for number in range(seconds * reads))
    never_seen = ((number / ATTACK + AWAY, -1 - number) for number in range(seconds * ATTACK))
    ages = [0.0]
    for at, n in sorted(itertools.chain(known, never_seen)):
        world.go_to(at)
        served = f.lookup(n)
        ages += [served.age] if n >= 0 else []
    return max(ages)


# H17 H21
def test_who_asks_for_what_is_not_there_opens_no_breaker_while_others_are_answered() -> None:
    assert oldest_answer(keys=50, ttl=5, reads=50, seconds=20) < 5 + 4


# H17 H21: an answer vouches for the dependency for a while; here they come too seldom.
def test_where_the_breaker_opens_all_the_same_keys_that_exist_are_first_to_probe() -> None:
    assert oldest_answer(keys=2, ttl=12, reads=4, seconds=40) < 12 + 4
