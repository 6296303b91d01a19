"""The examples that show what the cache hides run, and show no argument."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.amounts import FULL

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
LIMIT = 40.0  # s, on a busy machine

pytestmark = pytest.mark.skipif(
    "OOB_HEAL_PLANTED" in os.environ, reason="faults are planted in a copy without examples"
)


def test_the_fastapi_service_shows_age_and_state_and_says_when_a_promise_is_not_kept() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / "http_service.py")],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=True,
    )
    absent, fresh, stale, ready, live = done.stdout.splitlines()
    assert absent.startswith("503 /prices/tea")
    assert "detail=absent-error" in absent
    assert re.search(r"200 .*'Age': '0', .*oob_heal; hit; ttl=\d+", fresh)
    assert re.search(r"200 .*'Age': '\d+', .*oob_heal; hit; ttl=-\d+", stale)
    assert ready.startswith('503 /ready {"ok":false')
    assert live == '200 /live {"ok":true}'


@pytest.fixture(scope="module")
def dashboard() -> Iterator[str]:
    """Its address, while it runs."""
    pytest.importorskip("airportsdata", reason="pip install -e '.[examples]'")
    command = [sys.executable, str(EXAMPLES / "dashboard.py"), "--port", "0", "--short"]
    # Where these tests were started to ignore Ctrl-C, it is not to inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        signal.signal(signal.SIGINT, before)
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT) == 0


def got(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:
        read: bytes = answer.read()
    return read


def data_of(dashboard: str, rows: int) -> dict[str, Any]:
    """What the page shows, once it has so many rows."""
    until = time.monotonic() + LIMIT
    while True:
        data: dict[str, Any] = json.loads(got(dashboard + "data"))
        if len(data["rows"]) >= rows:
            return data
        assert time.monotonic() < until
        time.sleep(0.1)


def test_the_dashboards_figures_are_what_the_clients_counted(dashboard: str) -> None:
    data = data_of(dashboard, 3)
    cache, client = data["totals"]["answers"], data["totals"]["client"]
    for counted, seen in (
        (cache["fresh"] + cache["stale"], client["value"]),
        (cache["default"], client["default"]),
        (cache["error"], client["error"]),
    ):
        assert abs(counted - seen) <= 5, "what is under way while both are read, at 50 a second"
    assert client["value"] > 50


# H36
def test_no_argument_shows_on_the_page(dashboard: str) -> None:
    data = data_of(dashboard, 2)
    shown = json.dumps(data) + "".join(
        got(dashboard + file).decode() for file in ("", "page.css", "page.js")
    )
    assert not re.findall(r"\b[A-Z]{3}\b", shown), "an airport's code is three capitals"
    assert "http" not in shown, "nothing is fetched from elsewhere"


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.skipif(not FULL, reason="a browser takes a while")
@pytest.mark.skipif(chromium() is None and "CI" not in os.environ, reason="no Chromium here")
def test_a_real_browser_draws_the_page(dashboard: str) -> None:
    data_of(dashboard, 3)
    program = chromium()
    assert program is not None, "CI has a browser"
    with tempfile.TemporaryDirectory() as profile:
        quiet = ("gpu", "quic", "background-networking", "component-update", "sync")
        done = subprocess.run(
            [
                *(program, "--headless", "--no-sandbox", "--no-first-run"),
                *(f"--disable-{each}" for each in quiet),
                *(f"--user-data-dir={profile}", "--window-size=390,900"),
                *("--virtual-time-budget=3000", "--dump-dom", dashboard),
            ],
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=True,
        )
    drawn = re.search(r'data-drawn="(\d+)"', done.stdout)
    assert drawn is not None
    assert int(drawn[1]) >= 3
    assert done.stdout.count("<path") >= 2 + 4 + 6, "lines of ages, kinds of answers, outcomes"
    assert re.search(r'id="trouble"[^>]* hidden', done.stdout)
