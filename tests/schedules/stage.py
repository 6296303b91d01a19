"""Processes on one backend that stop at every verb, a source, and what must hold of them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

from oob_heal import CacheMissError, Freshness, HealingCache
from oob_heal._worker import heal_of
from oob_heal.testing import ManualExecutor
from tests.model.backends import BACKENDS
from tests.model.guard import UNSPARED, Limits
from tests.model.pair import Deaf, GoneError, declared
from tests.model.rules import DEFAULT
from tests.model.world import LONG
from tests.schedules.actors import Actor, TaskActor, ThreadActor, apoint, point
from tests.schedules.trouble import Trouble
from tests.schedules.way import Pointed

TTL, MAX_STALE, HEAL_TIMEOUT = 8.0, 16.0, 6.0


class Process:
    """A cache with one function, whose keys are numbers."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.way = Pointed(stage.backend(), fine=stage.fine)
        self.executor = ManualExecutor()
        self.cache = HealingCache(
            backend=self.way,
            executor=self.executor,
            clock=stage.place.clock,
            namespace="stage",
            dependency=declared(stage.limits),
        )
        self.cache._parts.hub = Deaf()
        self.cache._parts.random = lambda: 0.5
        decorate: Any = self.cache(
            ttl=TTL,
            max_stale=MAX_STALE,
            jitter=0,
            heal_timeout=HEAL_TIMEOUT,
            default=DEFAULT,
            drop_on=GoneError,
            name="f",
        )

        def source(n: int) -> str:
            with stage.trouble.called(n):
                point("call")
                value = stage.look(n)
                if stage.fine:
                    point("called")
                return value

        async def asource(n: int) -> str:
            with stage.trouble.called(n):
                await apoint("call")
                value = stage.look(n)
                if stage.fine:
                    await apoint("called")
                return value

        self.f = decorate(source if stage.colour == "sync" else asource)
        self.core = self.f._oob_heal_core

    @property
    def dead(self) -> bool:
        return self.way.dead

    def publish(self, n: int) -> Any:
        """A heal of the key, from the executor's hands."""
        assert self.f.heal(n)
        heal = self.executor.pending[-1]
        self.executor.drop_next()
        return heal


