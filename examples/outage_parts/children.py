"""The processes of a run: every one is started here, and ended here by its own pid.

A child also ends by itself when the pipe to its standard input closes, so that none is left
behind even if this process is killed.
"""

import json
import os
import random
import select
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

from outage_parts.servers import LOOPBACK

START_LIMIT = 20.0
STOP_LIMIT = 2.0


class Child:
    """A process that serves HTTP on `port`."""

    def __init__(self, program: ModuleType, settings: dict[str, Any]) -> None:
        self._name = program.__name__
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", self._name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": _our_own_path()},
            start_new_session=True,  # Ctrl-C is for us alone: we end the children in order
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(settings).encode() + b"\n")
        self._process.stdin.flush()
        self.port = 0

    def wait_until_ready(self) -> None:
        """Return once the child serves; RuntimeError when it ends or takes too long instead."""
        out = self._process.stdout
        assert out is not None
        said = out.readline() if select.select([out], [], [], START_LIMIT)[0] else b""
        if not said:
            raise RuntimeError(f"{self._name} (pid {self._process.pid}) did not come up")
        self.port = int(said)

    def kill(self) -> None:
        """SIGKILL: the child gets no chance to say goodbye to anyone."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End the child, kindly if it lets us; ending one that has ended is fine."""
        self._process.terminate()
        try:
            self._process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


class Children:
    """All children of a run; leaving the context ends them, whatever happened inside."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    def launch(self, program: ModuleType, **settings: Any) -> Child:
        """Start a child that runs the program's `main`, without waiting for it."""
        child = Child(program, settings)
        self._children.append(child)
        return child

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for child in reversed(self._children):
            child.stop()


def free_port() -> int:
    """A port for the dependency, which must be free again when it is restarted.

    It lies below the range that systems hand out by themselves: there, while the dependency is
    dead, some other connection could be given its port, even the very one that tries to reach it.
    """
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise RuntimeError("found no free port between 20000 and 30000")


def _our_own_path() -> str:
    """The children import what we import, wherever they are started."""
    examples = str(Path(__file__).parent.parent)
    return os.pathsep.join([examples, *filter(None, sys.path)])
