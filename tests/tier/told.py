"""A store that tells its news at once, late, or not at all: as the test wants it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oob_heal.ports import STALE_MARK_AT, WHICH_AT
from oob_heal.testing import ManualClock, SharedBackend, SharedStore


class Listener:
    """One front's ear."""

    def __init__(self, store: ToldStore, hear: Callable[..., None]) -> None:
        self.store = store
        self.hear = hear
        self.scopes: set[str] = set()
        self.closed = self.started = False

    def follow(self, scope: str) -> None:
        self.scopes.add(scope)

    def close(self, grace: float | None = None) -> None:
        self.closed = True


class ToldStore(SharedStore):
    """``late``: what is announced waits here until ``deliver``; ``silent``: it is lost."""

    def __init__(self, clock: ManualClock | None = None) -> None:
        super().__init__(clock)
        self.listeners: list[Listener] = []
        self.late = self.silent = False
        self.waiting: list[tuple[str, str, str]] = []

    def backend(self) -> TellingBackend:
        return TellingBackend(self)

    def announce(self, verb: str, name: str, entry: bytes | None = None) -> None:
        if self.silent:
            return
        which = b"" if entry is None else entry[STALE_MARK_AT : STALE_MARK_AT + 1] + entry[WHICH_AT]
        self.waiting.append((verb, name, which.hex()))
        if not self.late:
            self.deliver()

    def deliver(self) -> None:
        while self.waiting:
            verb, name, which = self.waiting.pop(0)
            scope = name.split(".")[1] if "." in name else name
            for listener in self.listeners:
                if scope in listener.scopes and not listener.closed:
                    listener.hear(verb, name, which)


class TellingBackend(SharedBackend):
    """One process's way to it; ``reads`` counts what was asked of the store."""

    def __init__(self, store: ToldStore) -> None:
        super().__init__(store)
        self.told = store
        self.reads = 0
        self.before_reply: Callable[[], Any] = lambda: (
            None
        )  # a read was done; its reply is not here

    def news(self, hear: Callable[..., None]) -> Listener:
        self.told.listeners.append(Listener(self.told, hear))
        return self.told.listeners[-1]

    def get(self, key: str) -> bytes | None:
        self.reads += 1
        found = super().get(key)
        act, self.before_reply = self.before_reply, lambda: None
        act()
        return found

    def set(self, key: str, entry: bytes, keep_for: float) -> None:
        super().set(key, entry, keep_for)
        self.told.announce("set", key, entry)

    def delete(self, key: str) -> None:
        super().delete(key)
        self.told.announce("delete", key)

    def mark_stale(self, key: str) -> None:
        super().mark_stale(key)
        self.told.announce("mark_stale", key, super().get(key))

    def clear(self, scope: str) -> None:
        super().clear(scope)
        self.told.announce("clear", scope)

    def commit(self, lease: Any, entry: bytes | None, keep_for: float) -> bool:
        done = super().commit(lease, entry, keep_for)
        if done:
            self.told.announce("delete" if entry is None else "commit", lease.key, entry)
        return done
