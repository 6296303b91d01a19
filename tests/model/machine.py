"""The machine: hypothesis chooses the acts, ``world`` does them to the package and to the model."""

from __future__ import annotations

import asyncio
import math
import sys
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.model.guard import UNSPARED, Limits
from tests.model.rules import PAIRS
from tests.model.world import ALL_KEYS, TICK, World

# Most of what goes wrong needs two acts on one key: the first one comes up more often than the
# others, and so does (None) whichever is being healed.
OFTEN = [*[(0, 0)] * 4, *[(1, 0)] * 2, *[None] * 4, *ALL_KEYS]
WHERE = st.sampled_from([(process, key) for process in (0, 1) for key in OFTEN])
WHICH = st.integers(0, 3)
KIND = st.integers(0, 7)
KINDS = ("value", "value", "value", "broken", "gone", "gone", "ask 0", "ask 1")
STEPS = (0, 0, 1 / 8, 1 / 8, 1 / 2, 1 / 2, 1, 1, 2, 4, 8, 16, 32, 4_096)  # s; 0: to an edge
WEATHER = (
    *("source", "source", "source", "source", "crash", "up", "up", "up", "down", "deaf"),
    *("full", "taken", "taken"),  # what becomes of what is submitted
    *(0.0, 0.25, 0.5, 0.75),  # what chance brings
)


class Machine(RuleBasedStateMachine):
    """Derive, and give it a backend, a colour and a loop."""

    kind: str
    colour: str
    loop: asyncio.AbstractEventLoop
    limits: tuple[Limits, ...] = (UNSPARED,)
    kinds = KINDS

    @initialize(
        rules=st.sampled_from(PAIRS),
        limit=st.sampled_from([10_000, 10_000, 2]),
        which=st.integers(0, 1),
    )
    def begin(self, rules: Any, limit: int, which: int) -> None:
        limits = self.limits[which % len(self.limits)]
        self.world = World(self.kind, self.colour, self.loop, rules, limit, limits)
        self.time_passed = False

    @rule(where=WHERE, how=st.sampled_from(["call", "lookup", "lookup", "peek", "heal"]))
    def read(self, where: Any, how: str) -> None:
        who, key = self._at(where)
        if how == "heal":
            self.world.request(who, key)
        else:
            self.world.read(who, key, how)

    @rule(where=WHERE, verb=st.sampled_from(["set", "delete", "mark_stale", "clear"]))
    def write(self, where: Any, verb: str) -> None:
        who, key = self._at(where)
        self.world.write(who, verb, key)

    @rule(seconds=st.sampled_from(STEPS), at=st.booleans())
    def time_passes(self, seconds: float, at: bool) -> None:
        if not seconds:
            seconds = (self.world.next_edge() or self.world.now) - self.world.now
            seconds = max(0.0, seconds - (0 if at else TICK))
        self.world.pass_time(seconds)
        self.time_passed = True

    @rule(what=st.sampled_from(WEATHER), where=WHERE)
    def the_world_changes(self, what: Any, where: Any) -> None:
        who, key = self._at(where)
        if what == "source":
            self.world.source.write(key, self.world.now)
        elif what == "crash":
            self.world.crash(who)
        elif what in ("up", "down", "deaf"):
            who.way.state = who.model.way = what
        elif isinstance(what, float):
            self.world.store.chance = what
        else:
            who.model.rejects = what == "full"
            who.executor.reject(RuntimeError("full") if what == "full" else None)

    @precondition(lambda self: self.world.waiting)
    @rule(which=WHICH, again=st.sampled_from([False, False, True]))
    def a_heal_starts(self, which: int, again: bool) -> None:
        """``again``: the executor will carry it once more."""
        self.world.start(self._take(self.world.waiting, which, keep=again))

    @precondition(lambda self: any(not each.called for each in self.world.going))
    @rule(which=WHICH, kind=KIND)
    def the_function_is_called(self, which: int, kind: int) -> None:
        due = [each for each in self.world.going if not each.called]
        self.world.call(due[which % len(due)], self.kinds[kind])

    @precondition(lambda self: any(each.called for each in self.world.going))
    @rule(which=WHICH)
    def a_heal_commits(self, which: int) -> None:
        due = [each for each in self.world.going if each.called]
        self.world.finish(due[which % len(due)])

    @precondition(lambda self: self.world.waiting)
    @rule(which=WHICH, kind=KIND)
    def a_key_heals_at_once(self, which: int, kind: int) -> None:
        going = self.world.start(self._take(self.world.waiting, which))
        if not going.run.over:
            self.world.call(going, self.kinds[kind])
            self.world.finish(going)

    @precondition(lambda self: self.world.waiting)
    @rule(which=WHICH, how=st.sampled_from(["sent", "sent", "sent", "not sent", "lost"]))
    def a_heal_is_handed_on(self, which: int, how: str) -> None:
        each = self._take(self.world.waiting, which)
        if how != "lost":
            self.world.hand_on(each, sent=how == "sent")

    @precondition(lambda self: self.world.messages)
    @rule(which=WHICH, process=st.integers(0, 1), again=st.booleans())
    def a_message_arrives(self, which: int, process: int, again: bool) -> None:
        """And the publisher looks for what became of one."""
        message = self._take(self.world.messages, which, keep=again)
        self.world.deliver(message, self.world.process(process))
        if self.world.sent:
            self.world.settle(self._take(self.world.sent, which, keep=True))

    @precondition(lambda self: any(not each.run.gives_back for each in self.world.going))
    @rule(which=WHICH, hangs=st.booleans())
    def a_heal_is_cut_off_or_hangs(self, which: int, hangs: bool) -> None:
        due = [each for each in self.world.going if not each.run.gives_back]
        (self.world.give_up if hangs else self.world.cut)(due[which % len(due)])

    @invariant()
    def all_holds(self) -> None:
        self.world.check(books=not self.time_passed)
        self.time_passed = False

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            if sys.exc_info()[0] is None:
                self.world.all_heals_at_last()
        finally:
            self.world.desk.clear_up()

    def _at(self, where: Any) -> tuple[Any, Any]:
        number, key = where
        under_way = [each.run.heal.key for each in self.world.going]
        return self.world.process(number), key or [*under_way, (0, 0)][0]

    @staticmethod
    def _take(things: list[Any], which: int, *, keep: bool = False) -> Any:
        which %= len(things)
        return things[which] if keep else things.pop(which)


class Guarded(Machine):
    """Where the dependency has a cap and a breaker, is in trouble for a while, and well again."""

    limits = (Limits(3, failures=2, open_for=2.0), Limits(3, failures=1, open_for=2.0))
    kinds = ("value", "value", "broken", "broken", "broken", "busy", "gone", "ask 0")

    @rule(well=st.booleans())
    def the_dependency_is_well_or_not(self, well: bool) -> None:
        self.kinds = ("value",) * 8 if well else Guarded.kinds

    @rule(process=st.integers(0, 1), start=st.booleans(), later=st.booleans())
    def everything_is_asked_for(self, process: int, start: bool, later: bool) -> None:
        """And what was published starts, as far as it may; ``later``: once one may probe."""
        if later:
            opens = [who.model.guard.wait(self.world.now) for who in self.world.processes]
            self.time_passes(math.ceil(max(1.0, *opens) / TICK) * TICK, at=True)
        for key in ALL_KEYS:
            self.world.read(self.world.process(process), key, "lookup")
        while start and self.world.waiting:
            self.world.start(self.world.waiting.pop(0))
