"""The announcements of ``_redis_lua``, heard: one connection and one thread for each listener.

Law: out of the callers' way, and never believed to be whole: news may be late or lost, so what
hears it must do without. Whenever some may have been missed (on every new connection, for every
scope), that is told as ``missed``.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

from oob_heal import _lifecycle
from oob_heal.backends._redis_keeper import Keeper
from oob_heal.backends._redis_known import epochs_in
from oob_heal.backends._redis_link import CHUNK, ClosedError, Link
from oob_heal.backends._redis_rounds import CONNECT
from oob_heal.backends._redis_wire import Stream, pack

TURN = 0.1  # s after which a thread that hears nothing looks for what else there is to do
PING = 1.0  # s between two signs of life
SILENT = 4.0  # s without one, after which a connection is given up
AGAIN = 0.2  # s between two tries to connect


class Line:
    """One connection on which news arrives. ``heard_at`` and the like by the monotonic clock."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.stream = Stream()
        self.asked: set[str] = set()
        self.heard_at = self.pinged_at = time.monotonic()

    def say(self, *words: bytes) -> None:
        self.link.sock.settimeout(CONNECT)
        self.link.sock.sendall(pack(*words))

    def receive(self) -> list[Any]:
        """What has come, after a turn at most."""
        self.link.sock.settimeout(TURN)
        try:
            chunk = self.link.sock.recv(CHUNK)
        except TimeoutError:
            return []
        if not chunk:
            raise ClosedError("closed by the server")
        self.heard_at = time.monotonic()
        return self.stream.feed(chunk)


class News:
    """Has ``hear`` called for what is done to the scopes that are followed; see ``ports``."""

    def __init__(self, keeper: Keeper, hear: Callable[..., None]) -> None:
        self._keeper = keeper
        self._hear = hear
        self.closed = False
        self._start_afresh()
        keeper.listeners.add(self)
        _lifecycle.survives_fork(self)

    def _start_afresh(self) -> None:
        self.lock = threading.Lock()
        self._scopes: frozenset[str] = frozenset()
        self._thread: threading.Thread | None = None
        self._line: Line | None = None
        self._over = threading.Event()

    def after_fork(self, consistent: bool) -> None:
        """In the child: the connection is the parent's; it follows what is asked for here."""
        line = self._line
        if line is not None:
            line.link.close()
        closed = self.closed
        self._start_afresh()
        self.closed = closed

    @property
    def started(self) -> bool:
        """Whether there is a thread to end."""
        return self._thread is not None

    @property
    def over(self) -> bool:
        """Whether there is nothing more to hear, or nobody to hear it from."""
        return self.closed or self._keeper.closed

    def follow(self, scope: str) -> None:
        """Hear of a scope, from about now on."""
        if scope in self._scopes or self.closed:
            return
        with self.lock:
            self._scopes |= {scope}
            if self._thread is not None or self.closed:
                return
            thread = threading.Thread(
                target=_listen, args=(weakref.ref(self),), name="oob-heal-news", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:  # none is to be had: whoever listens does without
                return
            self._thread = thread

    def close(self, grace: float | None = None) -> None:
        """Hear nothing more. ``grace``: s for the thread, which may be connecting."""
        self.closed = True
        self._over.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(2 * TURN + CONNECT if grace is None else grace)

    def turn(self) -> None:
        """One turn of the thread: connect, ask for what is new, hear."""
        try:
            if self._line is None:
                self._connect()
            else:
                self._go_on(self._line)
        except Exception:
            self.hang_up()
            self._over.wait(AGAIN)

    def hang_up(self) -> None:
        """Close the connection, if there is one."""
        line, self._line = self._line, None
        if line is not None:
            line.link.close()

    def _connect(self) -> None:
        keeper = self._keeper
        if keeper.offset is None:  # before the first contact nobody can connect
            keeper.ring()
            self._over.wait(AGAIN)
            return
        name = next(iter(list(keeper.pools)))
        self._line = Line(keeper.source.connect(name, CONNECT))

    def _go_on(self, line: Line) -> None:
        wanted = self._scopes - line.asked
        if wanted:
            line.say(b"SUBSCRIBE", *(channel_of(scope) for scope in sorted(wanted)))
            line.asked |= wanted
        now = time.monotonic()
        if now >= line.pinged_at + PING:
            if now >= line.heard_at + SILENT:
                raise TimeoutError("no sign of life")
            line.pinged_at = now
            line.say(b"PING")
        for push in line.receive():
            self._push(push)

    def _push(self, push: Any) -> None:
        if not isinstance(push, list) or len(push) < 3 or not isinstance(push[1], bytes):
            return
        scope = push[1].decode("ascii", "replace").split(".")[1]
        if push[0] == b"subscribe":
            self._hear("missed", scope)
        elif push[0] == b"message" and isinstance(push[2], bytes):
            verb, _, about = push[2].decode("ascii", "replace").partition(" ")
            if verb == "clear":
                for number in epochs_in(about.encode("ascii", "replace")):
                    self._keeper.heard_epoch(scope, number)  # and so ``cleared``
            else:
                digest, _, which = about.partition(" ")
                self._hear(verb, f"oob1.{scope}.{digest}", which)

    def cleared(self, scope: str) -> None:
        """The keeper knows that a scope is in another epoch: by its own rounds, if not by news."""
        self._hear("clear", scope)


def channel_of(scope: str) -> bytes:
    """Where ``_redis_lua`` announces what is done to a scope."""
    return b"oob1.%s.news" % scope.encode("ascii")


def _listen(news_ref: weakref.ref[News]) -> None:
    while True:
        news = news_ref()
        if news is None:
            return
        if news.over:
            news.hang_up()
            return
        news.turn()
        del news
