"""The other pictures: the three architectures, the conversations, the ages, the outage.

Law: the outage is drawn from figures that the example wrote (``outage.json``), none by hand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from svg import Picture

HERE = Path(__file__).parent


def naive() -> str:
    """The dependency in the request."""
    it = Picture(600, 120, "The request calls the dependency and waits")
    it.labelled(10, 30, 110, 60, "client")
    it.labelled(245, 30, 110, 60, "service")
    it.labelled(478, 30, 118, 60, "dependency", "bad")
    it.arrow((120, 60), (243, 60))
    it.arrow((355, 60), (476, 60), kind="call")
    it.words(416, 48, "calls, and waits", "m s")
    return it.text


def in_band() -> str:
    """A cache that heals in band."""
    it = Picture(600, 220, "The request reads a cache; on a miss it calls the dependency after all")
    it.labelled(10, 20, 110, 60, "client")
    it.labelled(245, 20, 110, 60, "service")
    it.labelled(245, 145, 110, 60, "cache", "good")
    it.labelled(478, 20, 118, 60, "dependency", "bad")
    it.arrow((120, 50), (243, 50))
    it.arrow((300, 80), (300, 143), kind="heal")
    it.words(290, 117, "1. reads", "e s")
    it.arrow((355, 50), (476, 50), kind="call")
    it.words(416, 38, "2. on a miss:", "m s")
    it.words(416, 70, "calls, and waits", "m s")
    return it.text


def out_of_band() -> str:
    """Out of Band Healing."""
    it = Picture(600, 300, "The request reads a cache; a healer calls the dependency elsewhere")
    it.labelled(10, 20, 110, 60, "client")
    it.labelled(245, 20, 110, 60, "service")
    it.labelled(245, 205, 110, 60, "cache", "good")
    it.labelled(480, 115, 110, 60, "healer", "good")
    it.labelled(476, 230, 118, 60, "dependency", "bad")
    it.arrow((120, 50), (243, 50))
    it.arrow((300, 80), (300, 203), kind="heal")
    it.words(290, 135, "1. reads,", "e s")
    it.words(290, 153, "and answers", "e s")
    it.arrow((355, 50), (535, 50), (535, 113), dashed=True)
    it.words(443, 38, "2. on a miss: an event", "m s")
    it.arrow((535, 175), (535, 228), kind="call")
    it.words(527, 207, "3. calls", "e s")
    it.arrow((480, 150), (420, 150), (420, 222), (357, 222), kind="heal")
    it.words(412, 190, "4. writes", "e s")
    return it.text


LANES = {"caller": 58, "cache": 179, "executor": 300, "healer": 421, "dependency": 542}
Step = tuple[str, str, str, str]  # from, to, words, kind


def sequence(title: str, lanes: tuple[str, ...], steps: tuple[Step, ...]) -> str:
    """Who says what to whom, from top to bottom."""
    bottom = 70 + 46 * len(steps)
    it = Picture(600, bottom + 14, title)
    for lane in lanes:
        it.line((LANES[lane], 46), (LANES[lane], bottom), dashed=True)
        it.labelled(LANES[lane] - 56, 10, 112, 36, lane, "bad" if lane == "dependency" else "box")
    for number, (start, end, said, kind) in enumerate(steps):
        y = 86 + 46 * number
        if start == end:
            it.words(LANES[start] + 10, y, said, "s dim")
            continue
        a, b = LANES[start], LANES[end]
        it.arrow((a, y), (b - 3 if b > a else b + 3, y), kind=kind, dashed=kind == "line")
        it.words((a + b) / 2, y - 7, said, "m s")
    return it.text


READS = (("caller", "cache", "reads", "heal"),)
HEALS: tuple[Step, ...] = (
    ("healer", "cache", "takes the lease, reads again", "heal"),
    ("healer", "dependency", "calls", "call"),
    ("dependency", "healer", "the new value", "line"),
    ("healer", "cache", "writes, if the lease still holds", "heal"),
)


def hit() -> str:
    """Fresh."""
    lanes = ("caller", "cache")
    return sequence("A hit: the caller reads the cache", lanes, (*READS, _back("fresh value")))


def stale() -> str:
    """Stale."""
    steps = (*READS, _event(), _back("stale value"), *_carried())
    return sequence("A stale read is answered at once; the key heals after", tuple(LANES), steps)


def absent() -> str:
    """Absent, with a default."""
    steps = (*READS, _event(), _back("the default"), *_carried())
    return sequence("An absent read gets the default; the key heals after", tuple(LANES), steps)


def _back(said: str) -> Step:
    return ("cache", "caller", said, "line")


def _event() -> Step:
    return ("caller", "executor", "publishes, waits for nothing", "line")


def _carried() -> tuple[Step, ...]:
    return (("executor", "healer", "later: a heal", "line"), *HEALS)


def ages() -> str:
    """What an entry is, by its age."""
    it = Picture(600, 170, "An entry is fresh until ttl, stale until ttl + max_stale, then expired")
    for x, w, said, kind in (
        (20, 140, "fresh\nthe value", "good"),
        (160, 280, "stale\nthe value, and a heal", "warn"),
        (440, 140, "expired\nthe default", "bad"),
    ):
        it.labelled(x, 40, w, 64, said, kind)
    for x, said in ((20, "0"), (160, "ttl"), (440, "ttl + max_stale")):
        it.line((x, 104), (x, 122), kind="line")
        it.words(x, 140, said, "m s")
    it.words(580, 26, "age, from the start of the heal that brought it", "e s dim")
    it.words(580, 160, "time", "e s dim")
    it.arrow((20, 122), (585, 122))
    return it.text


SERVICES = {
    "in_the_request": ("calls it", "in the request"),
    "healed_in_band": ("a cache,", "healed in band"),
    "healed_out_of_band": ("oob_heal:", "out of band"),
}
PHASES = {"healthy": "good", "slow": "warn", "dead": "bad", "back": "good"}


def outage() -> str:
    """The share answered in time, a row a service, a column a phase; and the price."""
    run: dict[str, Any] = json.loads((HERE / "outage.json").read_text(encoding="utf-8"))
    plan, services = run["plan"], run["architectures"]
    it = Picture(600, 340, "Requests answered in time while the dependency is slow, dead and back")
    for column, (phase, kind) in enumerate(PHASES.items()):
        said = f"{phase}\n{plan['durations'][phase]:g} s"
        it.labelled(140 + 115 * column, 10, 106, 46, said, kind)
    for row, (key, (name, note)) in enumerate(SERVICES.items()):
        y = 74 + 72 * row
        it.words(8, y + 26, name, "b")
        it.words(8, y + 45, note, "b" if row == len(SERVICES) - 1 else "dim")
        for column, phase in enumerate(PHASES):
            x, share = 140 + 115 * column, services[key]["in_time"][phase]
            it.box(x, y, 106, 58, "good" if share >= 0.99 else "warn" if share >= 0.5 else "bad")
            it.words(x + 53, y + 35, _percent(share), "m b")
    healed = services["healed_out_of_band"]
    it.words(8, 310, f"Share of requests answered within {plan['in_time'] * 1000:g} ms.", "s dim")
    price = f"The price: {healed['defaults']} of {healed['requests']} answers were the default; "
    it.words(8, 330, f"{price}the oldest value was {healed['oldest']:.0f} s old.", "s dim")
    return it.text


def _percent(share: float) -> str:
    """Rounded, but never up to a full hundred."""
    return "100 %" if share == 1 else f"{min(share, 0.99):.0%}".replace("%", " %")
