"""Hostile messages: none calls what it should not, stops a worker, or keeps a good one waiting."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from oob_heal import HealingCache, Outcome
from oob_heal.testing import SharedStore
from tests.conftest import World

MESSAGES = 10_000  # the promise's own number; one in ten is good

FORBIDDEN = {"os.system", "os.exec", "subprocess.Popen", "pickle.find_class"}
heard: list[str] | None = None


def _listen(event: str, _: Any) -> None:
    if heard is not None and event in FORBIDDEN:
        heard.append(event)


sys.addaudithook(_listen)


def message(n: Any, **changed: Any) -> bytes:
    fields = {
        "oob": 1,
        "namespace": "test",
        "name": "price",
        "version": 0,
        "arguments": {"n": n},
        "reason": "absent",
        "missed_at": 1_000_000.0,
        "entry_dated": None,
        "lease_token": None,
        "traceparent": None,
        **changed,
    }
    return json.dumps(fields).encode()


ODD: list[Any] = [
    None, True, -1, 0, 2**70, 1.5, "", "x", "os.system", "__import__", [], {}, [[]], {"n": {}},
    ["int", "1"], ["int", "zz"], ["int", "1" * 5_000], ["dec", "1e999999999"], ["dec", "x"],
    ["enum", "this.d", "X"], ["data", "this.s", ["str", "1"]], ["uuid", "x"],
    ["delta", [10**9, 0, 0]], ["datetime", ["x", 0, "../../etc/passwd"]], ["date", "0000-00-00"],
    ["tuple", [["tuple", []]]], ["float", "nan"], ["float", "inf"], ["bytes", "zz"], "\ud800",
    {"__class__": "os"}, ["none"], ["none", None, None], [0] * 50,
]  # fmt: skip


def hostile(chance: random.Random, good: bytes) -> Any:
    kind = chance.randrange(7)
    if kind == 0:  # damaged on the way
        damaged = bytearray(good)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        return bytes(damaged)
    if kind == 1:
        return good[: chance.randrange(len(good))]
    if kind == 2:  # of the right shape, with odd contents
        fields = json.loads(good)
        fields[chance.choice([*fields, "more"])] = chance.choice(ODD)
        return json.dumps(fields).encode()
    if kind == 3:
        return message(chance.choice(ODD))
    if kind == 4:  # for a function that is not registered here
        names = ("this", "this.s", "os.system", "tests.test_poison.message", "elsewhere", "price ")
        return message(["int", "1"], name=chance.choice(names))
    if kind == 5:
        return chance.choice([b"", b"[" * 200_000, b"{}" * 200_000, "text", "\ud800", 7, None, [1]])
    return bytes(chance.randrange(256) for _ in range(chance.randrange(300)))


@pytest.fixture
def audited() -> Iterator[list[str]]:
    global heard  # noqa: PLW0603 - an audit hook is for good
    heard = []
    yield heard
    heard = None


# H05
def test_ten_thousand_messages_nine_in_ten_hostile_heal_the_good_ones_and_call_nothing_else(
    audited: list[str],
) -> None:
    chance = random.Random(5)
    calls: list[Any] = []
    world = World("store", "sync")
    elsewhere = HealingCache(backend=SharedStore().backend(), namespace="test", ttl=60)

    @elsewhere(name="elsewhere")
    def not_here(n: int) -> str:
        raise AssertionError("a function of another cache was called")

    def price(n: Any) -> str:
        calls.append(n)
        return "v"

    f = world.decorate(price, name="price")
    outcomes = []
    sys.modules.pop("this", None)
    for turn in range(MESSAGES):
        good = message(["int", format(10**6 + turn, "x")])
        if turn % 10 == 0:
            assert world.cache.heal_message(good) is Outcome.HEALED
            assert f(10**6 + turn) == "v"
        else:
            outcomes.append(world.cache.heal_message(hostile(chance, good)))
    assert not audited, "something was run that a message named"
    assert "this" not in sys.modules, "a module was imported that a message named"
    assert sum(10**6 <= n < 10**6 + MESSAGES for n in calls if type(n) is int) >= MESSAGES // 10
    poison = outcomes.count(None)
    assert world.cache.poisoned == poison > MESSAGES // 2
    _, ended, healing = f._oob_heal_core.inflight.ledger()
    assert (sum(ended.values()), healing) == (MESSAGES - poison, 0)  # H14
    world.ledger_balances()


# H05: the key is computed anew; a token that is none of ours opens nothing.
def test_a_message_cannot_name_a_key_or_use_another_keys_lease(shared: World) -> None:
    def price(n: int) -> str:
        return f"price of {n}"

    f = shared.decorate(price, name="price", default="default")
    shared.do(f(1))
    steps = shared.executor.step_next()
    steps.next()
    lease = steps.heal.lease
    assert lease is not None
    token = lease.token
    worker = shared.another_process()
    worker.decorate(price, name="price", default="default")
    assert worker.cache.heal_message(message(["int", "2"], lease_token=token)) is Outcome.HEALED
    assert shared.do(f(2)) == "price of 2"
    assert shared.do(f(1)) == "default"
    assert steps.run() is Outcome.HEALED  # its own lease still held
    assert shared.do(f(1)) == "price of 1"
    worker.ledger_balances()


# H05: backends are asked with it, and what they make of it is none of their failures.
@pytest.mark.parametrize("token", ["\u00e9", "\ud800", "x" * 101, "x" * 200_000])
def test_a_token_that_no_lease_of_ours_has_is_poison(shared: World, token: str) -> None:
    f = shared.decorate(lambda n: "v", name="price", default="default")
    assert shared.cache.heal_message(message(["int", "1"], lease_token=token)) is None
    assert shared.cache.poisoned == 1
    assert shared.do(f(1)) == "default"


# H05, H11
@pytest.mark.parametrize("missed_at", [1e300, 1_000_001.0])
def test_a_request_of_the_future_counts_as_one_of_now(shared: World, missed_at: float) -> None:
    shared.decorate(lambda n: "v", name="price")
    asked = message(["int", "1"], reason="requested", missed_at=missed_at)
    told = [shared.cache.heal_message(asked) for _ in range(3)]
    assert told == [Outcome.HEALED, Outcome.SKIPPED, Outcome.SKIPPED]


# H05: told once, however many there are.
def test_poison_is_counted_and_told_once() -> None:
    told: list[Any] = []
    cache = HealingCache(observers=[told.append])
    for _ in range(100):
        assert cache.heal_message(b"poison") is None
    cache.close()
    assert cache.poisoned == 100
    assert len(told) == 1
