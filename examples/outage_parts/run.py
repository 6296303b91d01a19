"""One run: the processes, the load, and what happens to the dependency meanwhile."""

import asyncio
import contextlib
import gc
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import airportsdata

from outage_parts import dependency as dependency_program
from outage_parts import services as services_program
from outage_parts.children import Child, Children, free_port
from outage_parts.load import Load, Sample, get
from outage_parts.plan import ARCHITECTURES, HEALING, Phase, Plan, choose_codes, plan_arrivals
from outage_parts.progress import Progress
from outage_parts.servers import LOOPBACK

OFFSET = 1 / 150
"""Between the three requests of one arrival, in seconds: they shall not jostle for the cores."""

YARDSTICK = 0.05
"""Between two requests that ask nothing, in seconds."""


@dataclass
class Result:
    """What a run came to; the dictionaries by the architecture's key."""

    plan: Plan
    phases: list[tuple[Phase, float]] = field(default_factory=list)  # each with its real start
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)  # that the dependency has seen
    attempts: dict[str, int] = field(default_factory=dict)  # that the services have made
    cache: dict[str, Any] = field(default_factory=dict)  # what the service says of its cache
    lateness: float = 0.0  # of the load itself
    busy: float = 0.0  # s that this machine alone cost a request, at most: see `_yardstick`

    def phase_at(self, at: float) -> Phase:
        """The phase that a request arrived in."""
        return [phase for phase, start in self.phases if start <= at or start == 0.0][-1]


class Dependency:
    """The dependency's process, and the address and the call log that outlive it."""

    def __init__(self, children: Children, call_log: Path) -> None:
        self.port = free_port()
        self._children = children
        self._call_log = call_log
        self._process: Child

    async def start(self) -> None:
        self._process = self._children.launch(
            dependency_program, port=self.port, call_log=str(self._call_log)
        )
        await asyncio.to_thread(self._process.wait_until_ready)

    async def enter(self, phase: Phase, slowness: float) -> None:
        """Make of the dependency what the phase says."""
        match phase:
            case Phase.SLOW:
                await get(self.port, f"/delay/{slowness}", "POST")
            case Phase.DEAD:
                self._process.kill()
            case Phase.BACK:
                await self.start()

    def calls_since(self, moment: float) -> Counter[str]:
        """How many calls it has seen since then, by caller."""
        lines = (line.split() for line in self._call_log.read_text().splitlines())
        return Counter(caller for at, caller in lines if float(at) >= moment)


def run_outage(plan: Plan, progress: Progress) -> Result:
    """Run it all; every process that this starts has ended when it returns or raises."""
    with tempfile.TemporaryDirectory() as folder, Children() as children:
        dependency = Dependency(children, Path(folder, "calls.log"))
        return asyncio.run(_run(plan, progress, children, dependency))


async def _run(
    plan: Plan, progress: Progress, children: Children, dependency: Dependency
) -> Result:
    codes = choose_codes(plan, list(airportsdata.load("IATA")))
    await dependency.start()
    services = await _start_services(plan, children, dependency, codes[: plan.warmed])
    arrivals = plan_arrivals(plan, codes)
    loads = {key: Load(child.port, arrivals, plan.patience) for key, child in services.items()}
    result = Result(plan, samples={key: load.samples for key, load in loads.items()})
    began = time.time()
    gc.disable()  # a collection would delay the load, and look like a delay of all three services
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_yardstick(result, services[HEALING.key].port))
        await _drive(result, loads, dependency, progress)
    gc.enable()
    for key, child in services.items():
        _, stats = await get(child.port, "/stats")
        result.attempts[key], result.cache[key] = stats["attempts"], stats["cache"]
    result.calls = dependency.calls_since(began)
    result.lateness = max(load.lateness for load in loads.values())
    result.busy = max(result.busy, result.lateness)
    return result


async def _start_services(
    plan: Plan, children: Children, dependency: Dependency, warm_codes: list[str]
) -> dict[str, Child]:
    services = {
        architecture.key: children.launch(
            services_program,
            architecture=architecture.key,
            dependency=f"http://{LOOPBACK}:{dependency.port}",
            ttl=plan.ttl,
            client_timeout=plan.client_timeout,
            threads=plan.threads,
            warm_codes=warm_codes,
        )
        for architecture in ARCHITECTURES
    }
    for service in services.values():
        await asyncio.to_thread(service.wait_until_ready)
    return services


async def _drive(
    result: Result, loads: dict[str, Load], dependency: Dependency, progress: Progress
) -> None:
    start = asyncio.get_running_loop().time() + 0.1
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(progress.watch(result, loads, start))
        tasks.create_task(_conduct(result, dependency, start))
        for number, load in enumerate(loads.values()):
            tasks.create_task(load.run(start + number * OFFSET))
    progress.finish(result, loads)


async def _yardstick(result: Result, port: int) -> None:
    """Note how long the slowest request took that asks the service, and neither cache nor key."""
    clock = asyncio.get_running_loop().time
    until = clock() + result.plan.length
    while (asked := clock()) < until:
        with contextlib.suppress(OSError):  # then that is how long it took
            await get(port, "/nothing")
        result.busy = max(result.busy, clock() - asked)
        await asyncio.sleep(YARDSTICK)


async def _conduct(result: Result, dependency: Dependency, start: float) -> None:
    """Lead the dependency through its phases, and note when each really began."""
    clock = asyncio.get_running_loop().time
    due = start
    for phase, length in result.plan.durations.items():
        await asyncio.sleep(due - clock())
        await dependency.enter(phase, result.plan.slowness)
        result.phases.append((phase, clock() - start if result.phases else 0.0))
        due += length
