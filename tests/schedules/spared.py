"""Who meets whom at a dependency in trouble: two processes that would probe it, and what began
before it was left alone.

Law: as in ``scenarios``; but each heal has a key of its own, so that nothing but the breaker stands
between two of them. Each scenario begins when its time is over in both processes: one may probe.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.model.guard import Limits
from tests.schedules.actors import Actor, Deed, TaskActor
from tests.schedules.scenarios import LEASE, Scenario
from tests.schedules.stage import Stage

LIMITS = Limits(3, failures=1, open_for=2.0)
OPEN = 1.5  # s for which it opens: half of it is drawn, and what is drawn is a half
OLD, FOUND, TOLD, OTHER = 1_000_001, 1_000_002, 1_000_003, 1_000_004  # keys beside the stage's own


def opened(stage: Stage, *, before: Callable[[], list[Actor]] = list) -> list[Actor]:
    """One process found the dependency failing, the other was told, and one of them may probe.
    ``before``: actors that move to their call before all that."""
    here, there = stage.processes
    actors = before()
    for actor in actors:
        while actor.at != "call":
            actor.go()
    stage.trouble.failing.add(FOUND)
    for process, n in ((here, FOUND), (there, TOLD)):
        heal = process.publish(n)
        stage.do(heal() if stage.colour == "sync" else heal.run())
    assert [each.core.guard.state for each in stage.processes] == ["open", "open"]
    stage.place.clock.advance(OPEN)
    stage.trouble.watch()
    return actors


def probes(*, fail: bool) -> Callable[[Stage], list[Actor]]:
    """A heal in each process."""

    def make(stage: Stage) -> list[Actor]:
        opened(stage)
        return both_probe(stage, fail=fail)

    return make


def both_probe(stage: Stage, *, fail: bool) -> list[Actor]:
    stage.trouble.failing |= {stage.n, OTHER} if fail else set()
    here, there = stage.processes
    return [
        stage.heals(here, here.publish(stage.n), "probe A"),
        stage.heals(there, there.publish(OTHER), "probe B"),
    ]


def with_old(make: Callable[..., list[Actor]], *, fails: bool) -> Callable[[Stage], list[Actor]]:
    """And a heal of the first process that began before, and ends whenever it does."""

    def made(stage: Stage) -> list[Actor]:
        here = stage.process(0)
        stage.trouble.failing |= {OLD} if fails else set()
        old = opened(stage, before=lambda: [stage.heals(here, here.publish(OLD), "old")])
        return [*make(stage, fail=not fails), *old]

    return made


def one_probes(stage: Stage, *, fail: bool) -> list[Actor]:
    return both_probe(stage, fail=fail)[:1]


def cut_off(stage: Stage) -> list[Actor]:
    first, second = probes(fail=False)(stage)
    assert isinstance(first, TaskActor)
    return [first, Deed("cancel A", first.cancel), second]


def cut_off_as_it_opens(stage: Stage) -> list[Actor]:
    stage.trouble.failing.add(stage.n)
    process = stage.process(0)
    actor = stage.heals(process, process.publish(stage.n))
    assert isinstance(actor, TaskActor)
    return [actor, Deed("cancel", actor.cancel)]


def crashed(stage: Stage) -> list[Actor]:
    def crash() -> None:
        stage.process(0).way.dead = True

    return [*probes(fail=False)(stage), Deed("crash of A", crash)]


def later(stage: Stage) -> list[Actor]:
    clock = stage.place.clock
    steps = (lambda s=s: clock.advance(s) for s in (0.5, OPEN, LEASE))
    return [*probes(fail=True)(stage), Deed("time", *steps)]


def one_probed(stage: Stage) -> None:
    assert stage.trouble.probes == 1


def stays_open(stage: Stage) -> None:
    """What the probe found holds, whatever an older call brought."""
    one_probed(stage)
    assert stage.process(0).core.guard.state == "open"


def is_found_well(stage: Stage) -> None:
    assert stage.trouble.well


def is_not_open(stage: Stage) -> None:
    assert stage.process(0).core.guard.state != "open"


def spared(orders: str, make: Callable[[Stage], list[Actor]], **more: object) -> Scenario:
    return Scenario(orders, make, limits=LIMITS, shared=True, **more)  # type: ignore[arg-type]


SPARED: dict[str, Scenario] = {
    "two probes": spared("few", probes(fail=False), after=is_found_well),
    "two probes fail": spared("few", probes(fail=True), after=stays_open),
    "two probes fail, time": spared("endless", later),
    "probe, an old failure": spared("few", with_old(one_probes, fails=True), after=is_not_open),
    "probe fails, an old success": spared(
        "few", with_old(one_probes, fails=False), after=stays_open
    ),
    "two probes, an old failure": spared("more", with_old(both_probe, fails=True)),
    "two probes fail, an old success": spared(
        "more", with_old(both_probe, fails=False), after=one_probed
    ),
    "probe cancelled": spared("more", cut_off, only="async"),
    "opening cancelled": spared("few", cut_off_as_it_opens, only="async"),
    "probe crashes": spared("more", crashed, crashes=True),
}
