"""What a file of SQLite does under pressure: bounds, locks, damage, clocks, threads, forks."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from oob_heal import Freshness, HealingCache, Lease, Outcome, Refused, Why
from oob_heal.backends import _sqlite_entries, _sqlite_file
from oob_heal.backends.sqlite import SqliteBackend
from oob_heal.observe import BackendFailed
from oob_heal.testing import ManualClock, ManualExecutor
from tests.children import run_python
from tests.sqlite.files import a_file, next_to
from tests.sqlite.texts import NAME, SCOPE, entry, key
from tests.waiting import in_threads, wait_until

LONG = 1_000.0  # s


def rows(backend: SqliteBackend, table: str = "entries") -> int:
    with closing(sqlite3.connect(backend._file.path)) as looks:
        ((count,),) = looks.execute(f"SELECT count(*) FROM {table}").fetchall()
        ((told,),) = looks.execute(f"SELECT {table} FROM totals").fetchall()
    assert count == told, "the totals are out of step"
    return int(count)


@contextmanager
def locked_by_another(backend: SqliteBackend) -> Iterator[None]:
    """Somebody else is in the middle of a write."""
    with closing(sqlite3.connect(backend._file.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


# --- bounds


def test_entries_are_bounded_and_those_written_longest_ago_go_first(
    clock: ManualClock,
) -> None:  # H20
    backend = a_file(clock, maxsize=10)
    for n in range(30):
        backend.set(key(n), entry(n), LONG)
    backend.set(key(20), entry(20), LONG)
    backend.set(key(30), entry(30), LONG)
    assert rows(backend) == 10
    kept = [n for n in range(31) if backend.get(key(n)) is not None]
    assert kept == [20, *range(22, 31)]


def test_bytes_are_bounded_and_what_is_larger_than_all_of_them_is_refused(
    clock: ManualClock,
) -> None:  # H20
    backend = a_file(clock, max_bytes=50_000)
    for n in range(40):
        backend.set(key(n), entry(n, 300 + n), LONG)
        with closing(sqlite3.connect(backend._file.path)) as looks:
            ((size,),) = looks.execute("SELECT sum(size) FROM entries").fetchall()
        assert size <= 50_000
        assert backend.get(key(n)) is not None, "what was just written is kept"
    with pytest.raises(ValueError, match="larger than max_bytes="):
        backend.set(key(39), entry(39, 10_000), LONG)
    assert backend.get(key(39)) is not None, "and what was there is left"


def test_one_write_throws_out_a_bounded_part_of_what_is_over(clock: ManualClock) -> None:
    backend = a_file(clock, max_bytes=1_000_000)
    for n in range(1_000):
        backend.set(key(n), entry(n), LONG)
    backend._entries.max_bytes = 100_000
    backend.set(key(0), entry(0), LONG)
    assert rows(backend) == 1_000 - _sqlite_entries.EVICTED
    for n in range(5):
        backend.set(key(n), entry(n), LONG)
    assert rows(backend) <= 1_000


def test_what_is_past_its_time_or_cleared_leaves_the_file_as_others_are_written(
    clock: ManualClock,
) -> None:
    backend = a_file(clock)
    for n in range(100):
        backend.set(key(n), entry(n), 10)
    clock.advance(11)
    for n in range(100, 120):
        backend.set(key(n), entry(n), LONG)
    assert rows(backend) == 20
    backend.clear(SCOPE)
    assert rows(backend) == 20, "a clear writes no entry"
    assert backend.get(key(100)) is None
    for n in range(5):
        backend.set(key(n), entry(n), LONG)
    assert rows(backend) == 5


def test_leases_are_bounded_and_those_that_hold_are_never_thrown_out(
    clock: ManualClock, backend: SqliteBackend
) -> None:  # H20
    backend._leases.most = 5
    for n in range(20):
        lease = backend.acquire(key(n), 10)
        assert isinstance(lease, Lease)
        backend.release(lease, LONG)
    assert rows(backend, "leases") == 5
    held = [backend.acquire(key(n), 10) for n in range(100, 105)]
    assert all(isinstance(each, Lease) for each in held)
    refused = backend.acquire(key(200), 10)
    assert isinstance(refused, Refused)
    assert refused.why is Why.FULL
    clock.advance(11)
    assert isinstance(backend.acquire(key(200), 10), Lease)


def test_what_is_kept_is_kept_for_longest_keep_at_most(clock: ManualClock) -> None:
    backend = a_file(clock, longest_keep=60)
    backend.set(key(1), entry(1), float("inf"))
    clock.advance(59)
    assert backend.get(key(1)) is not None
    clock.advance(1)
    assert backend.get(key(1)) is None


def test_longest_keep_cuts_no_retry_time_after_a_drop(clock: ManualClock) -> None:
    backend = a_file(clock, longest_keep=60)
    lease = backend.acquire(key(1), 10)
    assert isinstance(lease, Lease)
    assert backend.commit(lease, None, 3_600)
    clock.advance(3_599)
    refused = backend.acquire(key(1), 10)
    assert isinstance(refused, Refused)
    assert refused.why is Why.BACKING_OFF
    clock.advance(1)
    assert isinstance(backend.acquire(key(1), 10), Lease)


# --- other writers


def test_a_read_waits_for_no_writer_and_a_write_no_longer_than_its_deadline(
    clock: ManualClock, path: str
) -> None:  # H18
    backend = a_file(clock, path, deadline=0.2)
    backend.set(key(1), entry(1), LONG)
    with locked_by_another(backend):
        for _ in range(100):
            assert backend.get(key(1)) == entry(1)
        verbs: list[Any] = [
            lambda: backend.set(key(1), entry(1), LONG),
            lambda: backend.delete(key(1)),
            lambda: backend.mark_stale(key(1)),
            lambda: backend.clear(SCOPE),
            lambda: backend.acquire(key(1), 10),
        ]
        for verb in verbs:
            start = time.monotonic()
            with pytest.raises(TimeoutError, match="wrote for longer than the deadline"):
                verb()
            assert time.monotonic() - start < 5, "it was a fifth of a second"
        before = time.monotonic()
        told = in_threads(8, lambda _: verbs[0]())
        assert all(isinstance(each, TimeoutError) for each in told)
        assert time.monotonic() - before < 5, "threads wait side by side, not one by one"
    backend.delete(key(1))
    assert backend.get(key(1)) is None


def test_many_threads_read_while_many_write(backend: SqliteBackend) -> None:
    for n in range(4):
        backend.set(key(n), entry(n, 500), LONG)

    def work(number: int) -> int:
        for turn in range(50):
            n = (number + turn) % 4
            if number % 4 == 0:
                backend.set(key(n), entry(n, 500), LONG)
            assert backend.get(key(n)) == entry(n, 500)
        return number

    assert in_threads(16, work, limit=30) == list(range(16))
    assert len(backend._file._idle) <= 16


# --- damage


def test_damage_met_later_is_a_miss_that_is_counted_and_nobodys_crash(
    clock: ManualClock, path: str
) -> None:
    backend = a_file(clock, path)
    told: list[Any] = []
    cache = HealingCache(
        backend=backend, executor=ManualExecutor(), clock=clock, observers=[told.append]
    )

    @cache(ttl=60, default="default", name="damaged")
    def source(n: int) -> str:
        return "value"

    @cache(ttl=60, default="default", name="damaged.too")
    async def coloured(n: int) -> str:
        return "value"

    for n in range(50):
        source.set("value" * 200, n)
        asyncio.run(coloured.set("value" * 200, n))
    backend._file.acquire(1)
    backend._file.release()
    with Path(path).open("r+b") as file:
        file.seek(4_096)
        file.write(b"\xff" * (Path(path).stat().st_size - 8_192))
    answers = {source(n) for n in range(50)} | {asyncio.run(coloured(n)) for n in range(50)}
    assert answers <= {"default", "value" * 200}
    assert "default" in answers
    assert source.cache_info().absent > 0
    cache.close()
    assert any(isinstance(each, BackendFailed) for each in told)


def test_a_file_that_is_taken_away_is_made_anew_within_a_second(
    backend: SqliteBackend, path: str
) -> None:
    backend.set(key(1), entry(1), LONG)
    for end in ("", "-wal", "-shm"):
        Path(path + end).unlink(missing_ok=True)
    wait_until(lambda: backend.get(key(1)) is None)
    backend.set(key(2), entry(2), LONG)
    assert next_to(backend).get(key(2)) == entry(2)


def test_what_somebody_else_wrote_into_the_file_is_no_entry(
    clock: ManualClock, backend: SqliteBackend, path: str
) -> None:  # H04
    cache = HealingCache(backend=backend, executor=ManualExecutor(), clock=clock)

    @cache(ttl=60, default="default", name="foreign")
    def source(n: int) -> str:
        return "value"

    source.set("value", 1)
    for data in ("text", b"bytes", 7, b""):
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("UPDATE entries SET data = ?, marked = 1", (data,))
        assert source(1) == "default"


# --- the wall clock


def test_an_entry_of_more_than_a_second_ahead_is_stale_and_heals(
    clock: ManualClock, backend: SqliteBackend
) -> None:  # H11
    executor = ManualExecutor()
    cache = HealingCache(backend=backend, executor=executor, clock=clock)

    @cache(ttl=60, jitter=0, name="ahead")
    def source(n: int) -> str:
        return "healed"

    source.set("of the future", 1)
    clock._now -= 1.0
    assert source.lookup(1).freshness is Freshness.FRESH
    clock._now -= 3_600.0
    served = source.lookup(1)
    assert (served.value, served.freshness) == ("of the future", Freshness.STALE)
    assert executor.run_next() is Outcome.HEALED
    assert source.lookup(1).freshness is Freshness.FRESH
    assert source(1) == "healed"


def test_a_clock_set_back_leaves_no_lease_and_no_retry_time_beyond_its_own(
    clock: ManualClock, backend: SqliteBackend
) -> None:  # H13
    held = backend.acquire(key(1), 10)
    assert isinstance(held, Lease)
    failed = backend.acquire(key(2), 10)
    assert isinstance(failed, Lease)
    backend.release(failed, 10)
    clock._now -= 3_600.0
    assert isinstance(backend.acquire(key(2), 10), Lease)
    following = backend.acquire(key(1), 10)
    assert isinstance(following, Lease)
    assert following.attempt == 2
    assert backend.commit(held, entry(1), LONG) is False
    assert backend.commit(following, entry(1), LONG) is True


# --- the end, and forks


def test_what_is_closed_raises_and_can_be_closed_again(backend: SqliteBackend) -> None:
    backend.get(key(1))
    with backend:
        pass
    backend.close()
    with pytest.raises(ConnectionError, match="closed"):
        backend.get(key(1))
    with pytest.raises(ConnectionError, match="closed"):
        backend.set(key(1), entry(1), 60)


def test_dropping_one_open_warns(path: str) -> None:
    backend = SqliteBackend(path)
    backend.get(key(1))
    with pytest.warns(ResourceWarning, match="dropped open"):
        del backend
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        never_used = SqliteBackend(path)
        del never_used
        gc.collect()


FORKS = """
import os, sqlite3, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads: what is tested
from oob_heal import HealingCache
from oob_heal.backends.sqlite import SqliteBackend

