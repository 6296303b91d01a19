"""ThreadExecutor: bounded, fair, started late, and rid of threads that hang."""

from __future__ import annotations

import concurrent.futures
import threading
from typing import Any

import anyio
import pytest

from oob_heal import HealRejectedError, Outcome
from oob_heal.executors.threads import ThreadExecutor
from tests.conftest import World
from tests.waiting import Gate, Job, blocking, wait_until


def test_nothing_starts_before_the_first_heal(monkeypatch: pytest.MonkeyPatch) -> None:
    start, started = threading.Thread.start, list[threading.Thread]()

    def note(thread: threading.Thread) -> None:
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", note)
    with ThreadExecutor() as executor:
        assert not started
        job = Job()
        executor.submit(job)
        wait_until(lambda: job.ran)
    assert [each.name for each in started] == ["oob-heal-manager", "oob-heal-worker"]
    assert all(each.daemon for each in started)  # H25


def test_no_more_threads_run_and_no_more_heals_wait_than_it_was_given() -> None:
    gate = Gate()
    with ThreadExecutor(threads=3, queue=5) as executor:
        running = [Job(gate, f"group {n}") for n in range(3)]
        for job in running:
            executor.submit(job)
        gate.wait_for_calls(3)
        waiting = [Job(group=f"group {n}") for n in range(5)]
        for job in waiting:
            executor.submit(job)
        for _ in range(3):
            with pytest.raises(HealRejectedError, match="full"):
                executor.submit(Job(group="one more"))
        assert gate.calls == 3
        gate.opened.set()
        wait_until(lambda: all(job.ran for job in running + waiting))


def test_no_group_has_more_than_half_of_the_threads_or_of_the_queue() -> None:
    gate = Gate()
    with ThreadExecutor(threads=4, queue=10) as executor:
        hogs = [Job(gate) for _ in range(7)]  # 2 of 4 threads run, 5 of 10 places wait
        for number, job in enumerate(hogs):
            executor.submit(job)
            if number < 2:
                gate.wait_for_calls()
        with pytest.raises(HealRejectedError, match="half"):
            executor.submit(Job(gate))
        others = [Job(group="b") for _ in range(5)]
        for job in others:
            executor.submit(job)
        wait_until(lambda: all(job.ran for job in others))
        assert gate.calls == 2
        gate.opened.set()
        wait_until(lambda: all(job.ran for job in hogs))


def test_functions_that_name_one_dependency_share_its_half() -> None:
    world, gate = World("memory", "sync"), Gate()
    with ThreadExecutor(threads=2) as executor:
        both = [
            world.decorate(
                blocking(gate), name=name, dependency="db", executor=executor, default=None
            )
            for name in ("f", "g")
        ]
        for function in both:
            function(1)
        gate.wait_for_calls()
        other = world.decorate(lambda n: n, name="h", executor=executor, default=None)
        other(1)
        wait_until(lambda: other.cache_info().healed)
        assert gate.calls == 1
        gate.opened.set()
        wait_until(lambda: all(function.cache_info().healed for function in both))


def test_closing_runs_what_is_queued_and_then_rejects() -> None:
    executor = ThreadExecutor(threads=2)
    jobs = [Job(group=str(n)) for n in range(50)]
    for job in jobs:
        executor.submit(job)
    executor.close()
    assert all(job.ran for job in jobs)
    executor.close()
    with pytest.raises(HealRejectedError, match="closed"):
        executor.submit(Job())


def test_what_closing_cannot_run_within_its_grace_is_cut_off() -> None:
    gate = Gate()
    executor = ThreadExecutor(threads=1)
    running, waiting = Job(gate), Job()
    executor.submit(running)
    gate.wait_for_calls()
    executor.submit(waiting)
    executor.close(0.01)
    assert waiting.was_cut_off
    gate.opened.set()
    wait_until(lambda: running.ran)
    assert not waiting.ran


def test_dropping_it_open_warns_and_its_threads_end() -> None:
    executor: Any = ThreadExecutor()
    job = Job()
    executor.submit(job)
    wait_until(lambda: job.ran)
    pool = executor._pool
    kept = [executor]
    del executor
    with pytest.warns(ResourceWarning, match="close it"):
        kept.clear()
    wait_until(lambda: not pool.workers and not pool.managed)


def test_with_no_thread_to_be_had_heals_wait_until_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # H31
    start, refused = threading.Thread.start, threading.Event()

    def cannot(thread: threading.Thread) -> None:
        if thread.name == "oob-heal-worker" and not refused.is_set():
            refused.set()
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", cannot)
    with ThreadExecutor() as executor:
        job = Job()
        executor.submit(job)
        wait_until(lambda: job.ran)
        assert refused.is_set()


def test_an_async_function_heals_in_a_loop_of_its_own_on_a_thread() -> None:
    world = World("store", "async")
    names: list[str] = []

    async def source(n: int) -> str:
        await anyio.sleep(0)
        names.append(threading.current_thread().name)
        return "v"

    with ThreadExecutor() as executor:
        function = world.decorate(source, executor=executor, default="default")
        assert world.do(function(1)) == "default"
        wait_until(lambda: function.cache_info().healed)
    assert names == ["oob-heal-worker"]


# H14: what a user's own pool lets go of is lost, and counted once.
def test_heals_that_a_pool_cancels_at_its_end_are_lost() -> None:
    world, gate = World("store", "sync"), Gate()
    pool = concurrent.futures.ThreadPoolExecutor(1)
    function = world.decorate(blocking(gate), name="f", executor=pool, default="default")
    for n in range(10):
        function(n)
    gate.wait_for_calls()
    pool.shutdown(wait=False, cancel_futures=True)
    assert (function.cache_info().lost, function.cache_info().healing) == (9, 1)
    gate.opened.set()
    pool.shutdown()
    assert (function.cache_info().healed, function.cache_info().healing) == (1, 0)
    function(5)
    assert function.cache_info().dropped == 1
    assert Outcome.LOST.value == "lost"
    world.ledger_balances()
