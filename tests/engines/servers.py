"""Brokers for tests: nats-server with JetStream and rabbitmq-server, beside Redis and Valkey.

Law: a subprocess of the tests on free loopback ports, files in a folder of its own, ended by its
own pid. What is absent skips at the desk and fails in CI.
"""

from __future__ import annotations

import contextlib
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

from tests.redis.servers import Server as RedisServer
from tests.redis.servers import free_port

STARTS_WITHIN = 60.0  # s: RabbitMQ takes ten on an idle machine
RABBIT = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # Debian's own wrapper changes the user


def needed(program: str, package: str) -> str:
    """Where a program is; without it the test is skipped, or fails where engines are asked for."""
    found = shutil.which(program)
    if found is None:
        absent = f"no {program} here: apt-get install {package}"
        if os.environ.get("OOB_HEAL_ENGINE"):
            pytest.fail(absent)
        pytest.skip(absent)
    return found


class Broker:
    """A server on loopback; ``url`` leads to it. It may be killed, started again and emptied."""

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="oob-heal-broker-"))
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def start(self) -> None:
        with (self.folder / "out").open("ab") as out:
            self.process = subprocess.Popen(
                self.command(),
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # RabbitMQ's parts end with it
            )
        until = time.monotonic() + STARTS_WITHIN
        while not self.answers():
            said = (self.folder / "out").read_text(errors="replace")[-2_000:]
            assert self.process.poll() is None, f"{self.command()[0]} ended at once: {said}"
            assert time.monotonic() < until, f"{self.command()[0]} did not start: {said}"
            time.sleep(0.05)

    def answers(self) -> bool:
        raise NotImplementedError

    def kill(self) -> None:
        """As a crash."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(STARTS_WITHIN)

    def empty(self) -> None:
        """Lose everything, as a broker that kept nothing on its disk."""
        self.kill()
        for each in self.folder.iterdir():
            if each.name != "out":
                shutil.rmtree(each) if each.is_dir() else each.unlink()
        self.start()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _says(self, words: bytes) -> bytes:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), 1) as s,
        ):
            s.settimeout(1)
            if words:
                s.sendall(words)
            return s.recv(100)
        return b""


class Nats(Broker):
    """nats-server with JetStream."""

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        words = ["-js", "-a", "127.0.0.1", "-p", str(self.port), "-sd", str(self.folder / "data")]
        return [needed("nats-server", "nats-server"), *words]

    def answers(self) -> bool:
        return self._says(b"").startswith(b"INFO")


class Rabbit(Broker):
    """rabbitmq-server, without plug-ins, and without a daemon that outlives it."""

    def __init__(self) -> None:
        self.distribution = free_port()
        super().__init__()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def command(self) -> list[str]:
        needed("rabbitmq-server", "rabbitmq-server")
        return [RABBIT]

    def environment(self) -> dict[str, str]:
        (self.folder / "plugins").write_text("[].")
        erlang = f"-start_epmd false -erl_epmd_port {self.distribution}"
        return {
            **os.environ,
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"oob{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.distribution),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "logs"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{erlang} -kernel inet_dist_use_interface "
            "{127,0,0,1}",
        }

    def answers(self) -> bool:
        return self._says(b"AMQP\x00\x00\x09\x01").startswith(b"\x01")


class Valkey:
    """Valkey as a broker: the same server as a store's, with the same words as the others."""

    def __init__(self) -> None:
        self.server = RedisServer("valkey")
        self.url = self.server.url

    def kill(self) -> None:
        self.server.kill()

    def start(self) -> None:
        self.server.start()

    def empty(self) -> None:
        self.server.say("FLUSHALL")

    def close(self) -> None:
        self.server.close()


MAKERS: dict[str, Any] = {"redis": Valkey, "nats": Nats, "rabbit": Rabbit}
