"""A heal as an executor carries it: an object that runs once, and ends once.

Law: whatever ends it first is counted, whatever comes later changes nothing. It runs where its
executor has it run, never in ``submit``. No traceback is kept of it.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import Any

import anyio

from oob_heal import _decide
from oob_heal._admission import delay_after, share
from oob_heal._drivers import adrive, drive
from oob_heal._failing import strip
from oob_heal._guard import Permit
from oob_heal._heal import conversation, handing_on
from oob_heal._inflight import sight
from oob_heal._message import encode_event
from oob_heal._model import CacheMissed, Entry, Lease, Outcome, Reason
from oob_heal._offload import heal_on_thread
from oob_heal._steps import Conversation, End, Subject, event_of, give_back
from oob_heal._submit import refuse_in_caller
from oob_heal.errors import HealRejectedError, HealTimeoutError
from oob_heal.observe import HealStarted

ABSENT = Reason.ABSENT  # by name, once: see ``_decide``


class Heal:
    """One heal of one key: see ``ports.Heal``."""

    # What a heal has not come to yet stands in its class: the caller that publishes makes it.
    outcome: Outcome | None = None
    running = False
    instead_of: Heal | None = None
    task: asyncio.Task[Any] | None = None
    lease: Lease | None = None
    permit: Permit | None = None
    entry: Entry | None = None
    error: BaseException | None = None
    _in_thread = False
    _event: CacheMissed | None = None

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.core = core = subject.core
        self.inflight = core.inflight  # its account is there, though parts be swapped
        self.key = subject.key
        self.group = core.group

    def __repr__(self) -> str:
        state = self.outcome.value if self.outcome else "running" if self.running else "waiting"
        return f"<Heal {self.key!r} {state}>"

    @property
    def event(self) -> CacheMissed:
        if self._event is None:
            self._event = self._make_event(None)
        return self._event

    @property
    def timeout(self) -> float:
        return self.core.policy.heal_timeout

    @property
    def limit(self) -> int:
        return self.core.guard.dependency.concurrency

    @property
    def refreshes(self) -> bool:
        return self.subject.reason is not ABSENT

    @property
    def ended(self) -> bool:
        return self.outcome is not None

    def carried_by(self, taken: Any) -> None:
        """What its executor returned may tell of its end."""
        if isinstance(taken, asyncio.Task):
            self.task = taken
        elif isinstance(taken, concurrent.futures.Future):
            taken.add_done_callback(lambda future: self.cut_off() if future.cancelled() else None)

    @property
    def stranded(self) -> bool:
        """Whether its event loop was closed over it, without so much as cancelling it."""
        task = self.task
        return task is not None and not self._in_thread and task.get_loop().is_closed()

    def bury(self) -> None:
        """Close a stranded task. Never in a caller: it runs what the function left to do."""
        try:
            if self.task is not None:
                self.task.get_coro().close()
        except BaseException:  # the function's own, or another thread is at it
            pass

    def __call__(self) -> Outcome | None:
        refuse_in_caller()
        if not self.core.is_async:
            if self.starts():
                self._in_thread = True
                try:
                    steps = self.steps()
                    self.ends(drive(self.subject, steps))
                finally:
                    self._in_thread = False
                    self.cut_off()  # unless it has ended
            return self.outcome
        try:
            return anyio.run(self.run)
        except Exception as error:  # no loop is to be had here
            self.ends(End(Outcome.DROPPED, error=error))
            return self.outcome

    async def run(self) -> Outcome | None:
        refuse_in_caller()
        if self.core.is_async:
            if self.starts():
                await self._arun(self.steps(), None)
            return self.outcome
        try:
            await heal_on_thread(self, _decide.mark_for(self.core.policy))
        except Exception as error:  # no thread is to be had
            self.ends(End(Outcome.DROPPED, error=error))
        self.cut_off()  # unless it has ended, or goes on in its thread
        return self.outcome

    async def _arun(self, steps: Conversation, send: Callable[[bytes], Any] | None) -> End:
        try:
            end, cut = await adrive(self.subject, steps, send)
        except BaseException:
            self.cut_off()
            raise
        self.ends(end)
        if cut is not None:
            self.core.was_cut_off()
            raise cut
        return end

    def steps(self) -> Conversation:
        """The conversation of this heal, to be driven once, after ``starts``; its span begins."""
        self._begin_span()
        own = conversation(self.subject, self._hold, self._permit)
        return own if self.instead_of is None else self._after(self.instead_of, own)

    def _after(self, stranded: Heal, own: Conversation) -> Conversation:
        stranded.bury()
        if stranded.lease is not None:
            yield from give_back(self.core, stranded.lease, 0)
        return (yield from own)

    def _permit(self, permit: Permit) -> None:
        self.permit = permit

    def _hold(self, lease: Lease) -> None:
        self.lease = lease
        self.core.inflight.leads(self, _decide.lease_for(self.core.policy))

    def _begin_span(self) -> None:
        about, hub = self.subject, self.core.parts.hub
        span = hub.heal_span(self.core.label, about.reason, about.traceparent)
        if span is not None:
            self.subject = about._replace(span=span)

    def _end_span(self, error: str, attempt: int) -> None:
        span = self.subject.span
        if span is not None and self.outcome is not None:
            self.subject = self.subject._replace(span=None)
            self.core.parts.hub.span_ends(span, self.outcome, error, attempt)

    def starts(self) -> bool:
        """Whether it may run now: it has not ended, and does not run elsewhere."""
        core = self.core
        # A task waits for its place from here on; what runs in a thread has had it.
        waits = core.is_async and getattr(core.executor, "ends_with_loop", False)
        lasts = core.mark_for if waits else _decide.lease_for(core.policy)
        if not self.inflight.start(self, lasts):
            return False
        core.parts.hub.tell(HealStarted(core.label))
        return True

    def ends(self, end: End) -> None:
        """Count its end, unless it has ended before. No traceback is kept."""
        self.entry = end.entry
        self.error = end.error
        if not self.subject.force:
            strip(end.error)
        attempt = self.lease.attempt if self.lease else 0
        if end.outcome is not None and self.inflight.end(self, end.outcome, end.quiet):
            ran = self.running and self.lease is not None
            since = (self._missed_at(), self.lease.granted_at) if ran and self.lease else None
            self.core.ended(self.key, end.outcome, end.error, attempt, end.delay, since)
        self._end_span(type(end.error).__name__ if end.error is not None else "", attempt)

    def give_up(self) -> None:
        core = self.core
        attempt = self.lease.attempt if self.lease else 1
        error = HealTimeoutError(f"a heal of {core.label} did not end within heal_timeout")
        if self.permit is not None:
            self.permit.failed(error)
        delay = delay_after(core, attempt, error, self.permit)
        self.ends(End(Outcome.FAILED, None, error, _decide.quiet_for(delay), delay))
        self._return_lease(delay)
        self._share()

    def cut_off(self) -> None:
        # In its thread it goes on, whoever waited for it is gone: no second call beside it.
        if self.outcome is None and not self._in_thread:
            self.ends(End(Outcome.LOST))
            if getattr(self.core.executor, "ends_with_loop", False):
                self.core.was_cut_off()
            self._return_lease(0)
            if self.permit is not None:
                self.permit.leave()
                self._share()

    def shed(self) -> None:
        error = HealRejectedError("the queue is full, and refreshes of known keys come first")
        self.ends(End(Outcome.DROPPED, error=error))

    def _share(self) -> None:
        if self.permit is not None and self.core.shelf.sync is not None:
            drive(self.subject, share(self.core, self.permit))

    def _return_lease(self, retry_after: float) -> None:
        if self.lease is None or self.core.shelf.sync is None:
            return  # it lapses by itself
        try:
            self.core.shelf.ask("release", self.lease, retry_after)
        except Exception as error:
            self.core.backend_failed("release", error)

    async def hand_on(self, send: Callable[[bytes], Any]) -> None:
        if not self.starts():
            return
        end = await self._arun(handing_on(self.subject, self._hold, self._encode), send)
        if end.outcome is None:
            seen = sight(self.subject.seen)
            hold_back = _decide.QUIET_AT_MOST
            open_for = _decide.mark_for(self.core.policy)
            self.inflight.handed_on(self, seen, hold_back, open_for)
            self.subject = self.subject._replace(args=(), kwargs={})  # the event has them

    async def settle(self) -> bool:
        self.inflight.ledger()  # sweeps what is past its deadline
        if self.outcome is None and self.lease is not None:
            try:
                entry = await self.core.shelf.aask_aside("get", self.key)
            except Exception as error:
                self.core.backend_failed("get", error)
                return False
            if entry is not None and entry.dated >= self.lease.granted_at:
                self.ends(End(Outcome.HEALED, entry))
        return self.outcome is not None

    async def take_back(self) -> None:
        if self.outcome is None and self.lease is not None:
            try:  # void by now, if a worker has taken the event
                await self.core.shelf.aask_aside("release", self.lease, 0)
            except Exception as error:
                self.core.backend_failed("release", error)

    def _missed_at(self) -> float:
        """Asked for before the backend's time was known, it counts from its lease."""
        missed_at = self.subject.missed_at
        return missed_at if self.lease is None else min(missed_at, self.lease.granted_at)

    def _encode(self, lease: Lease) -> bytes:
        return encode_event(self._make_event(lease.token), self.core.keys)

    def _make_event(self, token: str | None) -> CacheMissed:
        return event_of(self.subject, self._missed_at(), token)
