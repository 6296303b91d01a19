"""What one process holds of a shared backend: entries, and until when each needs no look.

Law: a read is one dictionary look-up without a lock; everything else is a few steps under one lock,
in which no code of the user's runs. What a look at the shared tier brings is held only if nothing
else was heard of its key since the look began: news may overtake the reply. News of the very entry
that is held, or that a look brings, changes nothing: a writer hears its own. Nothing is decided
here.
"""

from __future__ import annotations

import math
import struct
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from oob_heal import _lifecycle
from oob_heal._model import Entry, Key
from oob_heal.backends._glance import Glance
from oob_heal.ports import Clock

AT_ONCE = 200  # entries that are changed without letting the lock go: event loops wait for it
_WHICH = struct.Struct(">?dd")


class Held(NamedTuple):
    """An entry, the name of its key in the shared tier, and until when it needs no look."""

    entry: Entry
    name: str
    until: float


class Look:
    """One look at the shared tier: ``void`` once something was heard of its key, unless all of that
    was which entry is there: ``told`` then says which."""

    __slots__ = ("_near", "began", "key", "name", "told", "void")

    def __init__(self, near: Near, key: Key, name: str) -> None:
        self._near = near
        self.key = key
        self.name = name
        self.began = near.clock()
        self.void = False
        self.told = ""

    def hear(self, which: str) -> None:
        """Something was done to its key: this entry is there now, '' for none."""
        self.void = self.void or not which
        self.told = which

    def brought(self, entry: Entry | None) -> None:
        """The shared tier answered."""
        self._near.hold(self, entry)


class Near:
    """At most ``maxsize`` entries, each looked at again after ``life`` seconds by ``clock``."""

    def __init__(self, life: float, maxsize: int, clock: Clock) -> None:
        self.life = life
        self.maxsize = maxsize
        self.clock = clock
        self._held: OrderedDict[Key, Held] = OrderedDict()
        self._names: dict[str, dict[str, Key]] = {}  # by scope, then by name
        self._glances: dict[Any, weakref.WeakSet[Glance]] = {}  # by scope
        self._start()
        _lifecycle.survives_fork(self)

    def _start(self) -> None:
        self.lock = threading.Lock()
        self._looks: set[Look] = set()

    def after_fork(self, consistent: bool) -> None:
        """In the child: nobody listens yet, and what the parent looks at is the parent's."""
        self._start()
        if not consistent:
            for key in self._held:
                self._forget(key)
            self._held.clear()
            self._names.clear()
        for scope in list(self._names):
            self.hear("missed", scope)

    def shown_in(self, scope: Any, glance: Glance) -> None:
        """From now on a copy of what is fresh of a scope, for as long as somebody has it."""
        with self.lock:
            self._glances.setdefault(scope, weakref.WeakSet()).add(glance)

    def show(self, key: Key) -> None:
        """Copy what is held of a key. Never waits for who writes."""
        glances = self._glances.get(key.scope)
        if glances and self.lock.acquire(blocking=False):
            try:
                held = self._held.get(key)
                if held is not None:
                    for each in glances:
                        each.put(key.token, held.entry, held.until)
            finally:
                self.lock.release()

    def _forget(self, key: Key) -> list[Any]:
        """Take a key out of every copy, before what is held of it changes."""
        return [each.forget(key.token) for each in self._glances.get(key.scope, ())]

    def __len__(self) -> int:
        return len(self._held)

    def young(self, key: Key) -> Entry | None:
        """The entry, if it needs no look. Takes no lock."""
        held = self._held.get(key)
        return held.entry if held is not None and self.clock() < held.until else None

    def old(self, key: Key) -> Entry | None:
        """The entry, however long ago it was looked at. Takes no lock."""
        held = self._held.get(key)
        return held.entry if held is not None else None

    @contextmanager
    def looking(self, key: Key, name: str) -> Iterator[Look]:
        """Around one read of the shared tier."""
        look = Look(self, key, name)
        with self.lock:
            self._looks.add(look)
        try:
            yield look
        finally:
            with self.lock:
                self._looks.discard(look)

    def hold(self, look: Look, entry: Entry | None) -> None:
        """What a look brought, unless something was heard of its key since it began."""
        with self.lock:
            if look.void or (look.told and (entry is None or which_of(entry) != look.told)):
                return
            let_go: list[Any] = [self._drop(look.name)]
            if entry is None:
                return
            self._names.setdefault(scope_of(look.name), {})[look.name] = look.key
            self._held[look.key] = Held(entry, look.name, look.began + self.life)
            while len(self._held) > self.maxsize:
                let_go.append(self._drop(next(iter(self._held.values())).name))

    def _drop(self, name: str) -> Any:
        scope = scope_of(name)
        names = self._names.get(scope, {})
        key = names.pop(name, None)
        if not names:
            self._names.pop(scope, None)
        return None if key is None else (self._forget(key), self._held.pop(key))

    def hear(self, verb: str, of: str, which: str = "") -> None:
        """A verb was done: ``of`` is the name of a key, where the entry ``which`` is now, if that
        is known; or a scope for ``clear``, and for ``missed``: something may have been done to it
        that was not heard."""
        whole = verb in ("clear", "missed")
        with self.lock:
            for look in self._looks:
                if (scope_of(look.name) if whole else look.name) == of:
                    look.hear(which)
            names = list(self._names.get(of, ())) if whole else [of]
            since = self.clock() + self.life
            _let_go = [self._change(verb, name, which) for name in names[:AT_ONCE]]
        for at in range(AT_ONCE, len(names), AT_ONCE):
            time.sleep(0)  # else who waits for the lock finds it taken again
            self._change_older(since, verb, names[at : at + AT_ONCE], which)

    def _change_older(self, since: float, verb: str, names: list[str], which: str) -> None:
        """Of a whole scope, what was held when its news came: a look that began later knows it."""
        with self.lock:
            older = [name for name in names if not self._until(name) > since]
            _let_go = [self._change(verb, name, which) for name in older]

    def _until(self, name: str) -> float:
        key = self._names.get(scope_of(name), {}).get(name)
        return -math.inf if key is None else self._held[key].until

    def _change(self, verb: str, name: str, which: str) -> Any:
        """What was overwritten or removed is gone; of what healed, the entry of before is still
        better than none, should the shared tier be away."""
        key = self._names.get(scope_of(name), {}).get(name)
        if key is None or which_of(self._held[key].entry) == which:
            return None
        if verb in ("set", "delete", "clear"):
            return self._drop(name)
        copies, before = self._forget(key), self._held[key]
        entry = before.entry
        if verb == "mark_stale":
            entry = Entry(entry.value, entry.dated, True, entry.spread)
        self._held[key] = Held(entry, name, -math.inf)
        return copies, before


def scope_of(name: str) -> str:
    """The scope in a key's name: ``oob1.SCOPE.DIGEST``."""
    return name.split(".", 2)[1]


def which_of(entry: Entry) -> str:
    """As news tell which entry is there; kept in step with the envelope, ``ports.WHICH_AT``."""
    return _WHICH.pack(entry.marked_stale, entry.dated, entry.spread).hex()
