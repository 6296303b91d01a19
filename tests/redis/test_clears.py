"""What a clear says of the leases that it voided, under a clock moved by hand.  # H07 H13 H28"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from oob_heal._model import Lease
from tests.redis.servers import Server
from tests.redis.test_backend import SCOPE, entry, key
from tests.redis.timed import Timed, under_the_tests_clock


@pytest.fixture
def timed(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Timed]:
    under_the_tests_clock(monkeypatch)
    made = Timed(server)
    yield made
    made.close()


def granted(lease: object) -> Lease:
    assert isinstance(lease, Lease)
    return lease


def test_a_lease_voided_by_a_clear_is_no_crash_after_another_clear(timed: Timed) -> None:
    backend = timed.backend()
    lease = granted(backend.acquire(key(1), 10))
    backend.clear(SCOPE)
    assert not backend.commit(lease, entry(1), 600)
    timed.clock.advance(11)  # past its time
    backend.clear(SCOPE)
    again = granted(backend.acquire(key(1), 10))
    assert (again.attempt, again.previous_at) == (2, None)


def test_a_lease_that_lapsed_stays_a_crash_whatever_is_cleared(timed: Timed) -> None:
    backend = timed.backend()
    lease = granted(backend.acquire(key(1), 10))
    timed.clock.advance(11)
    backend.clear(SCOPE)
    backend.clear(SCOPE)
    again = granted(backend.acquire(key(1), 10))
    assert (again.attempt, again.previous_at) == (2, lease.granted_at)
