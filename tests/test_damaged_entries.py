"""H04, in small: bytes that are odd in any way are a miss; never an error, never another value."""

from __future__ import annotations

import inspect
import struct
from collections.abc import Iterable
from typing import Any

import pytest

from oob_heal import CodecError, Freshness, _envelope
from oob_heal._envelope import LARGEST, Sealed, seal, unseal
from oob_heal.ports import STALE_MARK_AT
from tests.conftest import World

SOUND = ("v", Freshness.FRESH, 0, False)
MISS = ("default", Freshness.ABSENT, None, True)


class Vault:
    """A function on the shared store with one entry, whose bytes a test changes."""

    def __init__(self, world: World) -> None:
        def source(n: int) -> str:
            return "v"

        self.world = world
        self.f = world.decorate(source, default="default")
        world.do(self.f.set("v", 1))
        assert world.store is not None
        self.data = world.store.data
        ((self.key, (self.sealed, self.until)),) = self.data.items()
        assert world.do(self.f.lookup(1)) == SOUND
        self.failures: list[Any] = []  # of the backend, as the core sees it
        self.f._oob_heal_core.backend_failed = lambda *failure: self.failures.append(failure)

    def answers(self, mutants: Iterable[Any]) -> list[Any]:
        """What the next read after each of these is answered. None of them is an error."""

        async def read() -> list[Any]:
            seen = []
            for mutant in mutants:
                self.data[self.key] = (mutant, self.until)
                served = self.f.lookup(1)
                seen.append(await served if inspect.iscoroutine(served) else served)
            return seen

        found: list[Any] = self.world.do(read())
        assert self.failures == []
        return found


@pytest.fixture
def vault(shared: World) -> Vault:
    return Vault(shared)


def test_every_truncation_is_a_miss(vault: Vault) -> None:  # H04
    mutants = [vault.sealed[:size] for size in range(len(vault.sealed))]
    assert vault.answers(mutants) == [MISS] * len(mutants)
    longer = [vault.sealed + b"\0", vault.sealed + b" ", vault.sealed * 2, b"x" + vault.sealed]
    assert vault.answers(longer) == [MISS] * 4


def test_every_flipped_bit_is_a_miss_and_the_stale_mark_alone_is_a_mark(
    vault: Vault,
) -> None:  # H04
    bits = range(8 * len(vault.sealed))
    answers = vault.answers(
        (int.from_bytes(vault.sealed, "big") ^ 1 << bit).to_bytes(len(vault.sealed), "big")
        for bit in bits
    )
    assert len(answers) == len(bits) > 400
    mark = 8 * (len(vault.sealed) - 1 - STALE_MARK_AT)  # counted from the last byte's last bit
    assert answers.pop(mark) == ("v", Freshness.STALE, 0, False)
    assert answers == [MISS] * (len(bits) - 1)


def test_another_keys_bytes_are_a_miss(vault: Vault) -> None:  # H03, H04
    vault.world.do(vault.f.set("another's", 2))
    theirs = next(data for key, (data, _) in vault.data.items() if key != vault.key)
    assert vault.answers([theirs, vault.sealed]) == [MISS, SOUND]


@pytest.mark.parametrize(("name", "other"), [("VERSION", 0), ("VERSION", 2), ("MAGIC", b"bloo")])
def test_another_version_or_magic_is_a_miss_however_well_it_is_sealed(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, name: str, other: Any
) -> None:  # H04, H39
    sound = unseal(vault.key, vault.sealed)
    assert sound is not None
    with monkeypatch.context() as patched:
        patched.setattr(_envelope, name, other)
        theirs = seal(vault.key, sound)
        assert unseal(vault.key, theirs) == sound
    assert vault.answers([theirs, vault.sealed]) == [MISS, SOUND]


def test_what_was_never_sealed_is_a_miss(vault: Vault) -> None:  # H04
    sound = vault.sealed
    strange = [b"", b"null", b'"v"', b"\x80\x05N.", b"oobh", b"HBOO" + sound[4:], sound[::-1]]
    no_bytes = [sound.decode("latin-1"), bytearray(sound), memoryview(sound), 7, ["v"], object()]
    mutants = [*strange, *no_bytes]
    assert vault.answers(mutants) == [MISS] * len(mutants)


def test_a_sound_envelope_of_odd_facts_or_of_no_json_is_a_miss(vault: Vault) -> None:  # H04
    sound = unseal(vault.key, vault.sealed)
    assert sound is not None
    odd = [
        sound._replace(**change)
        for change in (
            {"dated": float("nan")},
            {"dated": float("inf")},
            {"dated": float("-inf")},
            {"spread": -0.1},
            {"spread": 1.0},
            {"spread": float("nan")},
            {"payload": b""},
            {"payload": b'"v'},
            {"payload": b"\xff\xfe"},
            {"payload": b"[" * 200_000},
            {"payload": b"9" * 5_000},
        )
    ]
    assert vault.answers(seal(vault.key, each) for each in odd) == [MISS] * len(odd)


def test_a_length_that_lies_is_a_miss_even_under_a_checksum_of_its_own(vault: Vault) -> None:  # H04
    def claiming(size: int) -> bytes:
        head, payload = vault.sealed[:38] + struct.pack(">I", size), vault.sealed[50:]
        return head + _envelope._checksum(head, payload) + payload

    assert claiming(len(vault.sealed) - 50) == vault.sealed
    sizes = [0, 1, 2, 4, 2**20, 2**30, 2**32 - 1]
    assert vault.answers(claiming(size) for size in sizes) == [MISS] * len(sizes)
    with pytest.raises(CodecError, match="bytes"):
        seal(vault.key, Sealed(b" " * (LARGEST + 1), 0.0, False, 0.0))


def test_a_damaged_entry_heals_as_an_absent_one_does(vault: Vault) -> None:  # H04
    assert vault.answers([b"damaged"]) == [MISS]
    vault.world.executor.run_all()
    assert vault.world.do(vault.f.lookup(1)) == SOUND
