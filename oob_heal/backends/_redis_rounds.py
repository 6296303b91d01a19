"""The keeper's rounds: what one daemon thread does, over and over, out of the callers' way.

Law: everything that may block is here, and in ``_redis_source``. A round asks each server for its
time and for the epochs of the scopes in use, says what is owed, makes the links that callers wait
for, finds a server that was away, and throws away what a server closed. However many servers of a
cluster swallow everything, a quick one waits for its next visit for REFRESH and one of them.
"""

from __future__ import annotations

import math
import threading
import time
from typing import Any

from oob_heal.backends import _redis_lua as lua
from oob_heal.backends._redis_known import Known, epoch_key, epochs_in
from oob_heal.backends._redis_link import Link
from oob_heal.backends._redis_pool import Pool
from oob_heal.backends._redis_source import Source, reason, slot_of
from oob_heal.backends._redis_talk import Owing
from oob_heal.backends._redis_waiting import Waiting
from oob_heal.backends._redis_wire import AwayError, ErrorReply, pack

REFRESH = 0.5  # s between two looks at the epochs
BELIEVED = 3.0  # s, from before it was asked: a keeper that hangs serves nothing cleared; < ENDED
CONNECT = 1.0  # s for each step of making a connection
PROBE_FIRST, PROBE_LAST = 0.02, 0.5  # s between two looks for a server that is away
TRIM = 60.0  # s after which a link that nobody needed is closed
SAMPLES = 3  # exchanges: for a first look at the server's clock, and to be found too slow
PATIENCE = 4  # deadlines that the keeper, which keeps nobody waiting, gives an exchange
RENEW_EPOCH = 3_600.0  # s after which an epoch's own expiry is put off again


