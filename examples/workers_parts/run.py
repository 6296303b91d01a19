"""One run: the processes, the load, and the worker that is killed in the middle of a heal."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import airportsdata
import httpx

from fleet_parts.processes import Processes
from outage_parts.children import free_port
from outage_parts.servers import LOOPBACK
from workers_parts.plan import Plan, choose_codes

BESIDE = 0.25  # so many requests that ask no cache, to each that does


@dataclass(frozen=True)
class Answered:
    """One request: when it was due and answered (time of day), for what, and how it went."""

    due: float
    at: float
    code: str
    freshness: str  # "error" if there was no answer
    dated: float | None  # the time at which the heal began that brought the value


@dataclass
class Result:
    """What a run came to."""

    plan: Plan
    codes: list[str]
    answers: list[Answered] = field(default_factory=list)
    calls: list[tuple[float, str, int, str]] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)  # s, of requests that ask no cache
    service_pid: int = 0
    killed_at: float = 0.0
    killed_pid: int = 0
    killed_code: str = ""


class Shop:
    """The processes of the run."""

    def __init__(self, plan: Plan, processes: Processes, folder: Path) -> None:
        self.plan = plan
        self.log = folder / "calls"
        self.log.touch()
        self._processes = processes
        self.port, port = free_port(), free_port()
        processes.start("workers_parts.dependency", str(port), str(self.log), str(plan.slowness))
        self._settings = {
            "SHOP_ENGINE": plan.engine,
            "SHOP_STORE": processes.store().url,
            "SHOP_DEPENDENCY": f"http://{LOOPBACK}:{port}",
            "SHOP_TTL": str(plan.ttl),
        }
        words = ("uvicorn", "workers_parts.service:app", "--port", str(self.port))
        processes.start(*words, "--log-level", "warning", "--no-access-log", **self._settings)

    def start_worker(self) -> subprocess.Popen[bytes]:
        """One more worker, by the engine's own command."""
        if self.plan.engine == "celery":
            words = ["celery", "--quiet", "-A", "workers_parts.shop:engine", "worker", "-c", "1"]
            words += ["-l", "CRITICAL", "--without-gossip", "--without-mingle"]
        else:
            words = ["taskiq", "worker", "workers_parts.shop:engine", "-w", "1"]
            words += ["--max-async-tasks", "4", "--log-level", "CRITICAL"]
        return self._processes.start(*words, **self._settings)

    def calls(self) -> list[tuple[float, str, int, str]]:
        """What the dependency has seen: when, began or ended, the caller's pid, the airport."""
        lines = (line.split() for line in self.log.read_text().splitlines())
        return [(float(at), what, int(pid), code) for at, what, pid, code in lines]

    def inside(self) -> dict[int, str]:
        """The calls that go on: the caller's pid, and the airport."""
        going: dict[int, str] = {}
        for _, what, pid, code in self.calls():
            if what == "began":
                going[pid] = code
            else:
                going.pop(pid, None)
        return going


def run_shop(plan: Plan) -> Result:
    """Run it all; every process that this starts has ended when it returns or raises."""
    with tempfile.TemporaryDirectory() as folder, Processes() as processes:
        return asyncio.run(_run(plan, Shop(plan, processes, Path(folder))))


async def _run(plan: Plan, shop: Shop) -> Result:
    result = Result(plan, choose_codes(plan, list(airportsdata.load("IATA"))))
    workers = [shop.start_worker() for _ in range(plan.workers)]
    url = f"http://{LOOPBACK}:{shop.port}"
    async with httpx.AsyncClient(base_url=url, timeout=plan.patience, trust_env=False) as client:
        await _until_all_work(result, client, shop, workers)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_load(result, client))
            tasks.create_task(_watch(result))
            tasks.create_task(_conduct(result, shop, workers))
    result.calls = shop.calls()
    return result


