"""One run: the processes, the load, and what happens to the store meanwhile."""

import asyncio
import gc
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import airportsdata

from fleet_parts.load import Load, Sample
from fleet_parts.plan import Phase, Plan, Way, choose_codes, plan_arrivals
from fleet_parts.processes import Processes, Store
from fleet_parts.progress import Progress
from outage_parts.children import free_port
from outage_parts.load import get
from outage_parts.servers import LOOPBACK

START_LIMIT = 30.0
YARDSTICK = 0.05  # s between two looks at what the machine costs
OFFSET = 1 / 200
"""Between the loads of the two ways, in seconds: they shall not jostle for the cores."""


@dataclass(frozen=True)
class Call:
    """One call that reached the dependency; times in seconds from the start of the load."""

    began: float
    ended: float
    way: Way
    worker: int
    code: str


@dataclass
class Result:
    """What a run came to."""

    plan: Plan
    phases: list[tuple[Phase, float]] = field(default_factory=list)  # each with its real start
    samples: dict[Way, list[Sample]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    fresh_after: float | None = None  # s from when the store was back to the first fresh answer
    busy: float = 0.0  # s that this machine alone cost a request, at most: see `_yardstick`

    def phase_at(self, at: float) -> Phase:
        """The phase that a moment lies in."""
        return [phase for phase, start in self.phases if start <= at or start == 0.0][-1]

    def starts(self, phase: Phase) -> float:
        """When a phase really began."""
        return dict(self.phases)[phase]


def run_fleet(plan: Plan) -> Result:
    """Run it all; every process that this starts has ended when it returns or raises."""
    with tempfile.TemporaryDirectory() as folder, Processes() as processes:
        return asyncio.run(_run(plan, processes, Path(folder, "calls.log")))


async def _run(plan: Plan, processes: Processes, call_log: Path) -> Result:
    codes = choose_codes(plan, list(airportsdata.load("IATA")))
    store = processes.store()
    port = await _start_fleet(plan, processes, store, call_log)
    loads = {
        way: Load(port, way, plan_arrivals(plan, codes, seed), plan.patience)
        for seed, way in enumerate(Way)
    }
    result = Result(plan, samples={way: load.samples for way, load in loads.items()})
    began = time.time() + 0.1
    gc.disable()  # a collection would delay the load, and look like a delay of the service
    await _drive(result, port, loads, store, call_log, began)
    gc.enable()
    result.calls = read_calls(call_log, began)
    result.fresh_after = _fresh_after(result)
    result.busy = max(result.busy, *(load.lateness for load in loads.values()))
    return result


async def _start_fleet(plan: Plan, processes: Processes, store: Store, call_log: Path) -> int:
    """Start the dependency and the workers; return the port once all of them answer."""
    port, dependency = free_port(), free_port()
    processes.start("fleet_parts.dependency", str(dependency), str(call_log), str(plan.slowness))
    processes.start(
        *("uvicorn", "fleet_parts.app:app", "--workers", str(plan.workers)),
        *("--host", LOOPBACK, "--port", str(port), "--log-level", "error"),
        *("--timeout-worker-healthcheck", "60"),  # a busy machine is no reason to kill a worker
        FLEET_STORE=store.url,
        FLEET_DEPENDENCY=f"http://{LOOPBACK}:{dependency}",
        FLEET_TTL=str(plan.ttl),
    )
    await _until_there(port, "/who", plan.workers)
    await _until_there(dependency, "/nobody", 0)
    return port


async def _until_there(port: int, path: str, workers: int) -> None:
    """Ask until somebody answers, or so many workers have."""
    seen: set[int] = set()
    until = time.monotonic() + START_LIMIT
    while True:
        try:
            seen.add((await get(port, path))[1].get("worker", 0))
            if len(seen) >= workers:
                return
        except OSError:
            await asyncio.sleep(0.05)
        if time.monotonic() > until:
            raise RuntimeError(f"only {len(seen)} of {workers} workers came up")


async def _drive(
    result: Result, port: int, loads: dict[Way, Load], store: Store, call_log: Path, began: float
) -> None:
    clock = asyncio.get_running_loop().time
    start = clock() + began - time.time()
    progress = Progress(result, loads, lambda: read_calls(call_log, began))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(progress.watch(start))
        tasks.create_task(_conduct(result, store, start))
        tasks.create_task(_yardstick(result, port))
        for number, load in enumerate(loads.values()):
            tasks.create_task(load.run(start + number * OFFSET))
    progress.finish()


async def _conduct(result: Result, store: Store, start: float) -> None:
    """Lead the store through its phases, and note when each really began."""
    clock = asyncio.get_running_loop().time
    due = start
    for phase, length in result.plan.durations.items():
        await asyncio.sleep(due - clock())
        if phase is Phase.DEAD:
            store.kill()
        elif phase is Phase.BACK:
            await asyncio.to_thread(store.start)
        result.phases.append((phase, clock() - start if result.phases else 0.0))
        due += length


async def _yardstick(result: Result, port: int) -> None:
    """Note how long the slowest request took that asks the workers, and no cache."""
    clock = asyncio.get_running_loop().time
    until = clock() + result.plan.length
    while (asked := clock()) < until:
        await get(port, "/who")
        result.busy = max(result.busy, clock() - asked)
        await asyncio.sleep(YARDSTICK)


def read_calls(call_log: Path, began: float) -> list[Call]:
    """The calls that the dependency has seen since then."""
    calls = []
    for line in call_log.read_text().splitlines():
        ended, *caller = line.split()
        if len(caller) == 4:  # else it was us, who looked whether it is there
            at, way, worker, code = caller
            if float(at) >= began:
                times = float(at) - began, float(ended) - began
                calls.append(Call(*times, Way(way), int(worker), code))
    return calls


def _fresh_after(result: Result) -> float | None:
    back = result.starts(Phase.BACK)
    fresh = [
        sample.at + sample.latency
        for sample in result.samples[Way.SHARED]
        if sample.at >= back and sample.freshness == "fresh"
    ]
    return min(fresh) - back if fresh else None
