"""Who meets whom: each scenario makes the actors of one key, heals among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.model.guard import UNSPARED, Limits
from tests.schedules.actors import Actor, Deed, TaskActor
from tests.schedules.stage import HEAL_TIMEOUT, TTL, Process, Stage

LEASE = HEAL_TIMEOUT + 1.0


class Scenario(NamedTuple):
    """``make`` brings the actors. ``one_call``: at most one call of the source, in all of them.
    ``orders``: how many there are of their steps: few (tens), many (a thousand), more (as many, and
    much the same), endless (hundreds of thousands)."""

    orders: str
    make: Callable[[Stage], list[Actor]]
    one_call: bool = False
    crashes: bool = False
    only: str = ""  # the colour, where it makes no sense in the other
    limits: Limits = UNSPARED
    shared: bool = False  # it is about what processes share, so not in memory
    after: Callable[[Stage], None] = lambda stage: None  # what must hold at its end


def stale(stage: Stage) -> None:
    """The key has an entry, which is past its ttl."""
    stage.do(stage.process(0).f.set(f"{stage.n} 0", stage.n))
    stage.place.clock.advance(TTL)


def two_heals(stage: Stage) -> list[Actor]:
    return [
        stage.heals(process, process.publish(stage.n), name)
        for process, name in zip(both(stage), ("heal A", "heal B"), strict=True)
    ]


def both(stage: Stage) -> tuple[Process, Process]:
    return stage.process(0), stage.process(1)


def one_heal(stage: Stage) -> list[Actor]:
    process = stage.process(0)
    return [stage.heals(process, process.publish(stage.n))]


def duplicates(stage: Stage) -> list[Actor]:
    """One event, delivered twice, at the processes' workers."""
    payload = hand_on(stage)
    return [
        stage.works(process, payload, name)
        for process, name in zip(both(stage), ("worker A", "worker B"), strict=True)
    ]


def hand_on(stage: Stage) -> bytes:
    sent: list[bytes] = []
    heal = stage.process(0).publish(stage.n)
    stage.do(heal.hand_on(sent.append))
    return sent[0]


def time(stage: Stage) -> Actor:
    """Passes in small steps, and so that a lease lapses."""
    clock = stage.place.clock
    return Deed("time", *(lambda s=s: clock.advance(s) for s in (0.5, LEASE, TTL)))


def gives_up(heal: Any) -> Actor:
    """The heal's thread hangs, its executor gives it up, and it goes on after all."""
    return Deed("give up", heal.give_up)


def given_up(stage: Stage) -> list[Actor]:
    process = stage.process(0)
    heal = process.publish(stage.n)
    return [stage.heals(process, heal), gives_up(heal)]


def cut_off(stage: Stage) -> list[Actor]:
    (actor,) = one_heal(stage)
    assert isinstance(actor, TaskActor)
    return [actor, Deed("cancel", actor.cancel)]


def crashed(stage: Stage) -> list[Actor]:
    def crash() -> None:
        stage.process(0).way.dead = True

    return [*two_heals(stage), Deed("crash of A", crash)]


def with_write(verb: str, others: Callable[[Stage], list[Actor]]) -> Callable[..., list[Actor]]:
    return lambda stage: [*others(stage), stage.writes(stage.process(1), verb)]


def with_read(others: Callable[[Stage], list[Actor]]) -> Callable[..., list[Actor]]:
    return lambda stage: [*others(stage), stage.reads(stage.process(1))]


def with_time(others: Callable[[Stage], list[Actor]]) -> Callable[..., list[Actor]]:
    return lambda stage: [*others(stage), time(stage)]


WRITES = ("set", "invalidate", "mark_stale", "cache_clear")

SCENARIOS: dict[str, Scenario] = {
    "two heals": Scenario("few", two_heals, one_call=True),
    "two heals, read": Scenario("many", with_read(two_heals), one_call=True),
    "two heals, time": Scenario("endless", with_time(two_heals)),
    **{f"heal, {verb}": Scenario("few", with_write(verb, one_heal)) for verb in WRITES},
    **{
        f"heal, {verb}, read": Scenario("many", with_read(with_write(verb, one_heal)))
        for verb in WRITES
    },
    **{
        f"two heals, {verb}": Scenario(
            "many" if verb in ("set", "invalidate") else "more", with_write(verb, two_heals)
        )
        for verb in WRITES
    },
    "workers": Scenario("few", duplicates, one_call=True),
    "workers, invalidate": Scenario("many", with_write("invalidate", duplicates)),
    "workers, time": Scenario("endless", with_time(duplicates)),
    "heal given up": Scenario("few", given_up, one_call=True),
    "heal given up, invalidate": Scenario("few", with_write("invalidate", given_up)),
    "heal cancelled": Scenario("few", cut_off, one_call=True, only="async"),
    "heal cancelled, set": Scenario("few", with_write("set", cut_off), only="async"),
    "crash": Scenario("few", crashed, crashes=True),
    "crash, time": Scenario("endless", with_time(crashed), crashes=True),
}