class Stage:
    """One world, and one key after another in it: ``n`` is the key of the present schedule."""

    def __init__(
        self,
        kind: str,
        colour: str,
        loop: asyncio.AbstractEventLoop,
        *,
        fine: bool,
        limits: Limits = UNSPARED,
    ) -> None:
        self.colour, self.loop, self.fine = colour, loop, fine
        self.limits = limits
        self.place = BACKENDS[kind]()
        self.place.maxsize = 10_000
        # On memory the two are caches that share a table: there, too, a key can have two heals.
        self._backend = None if self.place.processes > 1 else self.place.backend()
        self.processes = [Process(self), Process(self)]
        self.n = 0
        self.renew()

    def renew(self) -> None:
        """Another key, of which nothing is known."""
        self.n += 1
        self.version = self.floor = self.fresh_floor = 0
        self.replaced_at: dict[int, float] = {}
        self.calls = 0
        self.trouble = Trouble(self.place.clock, HEAL_TIMEOUT)

    def backend(self) -> Any:
        return self._backend if self._backend is not None else self.place.backend()

    def process(self, number: int) -> Process:
        return self.processes[number]

    def look(self, n: int) -> str:
        self.calls += 1
        self.trouble.looked(n)
        return f"{n} {self.version}"

    def write_source(self) -> None:
        self.replaced_at[self.version] = self.place.clock()
        self.version += 1

    # --- actors

    def actor(self, name: str, process: Process, act: Callable[[], Any]) -> Actor:
        """Of this stage's colour; ``act`` returns a coroutine where that is async."""
        if self.colour == "sync":
            return ThreadActor(name, process, act)
        return TaskActor(name, process, act, self.loop)

    def heals(self, process: Process, heal: Any, name: str = "heal") -> Actor:
        self.trouble.carried[heal.subject.args[0]] = heal
        return self._begun(self.actor(name, process, heal if self.colour == "sync" else heal.run))

    def works(self, process: Process, payload: bytes, name: str) -> Actor:
        """A worker takes a message and heals, as ``heal_message`` does: what waits until then is
        the message, and no heal."""

        def taken() -> Any:
            heal = heal_of(payload, process.cache._functions)
            assert heal is not None
            return heal

        def work() -> None:
            taken()()

        async def awork() -> None:
            await taken().run()

        return self._begun(self.actor(name, process, work if self.colour == "sync" else awork))

    def _begun(self, actor: Actor) -> Actor:
        if not self.fine:
            actor.go()  # to its first verb: one order less to tell apart
        return actor

    def writes(self, process: Process, verb: str) -> Actor:
        """The source changes, and the application says so."""
        n = self.n

        def begin() -> tuple[int, Any]:
            self.write_source()
            value = [f"{n} {self.version}"] if verb == "set" else []
            arguments = [] if verb == "cache_clear" else [n]
            return self.version, getattr(process.f, verb)(*value, *arguments)

        def acknowledged(version: int) -> None:
            self.fresh_floor = max(self.fresh_floor, version)
            if verb != "mark_stale":
                self.floor = max(self.floor, version)

        def act() -> None:
            acknowledged(begin()[0])

        async def aact() -> None:
            version, written = begin()
            await written
            acknowledged(version)

        return self.actor(verb, process, act if self.colour == "sync" else aact)

    def reads(self, process: Process) -> Actor:
        """Its answer is judged by what was acknowledged before it asked."""
        n = self.n

        def act() -> None:
            floors = self.floor, self.fresh_floor
            self.check_served(process.f.lookup(n), *floors)

        async def aact() -> None:
            floors = self.floor, self.fresh_floor
            self.check_served(await process.f.lookup(n), *floors)

        return self.actor("read", process, act if self.colour == "sync" else aact)

    # --- what must hold

    def check_served(self, served: Any, floor: int, fresh_floor: int) -> None:
        if served.is_default:
            return
        n, version = map(int, served.value.split())
        until = self.replaced_at.get(version, math.inf)
        now = self.place.clock()
        assert n == self.n, "somebody else's value"
        assert floor <= version <= self.version, "older than what was acknowledged, or never true"
        assert until > now - TTL - MAX_STALE, "served beyond the hard limit"
        if served.freshness is Freshness.FRESH:
            assert version >= fresh_floor, "fresh, though it was marked stale since"
            assert until > now - TTL, "fresh, though it ceased to be true a ttl ago"

    def check(self) -> None:
        """After every step."""
        assert not self.trouble.wrong, self.trouble.wrong
        assert self.place.live_leases() <= (4 if self.trouble.watched else 1)
        for process in self.processes:
            inflight = process.core.inflight
            open_now = len(inflight._open)
            assert inflight.published >= sum(inflight.ended.values())
            assert open_now <= 100

    def do(self, result: Any) -> Any:
        return self.loop.run_until_complete(result) if asyncio.iscoroutine(result) else result

    def all_is_well_at_last(self) -> None:
        """Time passes; each process that lives reads, heals, and serves the truth."""
        self.place.clock.advance(LONG)
        self.trouble.is_over()
        for process in self.processes:
            if process.dead:
                continue
            for _ in process.executor.pending:
                process.executor.drop_next()
            try:
                self.do(process.f(self.n))
            except CacheMissError:
                raise AssertionError("there is a default") from None
            if process.executor.pending:
                heal = process.executor.pending[-1]
                process.executor.drop_next()
                self.do(heal() if self.colour == "sync" else heal.run())
            served = self.do(process.f.lookup(self.n))
            assert served.freshness is Freshness.FRESH, "the key does not heal"
            assert served.value == f"{self.n} {self.version}"
            published, ended, healing = process.core.inflight.ledger()
            assert (published, healing) == (sum(ended.values()), 0), "the ledger does not balance"
        assert self.place.live_leases() == 0, "a lease was left behind"
