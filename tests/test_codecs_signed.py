"""Signed pickles: for one entry and one date, with keys that can be changed (H04)."""

from __future__ import annotations

from typing import Any

import pytest

from oob_heal._envelope import about, seal
from oob_heal.codecs import SignedPickleCodec
from tests.vaults import KEYS, MADE, STRANGER, Vault


def bound(vault: Vault, key: bytes, value: Any, entry: str, dated: float = 0.0) -> bytes:
    dated = dated or vault.sound.dated
    return SignedPickleCodec([key]).encode(value, about(entry, dated, vault.sound.spread))


def test_what_was_signed_for_one_entry_is_no_others_nor_made_younger() -> None:  # H04
    vault = Vault(*MADE["pickle"])
    assert bound(vault, KEYS[0], vault.value, vault.key) == vault.sound.payload
    elsewhere = vault.key[:-1] + ("0" if vault.key[-1] != "0" else "1")
    payloads = [
        vault.another[50:],  # another key's, by the same function and keys
        bound(vault, KEYS[0], vault.value, elsewhere),
        bound(vault, STRANGER, vault.value, vault.key),
        SignedPickleCodec(KEYS).encode(vault.value),
        SignedPickleCodec(KEYS).encode(vault.value, b"about" + vault.key.encode()),
    ]
    assert vault.misses(vault.sealing(payloads)) == len(payloads)
    moved = [
        vault.sound._replace(dated=vault.sound.dated + 30),
        vault.sound._replace(spread=0.99),
    ]
    assert vault.misses(seal(vault.key, each) for each in moved) == len(moved)
    stale = seal(vault.key, vault.sound._replace(marked_stale=True))  # the store's own to set
    vault.store.data[vault.key] = (stale, vault.until)
    assert vault.f(1) == vault.value


def test_keys_are_rotated_without_losing_an_entry() -> None:
    old, both, new = (SignedPickleCodec(keys) for keys in (KEYS[1:], KEYS, KEYS[:1]))
    first, second = old.encode("a", b"entry"), both.encode("b", b"entry")
    assert (both.decode(first, b"entry"), both.decode(second, b"entry")) == ("a", "b")
    assert new.decode(second, b"entry") == "b"
    for codec, data in ((new, first), (old, second), (both, first + b"\0"), (both, second[:-1])):
        with pytest.raises(ValueError, match="not signed for this entry with a key known here"):
            codec.decode(data, b"entry")
    assert old.fingerprint == both.fingerprint == new.fingerprint


@pytest.mark.parametrize("keys", [(), b"k" * 32, "k" * 32, ["k" * 32], [7], None])
def test_keys_of_another_type_are_refused(keys: Any) -> None:
    with pytest.raises(TypeError):
        SignedPickleCodec(keys)


def test_short_keys_are_refused_and_no_key_ever_shows() -> None:  # H36
    secret = b"hunter2" * 5
    with pytest.raises(ValueError, match="at least 32 bytes") as caught:
        SignedPickleCodec([secret, secret[:31]])
    codec = SignedPickleCodec([secret])
    with pytest.raises(ValueError, match="not signed") as unsigned:
        codec.decode(b"\1" * 40)
    shown = f"{caught.value!r} {unsigned.value!r} {codec!r} {vars(codec)} {codec.encode(1)!r}"
    assert "hunter2" not in shown
    assert repr(codec) == "<SignedPickleCodec, 1 keys>"
