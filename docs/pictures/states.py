"""The state diagram, derived from the rules: every arrow and every word in a box is asked of them.

Law: nothing is drawn that ``oob_heal._decide`` did not say. A transition that the rules make and
this file has no place for ends the drawing with an error.
"""

from __future__ import annotations

from oob_heal import Freshness
from oob_heal._decide import Answer, answer, judge
from oob_heal._model import Entry, Policy
from svg import Picture

TTL, MAX_STALE = 60.0, 3_600.0
POLICY = Policy(ttl=TTL, max_stale=MAX_STALE, jitter=0.0)
HARD_LIMIT = TTL + MAX_STALE
TICK = 0.001

FRESH, STALE, EXPIRED, ABSENT = (
    Freshness.FRESH,
    Freshness.STALE,
    Freshness.EXPIRED,
    Freshness.ABSENT,
)
AGES: dict[Freshness, float | None] = {FRESH: 0.0, STALE: TTL, EXPIRED: HARD_LIMIT, ABSENT: None}
"""An age at which an entry is in each state; None: there is no entry."""

Transitions = dict[tuple[Freshness, Freshness], list[str]]


def state_of(entry: Entry | None, now: float) -> Freshness:
    """What the rules call it."""
    return judge(entry, now, POLICY).freshness


def transitions() -> Transitions:
    """What leads from which state to which, by trying each act in each state."""
    found: Transitions = {}
    for state, age in AGES.items():
        entry = None if age is None else Entry("v", 0.0)
        now = age or 0.0
        assert state_of(entry, now) is state
        for act, (then, at) in _acts(entry, now).items():
            after = state_of(then, at)
            if after is not state:
                found.setdefault((state, after), []).append(act)
    return found


def _acts(entry: Entry | None, now: float) -> dict[str, tuple[Entry | None, float]]:
    """Each act: what it leaves there, and the instant at which to look."""
    acts: dict[str, tuple[Entry | None, float]] = {
        "a heal, or set": (Entry("new", now), now),
        "invalidate": (None, now),
    }
    if entry is not None:
        acts["mark_stale"] = (Entry("v", entry.dated, True), now)
    for limit, said in ((TTL, "ttl passes"), (HARD_LIMIT, "max_stale passes")):
        if now < limit and state_of(entry, limit) is not state_of(entry, limit - TICK):
            acts.setdefault(said, (entry, limit))
            break
    return acts


def served(state: Freshness) -> str:
    """What a caller gets in a state."""
    said = {Answer.VALUE: "the value", Answer.DEFAULT: "the default", Answer.ERROR: "an error"}
    with_default = answer(state, has_default=True, in_heal=False)
    without = answer(state, has_default=False, in_heal=False)
    if with_default is without:
        return said[with_default]
    return f"{said[with_default]}, or {said[without]}"


def event(state: Freshness) -> str:
    """Whether a cache-missed event is published."""
    age = AGES[state]
    reason = judge(None if age is None else Entry("v", 0.0), age or 0.0, POLICY).reason
    return "no event" if reason is None else f"publishes {reason.name}"


PLACES = {FRESH: (10, 50), STALE: (390, 50), EXPIRED: (390, 290), ABSENT: (10, 290)}
WIDTH, HEIGHT = 200, 92
KINDS = {FRESH: "good", STALE: "warn", EXPIRED: "bad", ABSENT: "box"}
ROUTES = {
    (FRESH, STALE): (((210, 76), (388, 76)), (299, 48), "m s", "line"),
    (STALE, FRESH): (((390, 116), (212, 116)), (299, 136), "m s", "heal"),
    (STALE, EXPIRED): (((520, 142), (520, 288)), (510, 220), "e s", "line"),
    (EXPIRED, FRESH): (((390, 302), (188, 144)), (270, 240), "e s", "heal"),
    (ABSENT, FRESH): (((70, 290), (70, 144)), (80, 190), "s", "heal"),
}
ALSO = "dashed: from every state, by invalidate, cache_clear or an error in drop_on"


def draw() -> str:
    """The picture."""
    picture = Picture(600, 430, "The states of a key, and what leads from one to another")
    for state, (x, y) in PLACES.items():
        said = f"{state.value}\n{served(state)}\n{event(state)}"
        picture.labelled(x, y, WIDTH, HEIGHT, said, KINDS[state])
    found = transitions()
    away = {start: found.pop((start, ABSENT)) for start in (FRESH, STALE, EXPIRED)}
    for pair, acts in found.items():
        points, (x, y), classes, kind = ROUTES[pair]
        picture.arrow(*points, kind=kind)
        picture.words(x, y, "\n".join(acts), classes)
    assert all(acts == ["invalidate"] for acts in away.values())
    picture.arrow((388, 342), (212, 342), dashed=True)
    picture.words(300, 412, ALSO, "m s dim")
    return picture.text
