"""What the history must say: judged afterwards, by one who was not there.

Law: pure; from lines to verdicts. A value's birth is when its call of the dependency began, which
is after its lease; a value that was set is as old as its acknowledged write.
"""

from __future__ import annotations

import bisect
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.soak.plan import CLEARED_WITHIN, MAX_STALE, SLACK, SPARED, TTL

Line = tuple[str, list[Any]]
VOIDING = ("invalidate", "set", "cache_clear")  # what an older value must not survive
GROWTH = 8_000  # kB of memory
MORE = 12  # descriptors
EVERY_KEY = -1


class Promise(NamedTuple):
    """A promise, how often it was looked at, and where it was broken."""

    text: str
    looked: int
    broken: list[str]


class History:
    """The lines, by what they tell."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.asked: list[tuple[str, list[Any]]] = []
        self.sizes: defaultdict[str, list[list[Any]]] = defaultdict(list)
        self.books: dict[str, list[Any]] = {}
        self.foreign: list[str] = []
        self.born: dict[tuple[Any, ...], float | None] = {}  # None: nobody knows when
        self.voided: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
        self.calls: list[float] = []
        for name, (kind, *fields) in lines:
            getattr(self, f"_{kind}")(name, *fields)
        for each in self.voided.values():
            each.sort(key=lambda write: write[1])

    def _asked(self, name: str, *fields: Any) -> None:
        self.asked.append((name, list(fields)))

    def _size(self, name: str, *fields: Any) -> None:
        self.sizes[name].append(list(fields))

    def _books(self, name: str, *fields: Any) -> None:
        self.books[name] = list(fields)

    def _foreign(self, name: str, verb: str, error: str) -> None:
        self.foreign.append(f"{name}: {verb}: {error}")

    def _call(self, name: str, n: int, value: list[Any]) -> None:
        self.calls.append(value[1])
        self.born[n, *value] = value[1]

    def _set(self, name: str, n: int, value: list[Any]) -> None:
        self.born[n, *value] = None

    def _writing(self, *_: Any) -> None:
        """Whether it came to anything, the next line says."""

    def _wrote(
        self, _: str, verb: str, n: int, began: float, done: float | None, value: list[Any] | None
    ) -> None:
        """What was not acknowledged may have happened, or may happen yet: it judges nothing."""
        if done is None or verb not in VOIDING:
            return
        heard = CLEARED_WITHIN + SLACK if verb == "cache_clear" else 0.0
        self.voided[n].append((began, done + heard))
        if value is not None:
            self.born[n, *value] = done

    def last_voided(self, n: int, before: float) -> float:
        """When the last write began that was acknowledged, and known to all, before then."""
        latest = 0.0
        for key in (n, EVERY_KEY):
            writes = self.voided[key]
            place = bisect.bisect_left(writes, before, key=lambda write: write[1])
            latest = max([latest, *(began for began, _ in writes[max(0, place - 8) : place])])
        return latest


def promises(history: History) -> list[Promise]:
    """Every promise of a soak, with what broke it."""
    false: list[str] = []
    old: list[str] = []
    outlived: list[str] = []
    errors = list(history.foreign)
    values = 0
    for name, (began, _, n, told, value) in history.asked:
        if told in ("miss", "error"):
            errors += [f"{name}: a request got {value}"] if told == "error" else []
            continue
        values += 1
        key = (n, *value)
        if value[0] != n or key not in history.born:
            false.append(f"{name}: key {n} was answered with what was never true of it")
            continue
        born = history.born[key]
        if born is None:
            continue
        limit = TTL if told == "fresh" else TTL + MAX_STALE[name.partition("-")[0]]
        if began - born >= limit + SLACK:
            old.append(f"{name}: key {n} was {told} at an age of {began - born:.2f} s")
        if born < history.last_voided(n, began):
            outlived.append(f"{name}: key {n}, {told}, outlived a write that it is older than")
    return [
        Promise("each value served was once true of its key", values, false),
        Promise("none is older than its limit, fresh ones than the ttl", values, old),
        Promise("none is older than the last acknowledged write", values, outlived),
        Promise("no foreign error reached a caller", len(history.asked), errors),
        _ledgers(history),
        _flat(history),
    ]


def _ledgers(history: History) -> Promise:
    broken, heals = [], 0
    for name, (published, healing, ends) in history.books.items():
        heals += published
        if healing or published != sum(ends.values()):
            broken.append(f"{name}: {published} published, {healing} under way, {ends}")
    return Promise("each ledger balances", heals, broken)


def _flat(history: History) -> Promise:
    broken, looked = [], 0
    for name, sizes in history.sizes.items():
        if not name.startswith(SPARED) or len(sizes) < 20:
            continue
        looked += len(sizes)
        early, late = sizes[len(sizes) // 4 : len(sizes) // 2], sizes[-len(sizes) // 4 :]
        for column, most, what in ((1, GROWTH, "kB of memory"), (2, MORE, "descriptors")):
            grown = _middle(late, column) - _middle(early, column)
            if grown > most:
                broken.append(f"{name}: {grown:.0f} more {what}")
    return Promise("memory and descriptors stay flat", looked, broken)


def _middle(sizes: list[list[Any]], column: int) -> float:
    return statistics.median(size[column] for size in sizes)


def table(history: History, judged: list[Promise]) -> str:
    """What was promised, and what happened."""
    told = Counter(fields[3] for _, fields in history.asked)
    took = sorted(fields[1] - fields[0] for _, fields in history.asked)
    ends: Counter[str] = Counter()
    for _, _, each in history.books.values():
        ends.update(each)
    lines = [f"{'promise':52} {'looked at':>10} {'broken':>7}"]
    lines += [f"{each.text:52} {each.looked:10,} {len(each.broken):7}" for each in judged]
    lines += ["", f"requests  {len(took):,}: " + ", ".join(f"{n:,} {k}" for k, n in told.items())]
    lines += [f"heals     {len(history.calls):,} calls of the dependency; " + _counted(ends)]
    if took:
        shares = [f"{took[int(len(took) * p)] * 1e3:.1f} ms {100 * p:g} %" for p in (0.5, 0.99)]
        lines += [f"answered  within {', '.join(shares)}, slowest {took[-1] * 1e3:.0f} ms"]
    return "\n".join(lines)


def _counted(ends: Counter[str]) -> str:
    return ", ".join(f"{count:,} {end}" for end, count in ends.items())
