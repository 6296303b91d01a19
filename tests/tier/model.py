"""The reference model of a process with a front, and such processes on a real server.

Law: the model hears of every write at once. So that the package does too, ``catch_up`` waits after
each act until every front has heard what was announced; the announcements are the server's own.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from oob_heal.backends.tiered import TieredBackend
from tests.model.books import AwayError
from tests.model.process import Process
from tests.model.rules import Entry
from tests.model.store import Key
from tests.redis.timed import Timed

FRONT_LIFE = 4.0  # s, of the test's clock
PATIENCE = 10.0  # s, of real time


class Fronted(Process):
    """A process that holds entries of its own: each until when it needs no look."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.front: dict[Key, tuple[Entry, float]] = {}
        self.peers: list[Fronted] = self.store.__dict__.setdefault("fronts", [])
        self.peers.append(self)

    def see(self, key: Key) -> Entry | None:
        entry, until = self.front.get(key, (None, -math.inf))
        if self.store.clock() < until:
            return entry
        try:
            found: Entry | None = self.ask("get", key)
        except AwayError:
            if entry is None:
                raise
            return entry
        return found

    def ask(self, verb: str, *args: Any) -> Any:
        reply: Any = None
        try:
            reply = super().ask(verb, *args)
        finally:
            if verb in ("set", "delete", "mark_stale", "clear", "commit"):
                self._tell(verb, *args)
        if verb == "get":
            self.front.pop(args[0], None)
            if reply is not None:
                self.front[args[0]] = (reply, self.store.clock() + FRONT_LIFE)
        return reply

    def _tell(self, verb: str, subject: Any, *rest: Any) -> None:
        """This front hears in any case; the others hear what was done."""
        if verb == "commit":
            verb, subject = "delete" if rest[0] is None else "commit", subject.key
        for each in self.peers if self.way != "down" else [self]:
            each.hear(verb, subject)

    def hear(self, verb: str, of: Any) -> None:
        for key in [key for key in self.front if of in (key, key[0])]:
            entry, _ = self.front.pop(key)
            if verb in ("commit", "mark_stale"):
                entry = replace(entry, marked=True) if verb == "mark_stale" else entry
                self.front[key] = (entry, -math.inf)


class TimedTier(Timed):
    """Processes with fronts on one server, as the state machine wants them."""

    model = Fronted

    def __init__(self, server: Any) -> None:
        super().__init__(server)
        self.tiers: list[TieredBackend] = []
        self._markers = itertools.count()

    def over(self, way: Any) -> TieredBackend:
        tier = TieredBackend(way, front_life=FRONT_LIFE, clock=self.clock)
        tier.heard = Ear(tier)  # type: ignore[attr-defined]
        self.tiers.append(tier)
        return tier

    def catch_up(self, processes: list[Any]) -> None:
        for who in processes:
            for core in who.cores:
                scope = core.shelf._scope_name
                core.shelf.backend.follow(scope)
                core.shelf.backend.heard.up_to_now(self.client, scope, next(self._markers))

    def close(self) -> None:
        for tier in self.tiers:
            tier.close()
        super().close()


class Ear:
    """What a tier's front has heard, the test's own markers among it."""

    def __init__(self, tier: TieredBackend) -> None:
        self.confirmed: set[str] = set()
        self.markers: set[str] = set()
        self._hear: Callable[..., None] = tier._news._hear
        tier._news._hear = self.hear

    def hear(self, verb: str, name: str, which: str = "") -> None:
        if verb == "marker":
            self.markers.add(name.rpartition(".")[2])
            return
        self._hear(verb, name, which)
        if verb == "missed":
            self.confirmed.add(name)

    def up_to_now(self, client: Any, scope: str, marker: int) -> None:
        until = time.monotonic() + PATIENCE
        while scope not in self.confirmed:
            assert time.monotonic() < until, "the subscription was not confirmed"
            time.sleep(0.0005)
        client.publish(f"oob1.{scope}.news", f"marker {marker}")
        while str(marker) not in self.markers:
            assert time.monotonic() < until, "the news did not arrive"
            time.sleep(0.0001)
