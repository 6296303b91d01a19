"""The recipes of ``docs/how-to/use-a-cache-you-have.md`` keep what every backend promises.

The classes are taken from the page as they stand there. memcached is Debian's, as a subprocess on a
free loopback port: absent, its tests skip at the desk and fail in CI.
"""

from __future__ import annotations

import ast
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from oob_heal.testing import BackendContract, ManualClock
from tests.children import ROOT
from tests.redis.servers import free_port
from tests.stores.test_django import promises

PAGE = ROOT / "docs/how-to/use-a-cache-you-have.md"
PATIENCE = 10.0  # s

pytestmark = pytest.mark.skipif(
    "OOB_HEAL_PLANTED" in os.environ, reason="faults are planted in a copy without docs"
)


def recipes() -> dict[str, Any]:
    """The page's imports and classes, made."""
    blocks = PAGE.read_text(encoding="utf-8").split("```python\n")[1:]
    space: dict[str, Any] = {}
    for block in blocks:
        for node in ast.parse(block.partition("```")[0]).body:
            if isinstance(node, (ast.Import, ast.ImportFrom, ast.ClassDef)):
                exec(compile(ast.Module([node], []), str(PAGE), "exec"), space)
    return space


def on_the_tests_clock(backend: Any, clock: ManualClock) -> Any:
    backend.now = backend._leases.clock = clock
    backend._leases.reset()
    return backend


@pytest.fixture(scope="module")
def memcached() -> Iterator[int]:
    """The port of one that answers."""
    program = shutil.which("memcached")
    if program is None:
        absent = "no memcached here: apt-get install memcached"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(absent)
        pytest.skip(absent)
    port = free_port()
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    server = subprocess.Popen([program, "-l", "127.0.0.1", "-p", str(port), *user])
    try:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < until, "memcached did not start"
                time.sleep(0.01)
        yield port
    finally:
        server.kill()
        server.wait(PATIENCE)


def kept(make: Callable[[ManualClock], Any], promised: str) -> None:
    contract = BackendContract(make)
    (promise,) = [each for each in contract.promises() if str(each) == promised]
    promise()


@pytest.mark.parametrize("promised", promises())
def test_the_recipe_for_memcached_promises_that(memcached: int, promised: str) -> None:
    space = recipes()
    client = space["PooledClient"](("127.0.0.1", memcached), connect_timeout=5, timeout=5)

    def make(clock: ManualClock) -> Any:
        client.flush_all()
        return on_the_tests_clock(space["MemcachedBackend"](client), clock)

    kept(make, promised)
    client.close()


@pytest.mark.parametrize("promised", promises())
def test_the_recipe_for_dogpile_promises_that(tmp_path: Path, promised: str) -> None:
    space = recipes()

    def make(clock: ManualClock) -> Any:
        region = space["make_region"]()
        where = str(tmp_path / f"{len(list(tmp_path.iterdir()))}.dbm")
        region.configure("dogpile.cache.dbm", arguments={"filename": where})
        return on_the_tests_clock(space["DogpileBackend"](region), clock)

    kept(make, promised)


@pytest.mark.parametrize("promised", promises())
def test_the_recipe_for_py_key_value_promises_that(promised: str) -> None:
    space = recipes()
    made: list[Any] = []

    def make(clock: ManualClock) -> Any:
        made.append(space["KeyValueBackend"](space["MemoryStore"](), deadline=PATIENCE))
        return on_the_tests_clock(made[-1], clock)

    try:
        kept(make, promised)
    finally:
        for backend in made:
            backend.close()
