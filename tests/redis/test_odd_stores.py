"""What a store holds that no healthy run wrote: records of a clock since set back, and numbers that
are none.  # H04 H11 H13"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from oob_heal._model import Lease
from oob_heal.backends._redis_known import epochs_in
from oob_heal.backends._redis_lua import LAST_EPOCH
from oob_heal.backends._redis_news import News, channel_of
from oob_heal.backends.redis import RedisBackend
from tests.redis.servers import Server
from tests.redis.test_backend import EPOCH, SCOPE, entry, key
from tests.redis.timed import Timed, under_the_tests_clock

ODD_EPOCHS = {
    "text": "abc",
    "nothing": "",
    "5,000 digits": "9" * 5_000,
    "400 digits": "9" * 400,
    "20 digits": "9" * 20,
    "15 digits": "9" * 15,
    "zeros": "0" * 400 + "1",
    "a number and text": "99999999999999abc",
    "one and an odd one behind it": "99999999999998 " + "9" * 400,
}
ODD_LEASES = [
    *[("token", "t", "until", each) for each in ("inf", "nan", "1e400", "1e300", "0x7fffffffffff")],
    *[("retry_at", each) for each in ("inf", "1e300", "99999999999")],
    *[("attempts", each) for each in ("-inf", "inf", "1e20", "1.5")],
    *[("epoch", each) for each in ("inf", "nan", "1e300", "-1e300")],
    ("token", "t", "until", "1e300", "written_at", "inf"),
]


@pytest.fixture
def timed(valkey: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Timed]:
    under_the_tests_clock(monkeypatch)
    made = Timed(valkey)
    yield made
    made.close()


def set_back(timed: Timed, seconds: float) -> None:
    timed.clock._now -= seconds
    timed.clock.advance(0)


def record_of(key: str) -> str:
    return "{" + key + "}:l"


def granted(lease: object) -> Lease:
    assert isinstance(lease, Lease)
    return lease


def test_a_servers_clock_set_back_leaves_no_lease_and_no_retry_time_beyond_its_own(
    timed: Timed,
) -> None:
    backend = timed.backend()
    held = granted(backend.acquire(key(1), 10))
    failed = granted(backend.acquire(key(2), 10))
    backend.release(failed, 60)
    set_back(timed, 3_600)
    assert isinstance(backend.acquire(key(2), 10), Lease)
    following = granted(backend.acquire(key(1), 10))
    assert (following.attempt, following.previous_at) == (2, None)
    assert backend.commit(held, entry(1), 60) is False
    assert backend.commit(following, entry(1), 60) is True


def test_what_a_lease_brought_is_known_after_the_servers_clock_is_set_back(timed: Timed) -> None:
    backend = timed.backend()
    lease = granted(backend.acquire(key(1), 10))
    assert backend.commit(lease, None, 600)
    set_back(timed, 3_600)
    assert backend.commit(lease, None, 600), "the same words again, whose reply was lost"


def test_a_clear_stands_whatever_the_servers_clock_does(timed: Timed) -> None:
    here, there = timed.backend(), timed.backend()
    here.set(key(1), entry(1), 7_200)
    here.clear(SCOPE)
    set_back(timed, 3_600)
    assert there.get(key(1)) is None
    lease = granted(there.acquire(key(1), 10))
    here.clear(SCOPE)
    assert there.commit(lease, entry(1), 60) is False


def test_a_servers_clock_that_is_less_than_a_second_back_voids_nothing(timed: Timed) -> None:
    backend = timed.backend()
    lease = granted(backend.acquire(key(1), 10))
    set_back(timed, 0.9)
    assert not isinstance(backend.acquire(key(1), 10), Lease)
    assert backend.commit(lease, entry(1), 60) is True


def test_a_lease_that_says_not_when_it_was_written_holds(timed: Timed) -> None:
    backend = timed.backend()
    lease = granted(backend.acquire(key(1), 10))
    timed.client.hdel(record_of(key(1)), "written_at")
    assert not isinstance(backend.acquire(key(1), 10), Lease)
    assert backend.commit(lease, entry(1), 60) is True


def test_an_odd_epoch_is_none() -> None:
    for name, odd in ODD_EPOCHS.items():
        assert epochs_in(odd.encode()) == ([99999999999998] if name.startswith("one") else [])
    assert epochs_in(b"%d" % LAST_EPOCH) == [LAST_EPOCH]
    assert epochs_in(b"%d" % (LAST_EPOCH + 1)) == []
    assert epochs_in(b"30 20 10") == [30, 20, 10]


@pytest.mark.parametrize("odd", ODD_EPOCHS)
def test_whatever_stands_at_its_epoch_a_scope_is_served_and_cleared(
    valkey: Server, another: Callable[[], RedisBackend], odd: str
) -> None:
    here = another()
    here.set(key(1), entry(1), 60)
    valkey.say("SET", EPOCH, ODD_EPOCHS[odd])
    here.set(key(1), entry(1), 60)
    valkey.say("SET", EPOCH, ODD_EPOCHS[odd])
    here.clear(SCOPE)
    assert here.get(key(1)) is None
    valkey.say("SET", EPOCH, ODD_EPOCHS[odd])
    new = another()
    new.set(key(2), entry(2), 60)
    assert new.get(key(2)) == entry(2)
    assert epochs_in(valkey.say("GET", EPOCH)), "it was put right"


def test_news_of_an_odd_epoch_are_none(another: Callable[[], RedisBackend]) -> None:
    backend = another()
    backend.set(key(1), entry(1), 60)
    news = News(backend._keeper, lambda *_: None)
    for odd in ODD_EPOCHS.values():
        if not epochs_in(odd.encode()):
            news._push([b"message", channel_of(SCOPE), b"clear " + odd.encode()])
    assert backend.get(key(1)) == entry(1)


def test_an_odd_record_of_a_lease_holds_no_key(
    valkey: Server, another: Callable[[], RedisBackend]
) -> None:
    backend = another()
    for n, fields in enumerate(ODD_LEASES):
        record = record_of(key(n))
        valkey.say("HSET", record, *fields)
        lease = granted(backend.acquire(key(n), 30))
        assert valkey.say("PTTL", record) > 0, fields
        assert backend.commit(lease, entry(n), 60), fields
        assert backend.get(key(n)) == entry(n), fields


def test_a_longest_keep_that_the_server_cannot_count_is_told_at_once() -> None:
    for wrong in (1e12, 1e18):
        with pytest.raises(ValueError, match="longest_keep= must be at most a hundred years"):
            RedisBackend("redis://", longest_keep=wrong)
