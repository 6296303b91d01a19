"""Real servers: gunicorn that preloads and forks, uvicorn with workers; stopped by a signal."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1]
LIMIT = 40.0  # s, for a busy machine

SHOP = """
import os
from oob_heal import HealingCache

cache = HealingCache()

@cache(ttl=3600, default=None)
def healed_by(article):
    return os.getpid()

IN_MASTER = healed_by.heal_now("tea")

def text():
    return f"{os.getpid()} {healed_by('tea')} {healed_by('coffee')}".encode()

def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [text()]

async def asgi(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": text()})
"""
GUNICORN = ["gunicorn", "--preload", "--workers", "2", "--bind", "fd://{fd}", "shop:wsgi"]
UVICORN = ["uvicorn", "--workers", "2", "--fd", "{fd}", "--lifespan", "off", "shop:asgi"]


@contextmanager
def served(folder: Path, command: list[str]) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Its address, on a socket that it inherits; ended by its own pid in any case."""
    (folder / "shop.py").write_text(SHOP)
    path = os.pathsep.join([str(folder), os.environ.get("OOB_HEAL_PLANTED", str(PACKAGE))])
    with socket.create_server(("127.0.0.1", 0)) as listening, (folder / "said").open("w") as said:
        server = subprocess.Popen(
            [sys.executable, "-m", *(word.format(fd=listening.fileno()) for word in command)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            stdout=said,
            stderr=said,
            pass_fds=[listening.fileno()],
            start_new_session=True,
        )
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", server
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)  # its workers, too
            server.wait(LIMIT)


def answers(address: str) -> list[str]:
    """Worker, who healed tea, who healed coffee."""
    with urllib.request.urlopen(address, timeout=LIMIT) as answer:
        return str(answer.read().decode()).split()


def several(work: Callable[[str], list[str]], of: list[str]) -> list[list[str]]:
    """At once, so that more than one worker has something to do."""
    with ThreadPoolExecutor(len(of)) as pool:
        return list(pool.map(work, of))


@pytest.mark.parametrize("command", [GUNICORN, UVICORN], ids=["gunicorn", "uvicorn"])
def test_each_worker_heals_by_itself_and_the_server_stops_when_told(
    command: list[str], tmp_path: Path
) -> None:
    pytest.importorskip(command[0])
    with served(tmp_path, command) as (address, server):
        until = time.monotonic() + LIMIT
        healed: dict[str, list[str]] = {}
        while len(healed) < 2:
            assert time.monotonic() < until, f"two workers should have healed: {healed}"
            for worker, tea, coffee in several(answers, [address] * 4):
                if coffee != "None":
                    healed[worker] = [tea, coffee]
        for worker, (tea, coffee) in healed.items():
            assert coffee == worker, "each has a memory and healers of its own"
            assert (tea != worker) == (command is GUNICORN), "what was warmed up before the fork"
        server.send_signal(signal.SIGTERM)
        assert server.wait(LIMIT) in (0, -signal.SIGTERM), "it stops, whatever the heals do"
