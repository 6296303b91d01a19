"""The request path: short, hot, over ``_decide``.

Law: one read of the backend, no waiting, no lock but the one that publishing needs, and never a
call of the dependency. The two colours differ in how they read; what follows from it stands once.
The one inlined comparison, ``now < fresh_until``, is ``_decide.judge``'s own.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from oob_heal import _decide
from oob_heal._core import Core, healing
from oob_heal._decide import (
    ABSENT,
    DEFAULT,
    ERROR,
    FRESH,
    STALE,
    VALUE,
    Verdict,
    fresh_until,
    judge,
)
from oob_heal._model import Entry, Key, Reason, Served, new
from oob_heal._publish import forced_executor, publish
from oob_heal._steps import NO_MORE, Subject
from oob_heal.errors import CacheMissError
from oob_heal.observe import Answered

Args = tuple[Any, ...]
Kwargs = dict[str, Any]


def call(core: Core, args: Args, kwargs: Kwargs) -> Any:
    """What a sync decorated function does."""
    key = core.make_key(args, kwargs)
    try:
        entry = core.read(key)
        now = core.shelf.now()
    except Exception as error:
        return _unreadable(core, error).value
    if entry is not None and core.plain and now < fresh_until(entry, core.policy):
        core.counted.hits_cell.cell_contents += 1.0
        return entry.value
    return answer(core, key, entry, now, args, kwargs).value


async def acall(core: Core, args: Args, kwargs: Kwargs) -> Any:
    """What an async decorated function does."""
    key = core.make_key(args, kwargs)
    try:
        shelf = core.shelf
        entry = core.read(key) if shelf.prompt else await shelf.aread(key)
        now = shelf.now()
    except Exception as error:
        return _unreadable(core, error).value
    if entry is not None and core.plain and now < fresh_until(entry, core.policy):
        core.counted.hits_cell.cell_contents += 1.0
        return entry.value
    return answer(core, key, entry, now, args, kwargs).value


def lookup(core: Core, args: Args, kwargs: Kwargs) -> Served[Any]:
    key = core.make_key(args, kwargs)
    try:
        entry = core.read(key)
        now = core.shelf.now()
    except Exception as error:
        return _unreadable(core, error)
    return answer(core, key, entry, now, args, kwargs)


async def alookup(core: Core, args: Args, kwargs: Kwargs) -> Served[Any]:
    key = core.make_key(args, kwargs)
    try:
        entry = await core.shelf.aread(key)
        now = core.shelf.now()
    except Exception as error:
        return _unreadable(core, error)
    return answer(core, key, entry, now, args, kwargs)


def answer(
    core: Core, key: Key, entry: Entry | None, now: float, args: Args, kwargs: Kwargs
) -> Served[Any]:
    """Judge what was read, publish what was missed, serve."""
    verdict = judge(entry, now, core.policy)
    judged = verdict
    if verdict.reason is not None:
        about = (core, key, args, kwargs, verdict.reason, now, entry) + NO_MORE  # noqa: RUF005
        subject = new(Subject, about)
        if publish(core, subject) and (core.heals_inline or forced_executor):
            entry, verdict = _again(core, key, entry, verdict)
    try:
        value = None if entry is None else core.copied(entry.value)
    except Exception as error:
        return _unreadable(core, error)
    _count(core, judged)
    return _serve(core, value, verdict)


def _again(
    core: Core, key: Key, entry: Entry | None, verdict: Verdict
) -> tuple[Entry | None, Verdict]:
    """What is there now that a heal has ended in its publication: in tests that heal inline."""
    if core.shelf.sync is None:
        return entry, verdict
    entry = core.read(key)
    return entry, judge(entry, core.shelf.now(), core.policy)


def peeked(core: Core, entry: Entry | None) -> Served[Any] | None:
    """What a call would serve from an entry, without a trace."""
    verdict = judge(entry, core.shelf.now(), core.policy)
    if entry is None or verdict.freshness not in _decide.SERVES_VALUE:
        return None
    return Served(core.copied(entry.value), verdict.freshness, verdict.age, False)


def inside_heal_of(key: Key) -> bool:
    """Whether this code runs inside a heal of this very key."""
    return key in healing.get()


def _count(core: Core, verdict: Verdict) -> None:
    if verdict.freshness is FRESH:
        core.counted.hits_cell.cell_contents += 1.0
    elif verdict.freshness is STALE:
        tally = core.tally
        tally.stale_by_age[bisect_right(tally.age_bounds, verdict.age or 0.0)] += 1
    else:
        core.counted.absent_cell.cell_contents += 1.0


def _serve(core: Core, value: Any, verdict: Verdict) -> Served[Any]:
    default = core.default
    what = _decide.answer(verdict.freshness, default is not None, healing.get() != ())
    if core.parts.hub.listening:
        is_default, error = what is DEFAULT, what is ERROR
        age = verdict.age if what is VALUE else None
        core.parts.hub.tell(Answered(core.label, verdict.freshness, age, is_default, error))
    if what is VALUE:
        return new(Served, (value, verdict.freshness, verdict.age, False))
    if what is DEFAULT and default is not None:
        try:
            return new(Served, (default(), verdict.freshness, None, True))
        except BaseException:
            core.tally.errors += 1
            raise
    core.tally.errors += 1
    raise CacheMissError(core.label, verdict.reason or Reason.ABSENT)


def _unreadable(core: Core, error: Exception) -> Served[Any]:
    """The backend could not be read: answer as with none, and publish nothing."""
    core.counted.absent_cell.cell_contents += 1.0
    core.backend_failed("get", error)
    return _serve(core, None, Verdict(ABSENT, None, Reason.UNAVAILABLE))
