"""What one decorated function is made of, for the read path and the heal to share.

Law: parts and small acts on them; no rule, no conversation. The parts can be swapped while the
function lives (``override``), so nobody keeps a part for longer than one call.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import random
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import anyio

from oob_heal import _decide
from oob_heal._breaker import Dependency, without_secrets
from oob_heal._collector import in_collector
from oob_heal._counted import Counted
from oob_heal._failing import FailingKeys, told, words_of
from oob_heal._guard import Guards, Ward, guard_of
from oob_heal._hub import Hub
from oob_heal._inflight import InFlight
from oob_heal._keys import CallKeys
from oob_heal._model import Entry, Key, Outcome, Policy, Scope
from oob_heal._promise import Counts, Kept, Promise, Window
from oob_heal._quiet import NO_DEFAULT, Quiet
from oob_heal._reports import Failing
from oob_heal._shelf import Shelf
from oob_heal._tally import Tally
from oob_heal.codecs import JsonCodec
from oob_heal.errors import own_words
from oob_heal.observe import Advice, BackendFailed, HealEnded
from oob_heal.ports import Clock

CUT_OFFS_TO_TELL = 3

healing: ContextVar[tuple[Key, ...]] = ContextVar("oob_heal_healing", default=())
"""The keys whose heals this code runs inside of, outermost first."""


_INSTALLED = (
    *("parts", "policy", "shelf", "executor", "make_key", "inflight", "plain", "front", "read"),
    *("window", "guard", "ward", "mark_for", "heals_inline"),
    "unhealed",
)


class Parts:
    """What a cache lends to its functions: clock, chance, sleep, and whether it is closed."""

    def __init__(self, clock: Clock, hub: Hub) -> None:
        self.clock = clock
        self.hub = hub
        self.random: Callable[[], float] = random.random
        sleep = getattr(clock, "sleep", None)
        self.sleep: Callable[[float], Any] = sleep or time.sleep
        self.asleep: Callable[[float], Any] = getattr(clock, "asleep", None) or anyio.sleep
        self.closed = False
        self.guards = Guards()


class Core:
    """One decorated function: the function, its policy, its parts, its counters."""

    def __init__(
        self,
        fn: Callable[..., Any],
        keys: CallKeys,
        policy: Policy,
        *,
        group: str,
        dependency: Dependency | None,
        default: Callable[[], Any] | None,
        around: Callable[[], Any] | None,
        copy: Callable[[Any], Any] | None,
        promise: Promise | None = None,
    ) -> None:
        self.fn = fn
        self.is_async = inspect.iscoroutinefunction(fn)
        self.keys = keys
        self.scope = keys.scope
        self.label = keys.scope.label
        self.policy = self._asked = policy
        self.group = group
        self.dependency = dependency
        self.default = default
        self.around = around
        self.copy = copy
        self.counted = Counted()
        self.tally = Tally(promise, self.counted)
        self.rebind: Callable[[], None] = lambda: None  # gives the function code for new parts
        self.cut_offs = 0

    def install(self, parts: Parts, shelf: Shelf, executor: Any) -> None:
        """Give it its parts, new or swapped; what is under way starts from nothing."""
        self.parts = parts
        self.shelf = shelf
        self.executor = executor
        self.heals_inline = bool(getattr(executor, "heals_inline", False))
        waits = getattr(executor, "queue_timeout", self._asked.queue_timeout)
        self.policy = dataclasses.replace(self._asked, queue_timeout=waits)
        self.mark_for = _decide.mark_for(self.policy)
        self.make_key = self.keys.in_bytes if shelf.keys_in_bytes else self.keys.in_memory
        self.guard = guard_of(parts, self.group, self.dependency)
        self.ward = _ward(shelf, self.guard.name)
        self.plain = self.copy is None and not parts.hub.listening  # a hit is served as it is
        self.front = self._front() if self.plain else None
        self.read: Callable[[Key], Entry | None] = self.shelf.read
        if self.front is not None:
            self.read = self.front.read
        self.inflight = InFlight(parts.clock, quiet=self._quiet())
        self.window: Window | None = None
        if self.tally.promise is not None:
            self.window = Window(self.tally.promise)
            self.window.note(parts.clock(), self.counts())
        self.unhealed = FailingKeys()
        self._installed()

    def _front(self) -> Any:
        """The table of a backend that offers one, for reads without a call through the port."""
        judged_by = (self.policy.ttl, self.policy.max_stale, self.policy.jitter)
        return self.shelf.front(judged_by, functools.partial(_fresh_until, self.policy))

    def _quiet(self) -> Quiet:
        same_clock = self.shelf.now is self.parts.clock
        default = getattr(self.default, "constant", NO_DEFAULT)
        return Quiet(self.front if same_clock else None, self.policy, self.tally, default)

    def _installed(self) -> None:
        self.inflight.quiet.unhush_all()
        self.rebind()

    def uninstall(self) -> Callable[[], None]:
        """Returns what puts the present parts back."""
        kept = {name: getattr(self, name) for name in _INSTALLED}

        def back() -> None:
            for name, part in kept.items():
                setattr(self, name, part)
            self._installed()

        return back

    @property
    def hits(self) -> int:
        """How many answers were fresh."""
        return self.counted.hits

    @property
    def absent(self) -> int:
        """How often there was nothing to serve but a default or an error."""
        return self.counted.absent

    def copied(self, value: Any) -> Any:
        """The value, isolated if the function asks for it."""
        return value if self.copy is None else self.copy(value)

    def new_entry(self, value: Any, dated: float) -> Entry:
        return Entry(self.copied(value), dated, False, self.parts.random())

    def keep_for(self) -> float:
        return _decide.keep_for(self.policy, self.shelf.longest_keep)

    def backend_failed(self, verb: str, error: BaseException) -> None:
        self.tally.backend_failures += 1
        self.tally.backend_failed_at = now = self.parts.clock()
        if self.window is not None and now >= self.window.due:
            self.kept()
        self.parts.hub.tell(BackendFailed(self.label, verb, type(error).__name__))

    @property
    def stale(self) -> int:
        """How many answers were stale."""
        if in_collector():  # the lock may be this thread's
            return self.tally.stale
        with self.inflight.lock:  # else it may go back for a moment, while another one settles
            return self.tally.stale

    def counts(self) -> Counts:
        """What was answered so far, for the promise. The caller holds the lock of ``inflight``."""
        self.tally.settle()
        by_age = list(self.tally.stale_by_age)
        hits, absent, errors = self.hits, self.absent, self.tally.errors
        young = hits + self.tally.young(by_age)
        return Counts(hits + sum(by_age) + absent, young, max(0, absent - errors), errors)

    def kept(self) -> Kept | None:
        """Whether the promise is kept at this moment; None if there is none."""
        if self.window is None:
            return None
        with self.inflight.lock:
            return self.window.judge(self.parts.clock(), self.counts())

    def _times(self, since: tuple[float, float] | None) -> tuple[float, ...]:
        """Seconds since the miss and since the lease, of a heal that ran here; else nothing."""
        if since is None:
            return ()
        try:
            now = self.shelf.now()
        except Exception:  # the backend is away, and its clock with it
            return ()
        return tuple(max(0.0, now - each) for each in since)

    def ended(
        self,
        key: Key,
        outcome: Outcome,
        error: BaseException | None,
        attempt: int,
        delay: float,
        since: tuple[float, float] | None = None,
    ) -> None:
        """A heal ended for the first time: keep what failing() shows, tell the observers.

        ``since``: when it was missed and when its lease was granted, if it ran here.
        """
        times = self._times(since)
        name = type(error).__name__ if error is not None else ""
        message = words_of(error)  # the user's words: not under a lock
        with self.inflight.lock:
            if times:
                self.tally.heal_ended(outcome, *times)
            if self.window is not None:
                self.window.note(self.parts.clock(), self.counts())
            if outcome is Outcome.HEALED:
                self.unhealed.forget(key)
                self.cut_offs = 0
            elif outcome is Outcome.FAILED and error is not None:
                self.unhealed.failed(key, name, message, attempt, self.parts.clock(), delay)
        advice = without_secrets(own_words(error))  # a name in it may be a URL
        missed, took = times or (None, None)
        self.parts.hub.tell(HealEnded(self.label, outcome, name, attempt, advice, took, missed))

    def quarantined(self, key: Key, attempts: int, wait: float) -> None:
        """A key whose healers do not survive it is left alone: failing() shows it, the log hears
        of it."""
        message = "its healer crashed, or was killed, again and again"
        with self.inflight.lock:
            now = self.parts.clock()
            self.unhealed.failed(key, "Quarantined", message, attempts, now, wait)
        text = f"a key is left alone for {wait:.0f} s: {message}; see failing()"
        self.parts.hub.tell(Advice(self.label, text))

    def no_longer_failing(self, key: Key) -> None:
        with self.inflight.lock:
            self.unhealed.forget(key)

    def was_cut_off(self) -> None:
        """A heal was cut off by its loop; the third in a row is told."""
        self.cut_offs += 1
        if self.cut_offs == CUT_OFFS_TO_TELL:
            text = (
                f"{CUT_OFFS_TO_TELL} heals in a row were cut off by the end of their event loop; "
                f"where each call has a loop of its own, give executor=ThreadExecutor()"
            )
            self.parts.hub.tell(Advice(self.label, text))

    def failing_keys(self) -> int:
        """How many keys do not heal."""
        now = self.parts.clock()
        with self.inflight.lock:
            return len(self.unhealed.known(now))

    def failing(self) -> list[Failing]:
        """The keys that do not heal, bounded; none inside the collector."""
        if in_collector():
            return []
        now = self.parts.clock()
        with self.inflight.lock:
            known = self.unhealed.known(now)
        return told(self.label, known, now)


def _fresh_until(policy: Policy, entry: Entry) -> float:
    return _decide.fresh_until(entry, policy)


def _ward(shelf: Shelf, dependency: str) -> Ward | None:
    """Where processes share the breaker of a dependency, if they share leases at all."""
    if not shelf.shared:
        return None
    scope = Scope(shelf.scope.namespace, f"breaker of {dependency}", 0, "ward")
    return Ward(Shelf(shelf.backend, JsonCodec(), scope), Key(scope, "ward"))