async def _until_all_work(
    result: Result, client: httpx.AsyncClient, shop: Shop, workers: list[subprocess.Popen[bytes]]
) -> None:
    """Wait until the service answers, and each worker has healed something."""
    until = time.monotonic() + result.plan.starts_within
    known = list(airportsdata.load("IATA"))
    while True:
        if time.monotonic() > until or any(each.poll() is not None for each in workers):
            raise RuntimeError("the service and its workers did not come up")
        try:
            result.service_pid = (await client.get("/pid")).json()["pid"]
            await asyncio.gather(
                *(client.get(f"/airports/{code}") for code in random.sample(known, 4))
            )
        except httpx.HTTPError:
            pass
        groups = {os.getpgid(pid) for _, _, pid, _ in shop.calls() if _lives(pid)}
        if groups >= {each.pid for each in workers}:
            return
        await asyncio.sleep(0.2)


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def _load(result: Result, client: httpx.AsyncClient) -> None:
    """An open-loop load: each request is sent when it is due, whatever became of the others."""
    chance, plan = random.Random(result.plan.seed), result.plan
    start, due = time.time(), 0.0
    async with asyncio.TaskGroup() as tasks:
        while due < plan.length:
            await asyncio.sleep(max(0.0, start + due - time.time()))
            code = chance.choice(result.codes)
            tasks.create_task(_ask(result, client, start + due, code))
            if chance.random() < BESIDE:
                tasks.create_task(_ask_beside(result, client, start + due))
            due += chance.expovariate(plan.rate)


async def _ask(result: Result, client: httpx.AsyncClient, due: float, code: str) -> None:
    try:
        body = (await client.get(f"/airports/{code}")).json()
        freshness, age = body["freshness"], body["age"]
    except (httpx.HTTPError, ValueError, KeyError):
        freshness, age = "error", None
    at = time.time()
    dated = None if age is None else at - age
    result.answers.append(Answered(due, at, code, freshness, dated))


async def _ask_beside(result: Result, client: httpx.AsyncClient, due: float) -> None:
    """Note how long a request takes that asks no cache: what the machine alone costs."""
    with contextlib.suppress(httpx.HTTPError):  # as long as it is waited for
        await client.get("/pid")
    result.beside.append(time.time() - due)


async def _watch(result: Result) -> None:
    """A line a second."""
    print(f"{'':>6}{'requests':>10}{'fresh':>8}{'stale':>8}{'default':>9}{'errors':>8}")
    start = time.time()
    for second in range(1, round(result.plan.length) + 1):
        await asyncio.sleep(max(0.0, start + second - time.time()))
        last = [each for each in result.answers if each.at >= start + second - 1]
        fresh, stale, absent, error = (
            sum(each.freshness in kinds for each in last)
            for kinds in (("fresh",), ("stale",), ("absent", "expired"), ("error",))
        )
        counts = f"{len(last):>10}{fresh:>8}{stale:>8}{absent:>9}{error:>8}"
        print(f"{second:>4} s{counts}", flush=True)


async def _conduct(result: Result, shop: Shop, workers: list[subprocess.Popen[bytes]]) -> None:
    """Kill one worker while it is inside the dependency, and start another one later."""
    await asyncio.sleep(result.plan.warm)
    victim = workers[0]
    until = time.monotonic() + result.plan.alone / 2
    while time.monotonic() < until:
        inside = {p: code for p, code in shop.inside().items() if code in result.codes}
        theirs = {p: code for p, code in inside.items() if _group(p) == victim.pid}
        if theirs:
            os.killpg(victim.pid, signal.SIGKILL)
            result.killed_at = time.time()
            result.killed_pid, result.killed_code = next(iter(theirs.items()))
            print(
                f"       SIGKILL: worker {victim.pid}, in the middle of healing"
                f" {result.killed_code}"
            )
            break
        await asyncio.sleep(0.002)
    await asyncio.sleep(result.plan.alone)
    print("       a worker is started in its place")
    shop.start_worker()


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0
