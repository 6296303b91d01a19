"""Who has not heard of a clear reads on in the epoch that it ended, for a second at most: what was
written since is not older there than where it was written.  # H07
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from oob_heal._model import Lease
from oob_heal.backends._redis_known import Epoch
from oob_heal.backends._redis_lua import ENDED, MOST_ENDED
from oob_heal.backends.redis import RedisBackend
from tests.redis.servers import Server
from tests.redis.test_backend import SCOPE, entry, key


def deaf(backend: RedisBackend) -> RedisBackend:
    """It hears of no clear from now on, and reads on."""
    backend._keeper.heard_epoch = lambda *_, **__: None  # type: ignore[method-assign]
    return backend


def commit(backend: RedisBackend) -> None:
    lease = backend.acquire(key(1), 30)
    assert isinstance(lease, Lease)
    assert backend.commit(lease, None, 1)


WRITES: dict[str, Callable[[RedisBackend], Any]] = {
    "set": lambda backend: backend.set(key(1), entry(1, b"new"), 60),
    "delete": lambda backend: backend.delete(key(1)),
    "mark_stale": lambda backend: backend.mark_stale(key(1)),
    "commit": commit,
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("writer", ["who cleared", "who was there", "who came later"])
def test_a_write_after_clears_is_seen_by_who_has_not_heard_of_them(
    another: Callable[[], RedisBackend], writer: str, write: str
) -> None:
    first, second, cleared, was_there = another(), another(), another(), another()
    cleared.set(key(1), entry(1), 60)
    assert first.get(key(1)) == was_there.get(key(1)) == entry(1)
    deaf(first)
    cleared.clear(SCOPE)
    cleared.set(key(1), entry(1, b"second"), 60)
    assert second.get(key(1)) == entry(1, b"second")
    deaf(second)
    cleared.clear(SCOPE)
    here = {"who cleared": cleared, "who was there": was_there}.get(writer) or another()
    WRITES[write](here)
    assert first.get(key(1)) is None
    assert second.get(key(1)) is None


def test_who_has_not_heard_of_a_clear_reads_on_what_nobody_wrote_since(
    another: Callable[[], RedisBackend],
) -> None:
    here, there = another(), another()
    here.set(key(1), entry(1), 60)
    assert there.get(key(1)) == entry(1)
    deaf(there)
    here.clear(SCOPE)
    here.set(key(2), entry(2), 60)
    assert there.get(key(1)) == entry(1), "it would be absent there if the tests above were idle"


def test_an_epoch_that_ended_long_ago_costs_a_write_nothing() -> None:
    now = 1_000.0
    begun = [now, now - 1, now - ENDED, now - ENDED - 0.001, now - 60]
    number, *ended = (int(each * 1000) for each in begun)
    assert Epoch(number, 0.0, tuple(ended)).ended_lately(now) == ended[:3]


def test_no_more_epochs_are_remembered_than_a_few(
    valkey: Server, another: Callable[[], RedisBackend]
) -> None:
    backend = another()
    for _ in range(3 * MOST_ENDED):
        backend.clear(SCOPE)
    line = valkey.say("GET", f"oob1.{SCOPE}.epoch").split()
    assert len(line) == 1 + MOST_ENDED
    assert line == sorted(line, key=int, reverse=True)
    with closing(another()) as new:
        new.set(key(1), entry(1), 60)
        assert len(new._keeper.epochs[SCOPE].ended) == MOST_ENDED  # type: ignore[union-attr]