class Rounds(Known):
    """What a backend knows of its servers, and how it is kept up."""

    source: Source
    deadline: float
    most: int
    keep_epochs: float

    def start_afresh(self) -> None:
        """Know nothing, have nothing: as in a new process."""
        self.forget()
        self.bell = threading.Event()
        self.news = Waiting()
        self.met = False  # a round went well, in this process
        self.pools: dict[str, Pool] = {"": Pool(self.ring, self.most)}
        self.slots: dict[int, str] | None = None  # of a cluster
        self.owing = Owing()
        self._control: dict[str, Link] = {}
        self._probe = PROBE_FIRST
        self._trimmed_at = self._looked_at = time.monotonic()

    def ring(self) -> None:
        """Have a round begin now."""
        self.bell.set()

    def place(self, tag: bytes) -> Pool:
        """The pool of the server that has a key. Raises AwayError if none of a cluster has."""
        pool = self._place(tag)
        if pool is None:
            raise AwayError("no server of the cluster has this key's slot")
        return pool

    def _place(self, tag: bytes) -> Pool | None:
        slots = self.slots
        return self.pools.get("" if slots is None else slots.get(slot_of(tag), "none"))

    def hang_up(self) -> None:
        """Close every link: of this process only."""
        for pool in list(self.pools.values()):
            pool.close()
        for name in list(self._control):
            self._hang_up(name)

    def round(self) -> float:
        """Look after everything once; how long to wait for the next bell, in s."""
        self.bell.clear()
        trim = time.monotonic() >= self._trimmed_at + TRIM
        if trim:
            self._trimmed_at = time.monotonic()
        well = self._opened() and self._visit_all(trim=trim)
        self.met = self.met or well
        self.news.wake()
        pause = REFRESH if well else self._probe
        self._probe = PROBE_FIRST if well else min(PROBE_LAST, self._probe * 2)
        return pause

    def _opened(self) -> bool:
        try:
            self.source.open()
            if self.source.is_cluster:
                self._lay_out()
        except Exception as error:
            for pool in list(self.pools.values()):
                pool.away(reason(error))
            return False
        return True

    def _lay_out(self) -> None:
        """Have a pool for each server of a cluster."""
        moved = any(pool.moved for pool in self.pools.values()) and self._may_look_again()
        if self.slots is not None and not moved:
            return
        slots = self.source.layout(anew=self.slots is not None)
        names = set(slots.values())
        old = dict(self.pools)
        pools = {name: old.get(name) or Pool(self.ring, self.most) for name in names}
        self.pools = old | pools  # what callers find in between is there, too
        self.slots = slots
        self.pools = pools
        for name, pool in old.items():
            pool.moved = False
            if name not in names:
                pool.close()
                self._hang_up(name)

    def _may_look_again(self) -> bool:
        """Whether to ask anew where a server is: at most once a second."""
        due = time.monotonic() >= self._looked_at + 1
        if due:
            self._looked_at = time.monotonic()
        return due

    def _visit_all(self, *, trim: bool) -> bool:
        """Visit each server; False while one is away. Whenever slow ones have taken REFRESH, the
        quick ones are visited again, lest belief in them lapse or a clear there wait."""
        quick: list[tuple[str, Pool]] = []
        lost = 0.0  # s, since the quick ones were visited
        all_well = True
        for name, pool in sorted(self.pools.items(), key=_there_first):
            began = time.monotonic()
            well = self._visit(name, pool)
            pool.look_over(trim=trim)
            took = time.monotonic() - began
            all_well = all_well and well
            if well and took < REFRESH:
                quick.append((name, pool))
                continue
            lost += took
            if lost >= REFRESH:
                still = [each for each in quick if self._visit(*each)]
                all_well = all_well and still == quick
                quick, lost = still, 0.0
        return all_well

    def _visit(self, name: str, pool: Pool) -> bool:
        """See whether a server is there, have links to it, and tell who waits; False while it is
        away."""
        began = time.monotonic()
        suspicions = pool.suspicions
        if pool.moved and self.slots is None and self._may_look_again():
            pool.moved = False
            pool.renew()
            self._hang_up(name)
        try:
            self._hear(name, pool)
            self._pay(self._control[name], pool)
            self._fill(name, pool)
        except Exception as error:
            self._hang_up(name)
            pool.renew()
            pool.away(reason(error))
            return False
        else:
            if pool.suspicions == suspicions:
                pool.present(began + BELIEVED)
            return True
        finally:
            self.news.wake()

    def _pay(self, link: Link, pool: Pool) -> None:
        """Say what is owed to this server."""
        self.owing.pay(
            link,
            is_here=lambda tag: self._place(tag) is pool,
            epoch=self.epochs.get,
            within=self.deadline,
        )

    def _fill(self, name: str, pool: Pool) -> None:
        while pool.short:
            try:
                pool.add(self.source.connect(name, CONNECT))
            except Exception:
                if not pool.links:
                    raise
                return  # no more than these are to be had now

    def _hear(self, name: str, pool: Pool) -> None:
        """The server's time, and the epochs that it has."""
        old = self._control.get(name)
        if old is not None:
            try:
                self._refresh(old, pool)
            except Exception:  # it may be this connection alone: look again over a new one
                self._hang_up(name)
            else:
                return
        link = self._control[name] = self.source.connect(name, CONNECT)
        for _ in range(SAMPLES):
            self._ask_time(link)
        self._refresh(link, pool)

    def _hang_up(self, name: str) -> None:
        link = self._control.pop(name, None)
        if link is not None:
            link.close()

    def _ask_time(self, link: Link, *others: bytes) -> list[Any]:
        """The replies to others, once the server has answered within the deadline: the best of a
        few, since this thread may be what was late."""
        for _ in range(SAMPLES):
            sent = time.monotonic()
            command = b"".join((pack(b"TIME"), *others))
            told, *replies = link.ask(command, sent + PATIENCE * self.deadline, 1 + len(others))
            received = time.monotonic()
            if isinstance(told, ErrorReply):
                raise AwayError(f"it says {told.code}")
            seconds, microseconds = map(int, told)
            self.heard_time(sent, seconds + microseconds / 1e6, received)
            if received - sent <= self.deadline:
                return replies
        raise AwayError("it answers too late")

    def _refresh(self, link: Link, pool: Pool) -> None:
        here = [scope for scope in list(self.epochs) if self._place(epoch_key(scope)) is pool]
        replies = self._ask_time(link, *(pack(b"GET", epoch_key(scope)) for scope in here))
        for scope, reply in zip(here, replies, strict=True):
            self._note(link, pool, scope, reply)

    def _note(self, link: Link, pool: Pool, scope: str, reply: Any) -> None:
        if isinstance(reply, ErrorReply) and reply.code == "MOVED":
            pool.moved = True
            return
        known = self.epochs.get(scope)
        number, *ended = (epochs_in(reply) if isinstance(reply, bytes) else []) or [0]
        least = known.number if known is not None else 0
        due = known is None or time.monotonic() >= known.renewed_at + RENEW_EPOCH
        if due or not number or number < least:
            number, *ended = self._learn(link, scope, least) or [number, *ended]
        if number:
            self.heard_epoch(scope, number, ended, renewed=due)

    def _learn(self, link: Link, scope: str, least: int) -> list[int]:
        """Have an epoch that is lost or behind put right; [] if the server does not let us."""
        keys, words = (epoch_key(scope),), (least, self.keep_epochs)
        until = time.monotonic() + self.deadline
        (reply,) = link.ask(lua.LEARN.called(keys, words), until)
        if isinstance(reply, ErrorReply) and reply.code == "NOSCRIPT":
            (reply,) = link.ask(lua.LEARN.in_full(keys, words), until)
        return [] if isinstance(reply, ErrorReply) else epochs_in(reply[2])


def _there_first(server: tuple[str, Pool]) -> tuple[bool, bool]:
    """Before those that were never met, and these before those that are away."""
    pool = server[1]
    return pool.trouble is not None, pool.good_until == -math.inf
