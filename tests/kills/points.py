"""The steps at which a process dies, and the parts that die there.

Law: a point is a no-op with a name, until a process is told to die at that name. A heal's way is
the same in every run; which process is on it, the request's or the worker's, is the only choice.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from oob_heal import HealingCache
from oob_heal.backends.sqlite import SqliteBackend
from oob_heal.executors.queue import QueueExecutor
from oob_heal.executors.threads import ThreadExecutor

PATIENT = 30.0  # s of deadline: a busy machine is no failure
HEAL_TIMEOUT = 30.0  # s
LEASE = HEAL_TIMEOUT + 1.0  # s; one that waits in a queue is shorter

# In the order of a heal. After these, nobody holds the key: the next read heals it at once.
FREE = ("read", "submitting", "acquiring")
# After these it is held, for a lease at most.
HELD = ("granted", "rereading", "reread", "called", "answering", "committing", "failing")
THREADS = ("read", "submitting", "submitted", "acquiring", *HELD, "committed")
# The request's process takes the lease that waits in the queue; the worker's adopts it.
REQUEST = ("submitting", "acquiring", "granted", "sending", "sent")
WORKER = ("received", "adopted", "reread", "called", "answering", "committing", "committed")
DONE = ("committed",)  # nothing is left to heal


class Points:
    """Called with the name of the step that is reached: the end, if it is the one to die at."""

    def __init__(self, fatal: str | None) -> None:
        self.fatal = fatal

    def __call__(self, name: str) -> None:
        if name == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)


class MortalBackend(SqliteBackend):
    """A file of SQLite on a clock ``ahead`` of the machine's by some seconds."""

    def __init__(self, path: str, points: Points, ahead: list[float]) -> None:
        self.points = points
        self.asked_for_a_lease = False
        super().__init__(path, deadline=PATIENT, clock=lambda: time.time() + ahead[0])

    def get(self, key: str) -> bytes | None:
        if threading.current_thread() is threading.main_thread() and not in_worker.is_set():
            found = super().get(key)
            self.points("read")
            return found
        if not self.asked_for_a_lease:  # what the processes tell each other of the dependency
            return super().get(key)
        self.points("rereading")
        found = super().get(key)
        self.points("reread")
        return found

    def acquire(self, key: str, lease_for: float, **options: Any) -> Any:
        self.points("acquiring")
        granted = super().acquire(key, lease_for, **options)
        self.asked_for_a_lease = True
        self.points("adopted" if in_worker.is_set() else "granted")
        return granted

    def commit(self, lease: Any, entry: bytes | None, keep_for: float) -> bool:
        self.points("committing")
        done = super().commit(lease, entry, keep_for)
        self.points("committed")
        return done

    def release(self, lease: Any, retry_after: float = 0) -> None:
        self.points("failing")
        super().release(lease, retry_after)


in_worker = threading.Event()  # set in a worker's process: its main thread heals


class _Mortal:
    """Counts the heals that it is handed."""

    points: Points
    submits = 0

    def submit(self, heal: Any, /) -> Any:
        self.submits += 1
        self.points("submitting")
        taken = super().submit(heal)  # type: ignore[misc]
        self.points("submitted")
        return taken


class MortalThreads(_Mortal, ThreadExecutor):
    """The usual pool."""

    def __init__(self, points: Points) -> None:
        self.points = points
        super().__init__()


class MortalQueue(_Mortal, QueueExecutor):
    """The usual outbox; it looks soon what became of what it sent."""

    def __init__(self, points: Points, send: Any, clock: Any = time.monotonic) -> None:
        self.points = points
        super().__init__(send, clock=clock, look_after=0.05)


class Spool:
    """A queue of files in a folder: what is sent stays until somebody takes it, once."""

    def __init__(self, folder: Path, points: Points) -> None:
        self.folder = folder
        self.points = points
        self.sent = 0

    def send(self, payload: bytes) -> None:
        self.points("sending")
        name = f"{time.monotonic_ns():020}-{os.getpid()}"
        (self.folder / f"{name}.new").write_bytes(payload)
        (self.folder / f"{name}.new").rename(self.folder / f"{name}.event")
        self.sent += 1
        self.points("sent")

    def take(self) -> bytes | None:
        """The oldest; None if there is none."""
        for path in sorted(self.folder.glob("*.event")):
            try:
                taken = path.rename(path.with_suffix(f".{os.getpid()}"))
            except FileNotFoundError:  # somebody else has it
                continue
            payload = taken.read_bytes()
            taken.unlink()
            return payload
        return None


def decorated(cache: HealingCache, folder: Path, points: Points) -> Any:
    """The function that each process decorates; its calls stand in a file."""
    calls = os.open(folder / "calls", os.O_APPEND | os.O_CREAT | os.O_WRONLY)

    @cache(ttl=3_600, jitter=0, heal_timeout=HEAL_TIMEOUT, default=-1, name="kills.source")
    def source(n: int) -> int:
        os.write(calls, b"%d\n" % n)
        points("called")
        if points.fatal == "failing":
            raise ConnectionError("away")
        points("answering")
        return 2 * n

    return source