backend = SqliteBackend({path!r}, deadline=10.0)
cache = HealingCache(backend=backend)

@cache(ttl=3600, name="forked", default=-1)
def source(n: int) -> int:
    return n

end = threading.Event()

def work(number):
    n = number * 1_000_000
    while not end.wait(0.005):
        n += 1
        source(n)

threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(16)]
for thread in threads:
    thread.start()
time.sleep(0.1)

def in_a_child(n):
    source(n)
    until = time.monotonic() + 10
    while source.peek(n) is None:
        assert time.monotonic() < until
        time.sleep(0.002)
    return 0

for generation in range({generations}):
    children = []
    for child in range(8):
        pid = os.fork()
        if pid == 0:
            code = 3
            try:
                code = in_a_child(-1 - generation * 8 - child)
            finally:
                os._exit(code)
        children.append(pid)
    for pid in children:
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0, os.waitstatus_to_exitcode(status)
end.set()
for thread in threads:
    thread.join(5)
assert all(source(-1 - n) == -1 - n for n in range({generations} * 8))
cache.close(grace=15)  # a slow disk has not stored all of it yet
backend.close()
check = sqlite3.connect({path!r})
print(check.execute("PRAGMA integrity_check").fetchall())
check.close()
"""


def test_both_sides_of_a_fork_go_on_and_no_connection_crosses_it(path: str) -> None:  # H22
    assert run_python(FORKS.format(path=path, generations=3)) == "[('ok',)]\n"


def test_a_fork_closes_every_connection_before_it_is_made(
    backend: SqliteBackend, monkeypatch: pytest.MonkeyPatch
) -> None:  # H22
    monkeypatch.setattr(_sqlite_file, "FORK_PATIENCE", 0.01)
    backend.get(key(1))
    lent = backend._file.reading(time.monotonic() + 1)
    lent.__enter__()
    assert backend._file.acquire(0.01) is False, "one is lent, and does not come back"
    lent.__exit__(None, None, None)
    assert backend._file.acquire(1) is True
    assert backend._file._idle == []
    with pytest.raises(TimeoutError), backend._file.reading(time.monotonic()):
        pass
    backend._file.release()
    assert backend.get(key(1)) is None


def test_a_child_forked_in_the_middle_of_a_call_is_refused(backend: SqliteBackend) -> None:  # H22
    backend.after_fork(consistent=False)
    with pytest.raises(ConnectionError, match="forked in the middle"):
        backend.get(key(1))


def test_the_scope_of_a_name_is_its_own(backend: SqliteBackend) -> None:  # H35
    theirs = NAME._replace(namespace="2")
    backend.set(key(1), entry(1), LONG)
    backend.set(key(1, theirs), entry(1, scope=theirs), LONG)
    backend.clear(SCOPE)
    assert backend.get(key(1)) is None
    assert backend.get(key(1, theirs)) == entry(1, scope=theirs)
