"""What every release wrote stays readable, and what a later one writes is a miss (H39)."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from oob_heal import Freshness, Outcome, _envelope, _message
from tests.golden.cases import CASES, NOW, Shop, releases

NEWEST = releases()[-1]


def told(release: Path) -> dict[str, dict[str, str]]:
    read: dict[str, dict[str, str]] = json.loads(release.read_text(encoding="ascii"))
    return read


def kept(shop: Shop, name: str, release: Path = NEWEST) -> bytes:
    """Put a release's entry into the store, as it was written then."""
    golden = told(release)[name]
    sealed = bytes.fromhex(golden["sealed"])
    shop.store.data[golden["key"]] = (sealed, math.inf)
    return sealed


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("release", releases(), ids=lambda release: release.stem)
def test_the_entries_of_every_release_are_read_whole(release: Path, name: str) -> None:
    shop, case = Shop(), CASES[name]
    kept(shop, name, release)
    shop.store.clock.advance(10)
    served = shop.functions[name].lookup(*case.args, **case.kwargs)
    value = case.fn(*case.args, **case.kwargs)
    freshness = Freshness.STALE if case.marked else Freshness.FRESH
    assert served == (value, freshness, 10, False)
    assert (type(served.value), repr(served.value)) == (type(value), repr(value))
    shop.store.clock.advance(60 - 60 * 0.5 * 0.25 - 10)
    assert shop.functions[name].lookup(*case.args, **case.kwargs).freshness is Freshness.STALE


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("release", releases(), ids=lambda release: release.stem)
def test_the_events_of_every_release_are_healed(release: Path, name: str) -> None:
    shop, case = Shop(), CASES[name]
    event = told(release)[name]["event"]
    assert shop.cache.heal_message(event) is Outcome.HEALED
    served = shop.functions[name].peek(*case.args, **case.kwargs)
    assert (served.value, served.age) == (case.fn(*case.args, **case.kwargs), 0)
    assert shop.cache.poisoned == 0


def test_this_release_writes_what_its_golden_file_says() -> None:
    """Else processes of one release could not share: a change on purpose is a release's own."""
    written, golden = Shop().written(), told(NEWEST)
    for name in CASES:
        mine, theirs = written[name], golden[name]
        assert (mine["key"], mine["event"]) == (theirs["key"], theirs["event"])
        if name != "anything":  # each Python may spell a pickle its own way
            assert mine["sealed"] == theirs["sealed"]
        assert bytes.fromhex(mine["sealed"])[:5] == b"oobh\x01"


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("version", [0, 2, 255])
def test_an_entry_of_another_version_is_a_miss_however_well_it_is_sealed(
    name: str, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, case = Shop(), CASES[name]
    f, value = shop.functions[name], case.fn(*case.args, **case.kwargs)
    with monkeypatch.context() as later:  # what another release seals and signs
        later.setattr(_envelope, "VERSION", version)
        f.set(value, *case.args, **case.kwargs)
        assert f.peek(*case.args, **case.kwargs).value == value
        ((key, (sealed, _)),) = shop.store.data.items()
    assert f.peek(*case.args, **case.kwargs) is None
    mine = kept(shop, name)
    assert f.peek(*case.args, **case.kwargs).value == value
    with monkeypatch.context() as later:  # and the other way about
        later.setattr(_envelope, "VERSION", version)
        assert f.peek(*case.args, **case.kwargs) is None
    assert (key, sealed[:4], sealed[4]) == (told(NEWEST)[name]["key"], mine[:4], version)


def changed(event: str, **fields: Any) -> str:
    return json.dumps({**json.loads(event), **fields})


def test_an_event_of_another_version_is_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    shop, event = Shop(), told(NEWEST)["article"]["event"]
    others = [changed(event, oob=0), changed(event, oob=2), changed(event, later="field")]
    fields = json.loads(event)
    del fields["traceparent"]
    others.append(json.dumps(fields))
    assert [shop.cache.heal_message(each) for each in others] == [None] * len(others)
    assert shop.cache.poisoned == len(others)
    monkeypatch.setattr(_message, "VERSION", 2)
    assert shop.cache.heal_message(event) is None
    assert (shop.store.data, shop.store.clock()) == ({}, NOW)
