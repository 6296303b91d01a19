"""A shared store for real processes: served on loopback by the test, which keeps its clock.

``StoreServer`` runs in the test; ``RemoteBackend`` is another process's way to it. What the
processes have to tell the test, and the messages of an engine, go the same way.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any, Self

from oob_heal._model import Lease, Refused
from oob_heal.backends.bytestore import LONGEST_KEEP
from oob_heal.testing import SharedStore
from tests.waiting import LIMIT, wait_until

ROOT = Path(__file__).resolve().parents[1]
SECRET = b"on loopback, among tests"


class StoreServer:
    """A store, a queue of messages, and what the processes noted."""

    def __init__(self) -> None:
        self.store = SharedStore()
        self.messages: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.notes: list[tuple[str, Any]] = []
        self.started: list[subprocess.Popen[bytes]] = []
        self._listener = Listener(("127.0.0.1", 0), authkey=SECRET, backlog=64)
        self.port: int = self._listener.address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="loopback", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.started:
            process.kill()
            process.wait(LIMIT)
        self._listener.close()

    def start(self, code: str) -> subprocess.Popen[bytes]:
        """Another process, which runs ``code`` with ``backend``, ``note`` and ``take`` at hand."""
        head = f"from tests.loopback import *\nbackend, note, take = connect({self.port})\n"
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", head + code],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self.started.append(process)
        return process

    def noted(self, what: str, count: int = 1) -> list[Any]:
        """Wait for as many notes of a kind; what they say."""
        wait_until(lambda: len(self._of(what)) >= count)
        return self._of(what)

    def _of(self, what: str) -> list[Any]:
        return [said for kind, said in list(self.notes) if kind == what]

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        with connection:
            while True:
                try:
                    verb, args, kwargs = connection.recv()
                    connection.send(self._do(verb, args, kwargs))
                except (EOFError, OSError):
                    return

    def _do(self, verb: str, args: Any, kwargs: Any) -> Any:
        if verb == "note":
            return self.notes.append(args)
        if verb == "take":
            return self.messages.get()
        if verb == "now":
            return self.store.clock()
        return getattr(self.store, verb)(*args, **kwargs)


class Wire:
    """One process's connections to the server: one a thread."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._own = threading.local()

    def ask(self, verb: str, *args: Any, **kwargs: Any) -> Any:
        if not hasattr(self._own, "connection"):
            self._own.connection = Client(("127.0.0.1", self.port), authkey=SECRET)
        self._own.connection.send((verb, args, kwargs))
        return self._own.connection.recv()


class RemoteBackend:
    """A store in the process that tests, as another process has it."""

    stores_bytes = True
    shared_leases = True
    store_clock = True
    deadline = LIMIT
    longest_keep = LONGEST_KEEP

    def __init__(self, wire: Wire) -> None:
        self._ask = wire.ask

    def now(self) -> float:
        now: float = self._ask("now")
        return now

    def get(self, key: str) -> Any:
        return self._ask("get", key)

    def set(self, key: str, entry: bytes, keep_for: float) -> None:
        self._ask("set", key, entry, keep_for)

    def delete(self, key: str) -> None:
        self._ask("delete", key)

    def mark_stale(self, key: str) -> None:
        self._ask("mark_stale", key)

    def clear(self, scope: str) -> None:
        self._ask("clear", scope)

    def acquire(
        self, key: str, lease_for: float, *, adopt: str | None = None, force: bool = False
    ) -> Lease | Refused:
        granted: Lease | Refused = self._ask("acquire", key, lease_for, adopt=adopt, force=force)
        return granted

    def commit(self, lease: Lease, entry: bytes | None, keep_for: float) -> bool:
        return bool(self._ask("commit", lease, entry, keep_for))

    def release(self, lease: Lease, retry_after: float = 0) -> None:
        self._ask("release", lease, retry_after)


def connect(port: int) -> tuple[RemoteBackend, Any, Any]:
    """What another process has: its backend, ``note(kind, said)``, ``take() -> message``."""
    wire = Wire(port)
    return (
        RemoteBackend(wire),
        lambda kind, said=None: wire.ask("note", kind, said),
        lambda: wire.ask("take"),
    )
