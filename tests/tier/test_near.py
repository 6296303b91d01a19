"""News of a whole scope: no event loop waits for all of it, and none of it is forgotten."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from oob_heal._model import Entry, Key, Scope
from oob_heal.backends._near import Near
from oob_heal.testing import ManualClock

SCOPE = Scope("test", "f", 0, "fp")
LIFE = 5.0  # s
MOST = 200  # entries that are changed without letting the lock go
MANY = 5 * MOST + 7


class LetGo:
    """A lock that tells when it was let go of, and how much was changed under it."""

    def __init__(self, then: Callable[[], None]) -> None:
        self._lock = threading.Lock()
        self._then = then
        self.changed = 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self.changed = 0

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        self._then()


def name(n: int) -> str:
    return f"oob1.scope.{n:032d}"


def look(near: Near, n: int, entry: Entry) -> None:
    with near.looking(Key(SCOPE, n), name(n)) as each:
        each.brought(entry)


@pytest.fixture
def near() -> Near:
    made = Near(LIFE, 10 * MANY, ManualClock(1_000.0))
    for n in range(MANY):
        look(made, n, Entry("before", 1.0))
    return made


def old(near: Near) -> list[Any]:
    return [getattr(near.old(Key(SCOPE, n)), "value", None) for n in range(MANY)]


def young(near: Near) -> int:
    return sum(near.young(Key(SCOPE, n)) is not None for n in range(MANY))


# H07, H23
@pytest.mark.parametrize("verb", ["clear", "missed"])
def test_the_front_of_a_whole_scope_is_changed_a_few_entries_at_a_time(
    near: Near, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    most, change = [0], near._change
    lock: Any = LetGo(lambda: most.append(lock.changed))

    def counted(*args: str) -> Any:
        lock.changed += 1
        return change(*args)

    monkeypatch.setattr(near, "lock", lock)
    monkeypatch.setattr(near, "_change", counted)
    near.hear(verb, "scope")
    assert (max(most), sum(most)) == (MOST, MANY)
    assert young(near) == 0
    assert old(near) == MANY * [None if verb == "clear" else "before"]


# H07: whichever way the two cross, nothing older than the news is served after them.
@pytest.mark.parametrize("verb", ["clear", "missed"])
@pytest.mark.parametrize("later", [0.0, 0.001])
def test_what_was_looked_at_since_the_news_stays_and_what_was_before_goes(
    near: Near, verb: str, later: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock: Any = near.clock
    began_before = near.looking(Key(SCOPE, MANY - 2), name(MANY - 2))
    before = began_before.__enter__()
    did: list[bool] = []

    def meanwhile() -> None:
        if not did:
            did.append(True)
            before.brought(Entry("before", 1.0))
            clock.advance(later)
            look(near, MANY - 1, Entry("after", 2.0))

    lock: Any = LetGo(meanwhile)
    monkeypatch.setattr(near, "lock", lock)
    near.hear(verb, "scope")
    began_before.__exit__(None, None, None)
    assert young(near) == (1 if later else 0)
    kept = "after" if later or verb == "missed" else None
    assert old(near) == (MANY - 1) * [None if verb == "clear" else "before"] + [kept]


# H27: under the lock nothing dies that may call back.
def test_what_a_clear_lets_go_of_dies_when_the_lock_is_free() -> None:
    near, free = Near(LIFE, 10 * MANY, ManualClock(1_000.0)), []

    class Dying:
        def __del__(self) -> None:
            free.append(not near.lock.locked())

    for n in range(MANY):
        look(near, n, Entry(Dying(), 1.0))
    near.hear("clear", "scope")
    assert free == MANY * [True]
