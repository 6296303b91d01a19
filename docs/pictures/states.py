"""The state diagram, derived from the rules: every arrow and every word in a box is asked of them.

Law: nothing is drawn that ``oob_heal._decide`` did not say. A transition that the rules make and
this file has no place for ends the drawing with an error.
"""

from __future__ import annotations

from oob_heal import Freshness
from oob_heal._decide import PUBLISHES, Answer, answer, judge
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
    reason = PUBLISHES[state]
    return "no event" if reason is None else f"publishes {reason.name}"


PLACES = {FRESH: (20, 40), STALE: (390, 40), EXPIRED: (390, 290), ABSENT: (20, 290)}
WIDTH, HEIGHT = 190, 92
KINDS = {FRESH: "good", STALE: "warn", EXPIRED: "bad", ABSENT: "box"}
ROUTES = {
    (FRESH, STALE): (((210, 66), (388, 66)), (299, 56), "m s", "line"),
    (STALE, FRESH): (((390, 108), (212, 108)), (299, 128), "m s", "heal"),
    (STALE, EXPIRED): (((485, 132), (485, 288)), (495, 205), "s", "line"),
    (EXPIRED, FRESH): (((390, 300), (200, 134)), (318, 222), "s", "heal"),
    (ABSENT, FRESH): (((80, 290), (80, 134)), (90, 190), "s", "heal"),
}

ALSO = "from every state: invalidate,\ncache_clear, a drop_on error"


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
    picture.arrow((388, 350), (212, 350), dashed=True)
    picture.words(
        299, 372, "from every state: invalidate,\ncache_clear, a drop_on error", "m s dim"
    )
    return picture.text
