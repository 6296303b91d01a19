"""The threads under the executor that lends them: who waits, who runs, who hangs.

Law: submit only appends to a bounded queue and wakes a thread. Threads are daemons and start
with the first heal: the caller starts one manager, the manager starts the workers and watches
them. A worker past its heal's timeout counts as hung, leaves the pool and is replaced, while
fewer hang than the limit. Nothing here knows the executor: a thread keeps its pool alive, and
who drops the executor ends both.
"""

from __future__ import annotations

import threading
from typing import Any

from oob_heal._durations import LONGEST_WAIT
from oob_heal.errors import HealRejectedError
from oob_heal.executors._fair import FairQueue
from oob_heal.ports import Clock

NO_THREAD_WAIT = 0.1  # s until the manager tries again to start a worker


class HealThreads:
    """What the threads share: a queue of heals, and which thread runs which."""

    def __init__(self, threads: int, queue: int, hung: int, clock: Clock) -> None:
        self.threads = threads
        self.queue = FairQueue(queue, threads)
        self.hung_limit = hung
        self.clock = clock
        self.closed = False
        self.renew()

    def after_fork(self, consistent: bool) -> None:
        """In the child: no thread is left, and what was queued is the parent's."""
        self.renew()

    def renew(self) -> None:
        """Start from nothing: no thread, nothing queued."""
        self.lock = threading.Lock()
        self.work_waits = threading.Condition(self.lock)  # workers wait for it
        self.changed = threading.Condition(self.lock)  # manager and close wait for it
        self.queue.clear()
        self.idle = 0
        self.managed = False
        self.workers: set[threading.Thread] = set()
        self.running: dict[threading.Thread, tuple[Any, str, float]] = {}
        self.hung: dict[threading.Thread, str] = {}
        self.kept: set[threading.Thread] = set()  # those that hang beyond the limit

    def submit(self, heal: Any) -> None:
        group = getattr(heal, "group", "")
        with self.lock:
            if self.closed:
                raise HealRejectedError("the thread executor is closed")
            if len(self.hung) >= self.hung_limit and group in self.hung.values():
                raise HealRejectedError(f"{len(self.hung)} threads hang, some of them in {group}")
            if not self.managed:
                self._start_manager()
            shed = self.queue.put(group, heal)
            if self.idle:
                self.work_waits.notify()
            elif len(self.workers) < self.threads:  # else the manager could only look
                self.changed.notify_all()
        if shed is not None:  # not under the lock: with it die a user's arguments
            shed.shed()

    def _start_manager(self) -> None:
        thread = threading.Thread(target=self._manage, name="oob-heal-manager", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            raise HealRejectedError("no thread is to be had for a heal") from error
        self.managed = True

    def _manage(self) -> None:
        """Start workers while heals wait for one, and give up on those that hang."""
        while True:
            with self.lock:
                if self.closed and not self.running and not len(self.queue):
                    self.managed = False
                    return
                started = self._start_worker()
                if started is None:
                    self.changed.wait(self._until_due())
                elif not started:
                    self.changed.wait(NO_THREAD_WAIT)
            self.sweep()

    def _until_due(self) -> float | None:
        due = min((until for _, _, until in self.running.values()), default=None)
        if due is None:
            return None
        return min(max(0.0, due - self.clock()), LONGEST_WAIT)

    def _start_worker(self) -> bool | None:
        """None if no more workers are needed or allowed, False if no thread is to be had."""
        if self.idle or not self.queue.ready() or len(self.workers) >= self.threads:
            return None
        thread = threading.Thread(target=self._work, name="oob-heal-worker", daemon=True)
        self.workers.add(thread)
        self.idle += 1  # until it takes its first heal
        try:
            thread.start()
        except RuntimeError:
            self.workers.discard(thread)
            self.idle -= 1
            return False
        return True

    def _work(self) -> None:
        me = threading.current_thread()
        while (taken := self._take(me)) is not None:
            heal, group = taken
            try:
                heal()
            except BaseException:
                pass
            del heal, taken
            self._done(me, group)

    def _take(self, me: threading.Thread) -> tuple[Any, str] | None:
        """Wait for a heal to run; None when this thread is not needed any more."""
        with self.lock:
            if me not in self.workers:
                return None
            while (picked := self.queue.take()) is None:
                if self.closed:
                    self.idle -= 1
                    self.workers.discard(me)
                    return None
                self.work_waits.wait()
            self.idle -= 1
            group, heal = picked
            until = self.clock() + float(getattr(heal, "timeout", float("inf")))
            self.running[me] = (heal, group, until)
            self.changed.notify_all()
            return heal, group

    def _done(self, me: threading.Thread, group: str) -> None:
        with self.lock:
            ran = self.running.pop(me, None)  # the heal dies with it, once the lock is free
            if ran is not None or me in self.kept:
                self.kept.discard(me)
                self.queue.done(group)
            self.hung.pop(me, None)
            if me in self.workers:
                self.idle += 1
            self.changed.notify_all()

    def sweep(self) -> int:
        now = self.clock()
        with self.lock:
            late = [(who, *rest) for who, rest in self.running.items() if now >= rest[2]]
            for thread, _, group, _ in late:
                del self.running[thread]
                if len(self.hung) < self.hung_limit:
                    self.workers.discard(thread)
                    self.queue.done(group)
                else:  # not replaced: its group has that much less of its share
                    self.kept.add(thread)
                self.hung[thread] = group
            if late:
                self.work_waits.notify_all()
        for _, heal, _, _ in late:
            try:
                heal.give_up()
            except Exception:  # whatever it was: all others wait for whoever sweeps
                pass
        return len(late)

    def close(self, grace: float) -> None:
        with self.lock:
            self.closed = True
            self.work_waits.notify_all()
            self.changed.notify_all()
            self.changed.wait_for(lambda: not len(self.queue) and not self.running, timeout=grace)
            left = self.queue.clear()
            self.changed.notify_all()
        for heal in left:
            heal.cut_off()
