"""The service, its dependency and its clients, for as long as the page is looked at."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import airportsdata

from dashboard_parts.history import History
from dashboard_parts.pages import PageServer
from outage_parts import services as services_program
from outage_parts.children import Child, Children
from outage_parts.load import Load, Outcome, get
from outage_parts.plan import HEALING, Phase, Plan, choose_codes, plan_arrivals, plan_run
from outage_parts.run import Dependency
from outage_parts.servers import LOOPBACK

SAMPLE_EVERY = 1.0


@dataclass
class Dashboard:
    """What the page shows; `data` may be asked for from any thread."""

    short: bool
    port: int
    phase: Phase = Phase.HEALTHY
    history: History = field(default_factory=History)
    ended: Counter[str] = field(default_factory=Counter)  # requests of the loads before this one
    load: Load | None = None

    @property
    def plan(self) -> Plan:
        return plan_run(short=self.short, seed=7)

    def client(self) -> dict[str, int]:
        """What the clients have got so far."""
        now = list(self.load.samples) if self.load else []
        counts = self.ended + Counter(sample.outcome.value for sample in now)
        return {each.value: counts[each.value] for each in Outcome}

    def data(self) -> dict[str, Any]:
        """All that the page needs."""
        return {
            "ttl": self.plan.ttl,
            "seconds_kept": self.history.rows.maxlen,
            "rows": list(self.history.rows),
            "totals": self.history.totals,
        }


async def run(dashboard: Dashboard, seconds: float | None) -> None:
    """Serve the page until cancelled, or for so many seconds."""
    with tempfile.TemporaryDirectory() as folder, Children() as children:
        page = PageServer(dashboard.port, dashboard.data)
        try:
            async with _service(dashboard, children, Path(folder)) as (service, dependency):
                page.start()
                print(f"http://{LOOPBACK}:{page.server_port}/", flush=True)
                async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
                    tasks.create_task(_outages(dashboard, dependency))
                    tasks.create_task(_requests(dashboard, service))
                    tasks.create_task(_samples(dashboard, service))
        except TimeoutError:
            pass
        finally:
            page.server_close()


@asynccontextmanager
async def _service(
    dashboard: Dashboard, children: Children, folder: Path
) -> AsyncIterator[tuple[Child, Dependency]]:
    plan = dashboard.plan
    dependency = Dependency(children, folder / "calls.log")
    await dependency.start()
    service = children.launch(
        services_program,
        architecture=HEALING.key,
        dependency=f"http://{LOOPBACK}:{dependency.port}",
        ttl=plan.ttl,
        client_timeout=plan.client_timeout,
        threads=plan.threads,
        warm_codes=_codes(plan)[: plan.warmed],
    )
    await asyncio.to_thread(service.wait_until_ready)
    yield service, dependency


def _codes(plan: Plan) -> list[str]:
    return choose_codes(plan, list(airportsdata.load("IATA")))


async def _outages(dashboard: Dashboard, dependency: Dependency) -> None:
    """Lead the dependency through its phases, over and over."""
    for turn in count():
        for phase, length in dashboard.plan.durations.items():
            if turn or phase is not Phase.HEALTHY:
                await dependency.enter(phase, dashboard.plan.slowness)
            dashboard.phase = phase
            await asyncio.sleep(length)


async def _requests(dashboard: Dashboard, service: Child) -> None:
    """The clients: one load after the other."""
    plan = dashboard.plan
    arrivals = plan_arrivals(plan, _codes(plan))
    while True:
        dashboard.load = load = Load(service.port, arrivals, plan.patience)
        await load.run(asyncio.get_running_loop().time())
        dashboard.ended.update(sample.outcome.value for sample in load.samples)
        dashboard.load = None


async def _samples(dashboard: Dashboard, service: Child) -> None:
    began = time.monotonic()
    while True:
        _, stats = await get(service.port, "/stats")
        at = time.monotonic() - began
        figures = stats["cache"]["figures"]
        dashboard.history.add(at, dashboard.phase.value, figures, dashboard.client())
        await asyncio.sleep(SAMPLE_EVERY)
