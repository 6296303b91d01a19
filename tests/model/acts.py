"""Each act is done to the package and to the model, and both tell the same of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from oob_heal import BackendError, CacheMissError, Reason
from oob_heal._worker import heal_of
from tests.model.backends import BACKENDS
from tests.model.books import Answer, AwayError, Failed, Heal, Run
from tests.model.guard import WARD, Limits
from tests.model.pair import ERRORS, Process
from tests.model.promises import KEYS, Source
from tests.model.rules import DEFAULT, Rules
from tests.model.runs import Desk, SyncRun, TaskRun
from tests.model.store import Key, Lease, Store


class Published(NamedTuple):
    """A heal of the package and the model's."""

    real: Any
    heal: Heal


class Message(NamedTuple):
    payload: bytes
    heal: Heal
    lease: Lease


class Going(NamedTuple):
    """A heal that runs, in both; ``called`` once its function was."""

    real: Any
    run: Run
    process: Process
    called: list[bool]


class Acts:
    """A source, processes, heals on their way; and the model beside them."""

    def __init__(
        self,
        kind: str,
        colour: str,
        loop: asyncio.AbstractEventLoop,
        rules: tuple[Rules, ...],
        limit: int,
        limits: Limits,
    ) -> None:
        self.colour, self.rules, self.limit, self.limits = colour, rules, limit, limits
        self.desk = Desk(loop)
        self.source = Source()
        self.kind = kind
        self.waiting: list[Published] = []
        self.going: list[Going] = []
        self.messages: list[Message] = []
        self.sent: list[Published] = []
        self.touched: set[Key] = set()
        self.begin()

    def begin(self) -> None:
        self.place = BACKENDS[self.kind]()
        self.store = Store(self.place.clock, epochs=self.place.epochs)
        self.processes = [Process(self) for _ in range(self.place.processes)]

    @property
    def now(self) -> float:
        return self.place.clock()

    def process(self, number: int) -> Process:
        return self.processes[number % len(self.processes)]

    def pass_time(self, seconds: float) -> None:
        self.place.clock.advance(seconds)
        self.touched.update(key for key in self.store.entries if key != WARD)

    # --- acts of the application

    def read(self, who: Process, key: Key, how: str) -> None:
        expected = who.model.look(key) if how == "peek" else who.model.read(key)
        told = self._told(who, key, how)
        if expected is not None and (how == "call" or expected.reason is not None):
            expected = expected._replace(freshness=None, age=None)  # which a call does not tell
        assert told == expected, f"{how} of {key} told {told}, the model {expected}"
        if told is not None and told.reason is None and how != "call":
            rules = self.rules[key[0]]
            self.source.check(key, told.value, told.freshness, self.now, rules)
        self.collect(who)

    def _told(self, who: Process, key: Key, how: str) -> Answer | None:
        try:
            told = who.ask(how, key)
        except CacheMissError as error:
            return Answer(None, None, None, error.reason)
        if told is None:
            return None
        if how == "call":
            return Answer(told, None, None)
        return Answer(told.value, told.freshness, None if told.is_default else told.age)

    def request(self, who: Process, key: Key) -> None:
        expected = who.model.publish(key, Reason.REQUESTED)
        assert who.ask("heal", key) is expected
        self.collect(who)

    def write(self, who: Process, verb: str, key: Key) -> None:
        value = self.source.value(key)
        known = told = True
        try:
            who.model.write(verb, key, value)
        except AwayError:
            known = False
        member = {"delete": "invalidate", "clear": "cache_clear"}.get(verb, verb)
        try:
            who.ask(member, key, *([value] if verb == "set" else []))
        except BackendError:
            told = False
        assert told is known
        all_keys = [key for key in self.store.entries if key != WARD]
        self.touched.update(all_keys if verb == "clear" else [key])
        if told:
            self.source.acknowledged(verb, key)

    def collect(self, who: Process) -> None:
        """What was published since: the same in both, taken from the executor."""
        real = list(who.executor.pending)
        for _ in real:
            who.executor.drop_next()
        heals, who.model.published = who.model.published, []
        names = [(who.functions.index(self._of(who, each)), each.event.reason) for each in real]
        assert names == [(heal.key[0], heal.reason) for heal in heals]
        for each, heal in zip(real, heals, strict=True):
            assert repr(each.event.arguments["n"]) == repr(KEYS[heal.key[1]])
            assert each.event.missed_at == heal.missed_at
            self.waiting.append(Published(each, heal))

    def _of(self, who: Process, heal: Any) -> Any:
        return who.functions[who.cores.index(heal.core)]

    # --- heals

    def owner(self, heal: Heal) -> Process:
        return next(each for each in self.processes if each.model is heal.process)

    def start(self, each: Published) -> Going:
        who = self.owner(each.heal)
        return self._goes(who, each.real, who.model.start(each.heal))

    def _goes(self, who: Process, real: Any, run: Run) -> Going:
        make: Callable[..., Any] = SyncRun if self.colour == "sync" else TaskRun
        going = Going(make(real, self.desk), run, who, [])
        assert real.outcome is run.heal.outcome
        if not run.over:
            facts = ("attempt", "granted_at", "until", "previous_at")
            told = [getattr(real.lease, fact) for fact in facts]
            assert told == [getattr(run.lease, fact) for fact in facts]
            self.going.append(going)
        return going

    def call(self, going: Going, kind: str) -> None:
        """The function runs: the source tells, fails, says *gone*, or asks a decorated function."""
        who, key = going.process, going.run.heal.key
        act: Callable[[], Any]
        if kind in ("ask 0", "ask 1"):
            other = (int(kind[-1]), key[1])
            answer = who.model.read(other, inside=key)
            going.run.result = Failed(inner=True) if answer.reason else self.source.value(key)
            act = self._nested(who, other, key)
        elif kind in ERRORS:
            going.run.result, error = ERRORS[kind]
            act = _raiser(error)
        else:
            going.run.result = value = self.source.value(key)
            act = lambda: value  # noqa: E731
        if self.colour == "sync":
            who.model.decide(going.run)  # and in async when it finishes
        going.real.call(act)
        going.called.append(True)
        self.collect(who)

    def _nested(self, who: Process, other: Key, key: Key) -> Callable[[], Any]:
        f, value = who.functions[other[0]], self.source.value(key)
        arguments = {"n": KEYS[other[1]], **next(who.turn)}

        def act() -> Any:
            served = f(**arguments)
            return served if served == DEFAULT else value  # as if it were data of its own

        async def aact() -> Any:
            served = await f(**arguments)
            return served if served == DEFAULT else value

        return act if self.colour == "sync" else aact

    def finish(self, going: Going) -> None:
        going.process.model.finish(going.run)
        self._ended(going, going.real.finish())

    def cut(self, going: Going) -> None:
        going.process.model.cut(going.run)
        self._ended(going, going.real.cut())

    def give_up(self, going: Going) -> None:
        going.process.model.give_up(going.run)
        going.real.heal.give_up()

    def _ended(self, going: Going, told: Any) -> None:
        self.going.remove(going)
        self.touched.add(going.run.heal.key)
        outcome = going.run.heal.outcome
        assert told is outcome, f"it ended {told}, the model's {outcome}"

    def hand_on(self, each: Published, *, sent: bool) -> None:
        """An engine takes the heal, or cannot be reached."""
        who, payloads = self.owner(each.heal), []

        def send(payload: bytes) -> None:
            payloads.append(payload)
            if not sent:
                raise ConnectionError("the engine is away")

        lease = who.model.hand_on(each.heal, sent=sent)
        self.desk.loop.run_until_complete(each.real.hand_on(send))
        assert each.real.outcome is each.heal.outcome
        if lease is not None:
            self.messages.append(Message(payloads[0], each.heal, lease))
            self.sent.append(each)

    def deliver(self, message: Message, who: Process) -> Going:
        heal = who.model.join(message.heal, message.lease)
        real = heal_of(message.payload, who.cache._functions)
        return self._goes(who, real, who.model.start(heal))

    def settle(self, each: Published) -> None:
        self.owner(each.heal).model.settle(each.heal)
        self.desk.loop.run_until_complete(each.real.settle())
        assert each.real.outcome is each.heal.outcome

    # --- what happens to processes

    def crash(self, who: Process) -> None:
        """All that the process had in it is gone; what it did in the store stays."""
        self.going = [each for each in self.going if each.process is not who]
        self.waiting = [each for each in self.waiting if each.heal.process is not who.model]
        self.sent = [each for each in self.sent if each.heal.process is not who.model]
        if self.place.processes == 1:
            now = self.now
            self.messages.clear()
            self.desk.locks.clear()
            self.begin()
            self.place.clock.advance(now - self.now)
        else:
            self.processes[self.processes.index(who)] = Process(self)


def _raiser(error: type[Exception]) -> Callable[[], Any]:
    def act() -> Any:
        raise error

    return act
