"""H04, at its own size: whatever bytes a store holds, no crash, no code run, no wrong value.

Two attackers: one damages what is there, and never gets past the checksum; one knows the format
and seals what it likes, and gets past it to the codec. 5,000 payloads in the usual run, 100,000
with OOB_HEAL_FULL=1.
"""

from __future__ import annotations

import hmac
import pickle
import random
import tracemalloc
from collections.abc import Iterator

import pytest

from oob_heal.codecs import SignedPickleCodec
from oob_heal.ports import STALE_MARK_AT
from tests.amounts import FULL
from tests.vaults import MADE, STRANGER, Bomb, Vault, ran

DAMAGED = (100_000 if FULL else 5_000) // 2
LARGEST_PEAK = 64 * 1024 * 1024  # bytes
PLAIN = (type(None), bool, int, float, str, list, dict)


@pytest.fixture(params=MADE)
def vault(request: pytest.FixtureRequest) -> Vault:
    made = Vault(*MADE[request.param])
    assert list(made.answers([made.sealed])) == [made.value]
    return made


def truncated(data: bytes) -> Iterator[bytes]:
    return (data[:size] for size in range(len(data)))


def flipped(data: bytes) -> Iterator[bytes]:
    """Each bit in turn, but for the stale mark, which a store may set."""
    number = int.from_bytes(data, "big")
    for bit in range(8 * len(data)):
        if len(data) - 1 - bit // 8 != STALE_MARK_AT:
            yield (number ^ 1 << bit).to_bytes(len(data), "big")


def torn(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Damaged at random: bytes changed, cut out, doubled, swapped, and put in."""
    chance = random.Random(seed)
    while count:
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            at, size = chance.randrange(len(data)), chance.randint(0, 8)
            if chance.random() < 0.5:
                damaged[at : at + size] = chance.randbytes(size)
            else:
                damaged[at : at + size] = bytes(damaged[chance.randrange(len(data)) :][:size])
        if bytes(damaged[:STALE_MARK_AT]) + bytes(damaged[STALE_MARK_AT + 1 :]) != (
            data[:STALE_MARK_AT] + data[STALE_MARK_AT + 1 :]
        ):
            count -= 1
            yield bytes(damaged)


def test_damaged_bytes_are_a_miss(vault: Vault) -> None:  # H04
    count = vault.misses(truncated(vault.sealed)) + vault.misses(flipped(vault.sealed))
    assert count == len(vault.sealed) + 8 * (len(vault.sealed) - 1)
    count += vault.misses(torn(vault.sealed, max(100, DAMAGED // len(MADE) - count), seed=4))
    assert count * len(MADE) >= DAMAGED
    assert list(vault.answers([vault.sealed])) == [vault.value]


def test_what_is_sealed_anew_is_a_value_of_the_type_or_a_miss(vault: Vault) -> None:  # H04
    payload = vault.sound.payload
    signed = isinstance(vault.f._oob_heal_core.shelf.codec, SignedPickleCodec)
    count = max(200, DAMAGED // len(MADE))
    payloads = [*truncated(payload), *flipped(payload), *torn(payload, count, seed=5)]
    others = [each for each in payloads if each != payload][: max(count, len(payload) * 4)]
    assert len(others) * len(MADE) >= DAMAGED
    if signed:  # nobody else's bytes are ever unpickled
        assert vault.misses(vault.sealing(others)) == len(others)
        return
    kinds = {type(answer) for answer in vault.answers(vault.sealing(others))}
    assert object in kinds  # the default
    assert kinds <= {object, *(PLAIN if type(vault.value) is dict else (type(vault.value),))}


def nested(size: int) -> list[bytes]:
    """200,000 deep, in each language."""
    return [
        *[b"[" * size, b"[" * size + b"]" * size, b'{"a":' * size, b'{"like":[' * size],
        *[b"\x91" * size + b"\xc0", b"\x81\xa1a" * size, b"\x84\xa4like\x91" * size],
        *[b"(" * size + b"t" * size + b".", b"\x80\x05" + b"]" * size + b"a" * (size - 1) + b"."],
    ]


def claims() -> list[bytes]:
    """A length of 1 GiB, or 4, and next to nothing behind it."""
    heads = [b"\xdd", b"\xdf", b"\xdb", b"\xc6", b"\xc9"]  # array, map, str, bin, ext
    sizes = [(1 << 30).to_bytes(4, "big"), b"\xff" * 4]
    simple = [head + size + rest for head in heads for size in sizes for rest in (b"", b"\xa1a")]
    inside = [b"\x84\xa4name" + each for each in simple] + [b"\x91" * 50 + each for each in simple]
    stacked = [b"\xdd\x40\x00\x00\x00" * 500, b"\xdf\x40\x00\x00\x00" * 500]
    pickles = [
        *[b"\x80\x05\x8e" + (1 << 30).to_bytes(8, "little"), b"\x80\x05B" + b"\0\0\0\x40"],
        *[b"\x80\x05\x95" + (1 << 30).to_bytes(8, "little"), b"N0r" + b"\0\0\0\x40", b"L1" * 99],
    ]
    return simple + inside + stacked + pickles


def pickles() -> list[bytes]:
    """Pickles that run code in whoever reads them, signed by nobody, by a stranger, or halfway."""
    bombs = [pickle.dumps(Bomb(), protocol=protocol) for protocol in range(6)]
    evil = b"__import__('tests.vaults').vaults.boom('eval')"
    bombs += [b"ctests.vaults\nboom\n(S'text'\ntR."]
    bombs += [b'cbuiltins\neval\n(S"' + evil + b'"\ntR.']
    stranger = SignedPickleCodec([STRANGER])
    signed = [stranger.encode(7)[:33] + bomb for bomb in bombs]
    zeros = [b"\1" + bytes(32) + bomb for bomb in bombs]
    short = [b"\1" + bomb for bomb in bombs] + [b"", b"\1", b"\1" * 33, b"\0" * 33]
    empty_key = [b"\1" + hmac.digest(b"", bomb, "sha256") + bomb for bomb in bombs]
    return [*bombs, *signed, *zeros, *short, *empty_key]


def test_hostile_payloads_are_a_miss_and_run_nothing(vault: Vault) -> None:  # H04
    payloads = [*nested(200_000), *claims(), *pickles()]
    tracemalloc.start()
    try:
        assert vault.misses(vault.sealing(payloads)) == len(payloads)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < LARGEST_PEAK, f"{peak:,} bytes"
    assert vault.misses(payloads) == len(payloads)
    assert list(vault.answers([vault.sealed])) == [vault.value]
    live = [pickle.loads(each) for each in pickles()[:8]]  # they would have run
    assert ran == live == ["a pickle"] * 6 + ["text", "eval"]
