"""The reference model's process: how a heal goes, here, cut short, or by way of a queue."""

from __future__ import annotations

from typing import Any

from oob_heal import Freshness, Outcome, Reason
from tests.model.books import AwayError, Failed, Heal, Run
from tests.model.guard import Guard, Limits
from tests.model.reader import Reader
from tests.model.rules import QUEUED, QUIET, Entry
from tests.model.sparing import Sparing
from tests.model.store import Lease, Refusal


class Process(Reader, Sparing):
    """A heal in strokes: ``start``, then the function (``run.result``), then ``finish``."""

    def spares(self, limits: Limits, *, shared: bool) -> None:
        """Of what it spares its dependency; ``shared``: by all processes together."""
        self.guard, self.shares = Guard(limits), shared

    def start(self, heal: Heal) -> Run:
        """Take the lease, read again."""
        self.sweep()
        run = Run(heal)
        if heal.outcome is not None or heal.running:
            run.over = True
            return run
        rules = self.rules[heal.key[0]]
        heal.running = True
        self._stand(heal, rules.lease_for)
        run.over = not (self._admitted(run) and self._gets_to_call(run))
        if run.over:
            self.spared(run)
        return run

    def _admitted(self, run: Run) -> bool:
        """A place at the dependency, before anything is asked of the store for the key."""
        heal = run.heal
        try:
            wait = self.admission(run, self.rules[heal.key[0]].lease_for)
        except AwayError:
            outcome, wait = Outcome.FAILED, QUIET
        else:
            if wait is None:
                return True
            outcome = Outcome.REFUSED
        if heal.adopt is not None:
            self._unused(heal)
        self.end(heal, outcome, wait)
        return False

    def _unused(self, heal: Heal) -> None:
        """The publisher's lease goes back."""
        try:
            granted = self.ask("acquire", heal.key, 1.0, heal.adopt)
        except AwayError:
            return
        if isinstance(granted, Lease):
            self._release(Run(heal, granted), 0.0)

    def _gets_to_call(self, run: Run) -> bool:
        heal = run.heal
        if not self._take(run, self.rules[heal.key[0]].lease_for):
            return False
        try:
            entry = self.ask("get", heal.key)
        except AwayError:
            self._fail(run)
            return False
        run.permit.known = entry is not None
        if not self._needed(heal, entry):
            self._release(run, 0.0)
            self.end(heal, Outcome.SKIPPED)
            return False
        return True

    def _take(self, run: Run, lease_for: float, *, waits: bool = False) -> bool:
        heal, rules, now = run.heal, self.rules[run.heal.key[0]], self.store.clock()
        try:
            granted = self.ask("acquire", heal.key, lease_for, heal.adopt, waits)
        except AwayError:
            self.end(heal, Outcome.FAILED, QUIET)
            return False
        if isinstance(granted, Refusal):
            self.end(heal, Outcome.REFUSED, granted.until - now)
            return False
        run.lease = granted
        if granted.previous_at is not None:  # its holder crashed: back off as after a failure
            due = granted.previous_at + rules.delay(granted.attempt - 1, self.store.chance)
            if granted.attempt > 5:  # again and again: quarantine
                due = granted.previous_at + 10 * rules.maximum
            if due > now:
                self._release(run, due - now)
                self.end(heal, Outcome.REFUSED, due - now)
                return False
        heal.lease = granted
        self._leads(heal)
        return True

    def _needed(self, heal: Heal, entry: Entry | None) -> bool:
        if entry is not None and heal.reason is Reason.REQUESTED:
            return entry.marked or entry.dated < heal.missed_at
        state = self.rules[heal.key[0]].state(entry, self.store.clock())
        return state is not Freshness.FRESH

    def _release(self, run: Run, retry_after: float) -> None:
        try:
            self.ask("release", run.lease, retry_after)
        except AwayError:
            pass  # it lapses by itself

    def _fail(self, run: Run) -> None:
        self._give_back(run, self._delay(run, run.result))

    def _delay(self, run: Run, result: Any) -> float:
        """What a probe found is everybody's trouble: its key waits no longer than they do."""
        assert run.lease is not None
        delay = self.rules[run.heal.key[0]].delay(run.lease.attempt, self.store.chance)
        if run.permit.probes and run.permit.opened_for:
            delay = min(delay, run.permit.opened_for)
        return max(delay, result.hint if isinstance(result, Failed) else 0.0)

    def decide(self, run: Run) -> None:
        """What to do with what the function brought; judged now, done by ``finish``."""
        lease, rules, now = run.lease, self.rules[run.heal.key[0]], self.store.clock()
        assert lease is not None
        took = now - lease.granted_at
        self.showed(run, late=took >= rules.heal_timeout)
        if run.result == Failed(nothing=True) and took < rules.heal_timeout:
            run.act = lambda: self._settle(run, None, rules.nothing_for)
        elif isinstance(run.result, Failed) or took >= min(rules.heal_timeout, rules.limit):
            delay = self._delay(run, run.result)
            run.gives_back = True
            run.act = lambda: self._give_back(run, delay)
        else:
            entry = Entry(run.result, lease.granted_at, self.store.chance)
            run.act = lambda: self._settle(run, entry, 0.0)

    def _give_back(self, run: Run, delay: float) -> None:
        self._release(run, delay)
        self.end(run.heal, Outcome.FAILED, delay)

    def _settle(self, run: Run, entry: Entry | None, nothing_for: float) -> None:
        if entry is not None:
            kept_for = self.rules[run.heal.key[0]].kept_for(self.forgets)
            entry.kept_until = self.store.clock() + kept_for
        try:
            done = self.ask("commit", run.lease, entry, nothing_for)
        except AwayError:
            self._fail(run)
            return
        outcome = Outcome.HEALED if done else Outcome.REFUSED
        self.end(run.heal, outcome, nothing_for if done else 0.0)

    def finish(self, run: Run) -> None:
        if run.act is None:
            self.decide(run)
        assert run.act is not None
        run.act()
        self.spared(run)
        run.over = True

    def cut(self, run: Run) -> None:
        """Its task is cancelled: the lease goes back unused."""
        self._release(run, 0.0)
        self.end(run.heal, Outcome.LOST)
        self.spared(run)
        run.over = True

    def give_up(self, run: Run) -> None:
        """Its thread hangs: it has failed, though it goes on."""
        self.guard.failed_to(run.permit, self.store.clock(), 0.0, self.store.chance)
        delay = self._delay(run, None)
        self.end(run.heal, Outcome.FAILED, delay)
        self._release(run, delay)
        self.spared(run)

    # --- a heal that travels

    def hand_on(self, heal: Heal, *, sent: bool) -> Lease | None:
        """Take the lease that waits in a queue; it travels with the event."""
        self.sweep()
        run = Run(heal)
        if heal.outcome is not None or heal.running:
            return None
        heal.running = True
        self._stand(heal, self.rules[heal.key[0]].lease_for)
        self.look_at_ward()
        wait = self.guard.wait(self.store.clock())
        if wait > 0:  # a worker would only turn it away
            self.end(heal, Outcome.REFUSED, wait)
            return None
        if not self._take(run, QUEUED, waits=True):
            return None
        if not sent:
            self._release(run, 0.0)  # nobody called the function
            self.end(heal, Outcome.DROPPED, QUIET)
            return None
        heal.running = False
        if heal.outcome is None:
            self.open[heal] = self.store.clock() + self.rules[heal.key[0]].waits_for
            mark = self._mark(heal.key)
            if mark is not None and mark[0] is heal:
                self.marks[heal.key] = (heal, self.store.clock() + QUIET, heal.seen)
        return run.lease

    def join(self, about: Heal, lease: Lease | None) -> Heal:
        """A message arrived: its heal, with an account here."""
        self.sweep()
        heal = Heal(self, about.key, about.reason, about.missed_at, about.seen, adopt=lease)
        free = self._mark(heal.key) is None
        marks = free and self._marks_of(heal.key[0]) < self.limit
        self._stand(heal, 2 * self.rules[heal.key[0]].lease_for, mark=marks)
        return heal

    def settle(self, heal: Heal) -> None:
        """The publisher looks whether a worker has healed."""
        self.sweep()
        if heal.outcome is not None or heal.lease is None:
            return
        try:
            entry = self.ask("get", heal.key)
        except AwayError:
            return
        if entry is not None and entry.dated >= heal.lease.granted_at:
            self.end(heal, Outcome.HEALED)

    def edges(self) -> list[float]:
        """The instants at which something ends by itself."""
        marks = [mark[1] for mark in self.marks.values()]
        return [*marks, *self.open.values(), *self.guard.edges()]
