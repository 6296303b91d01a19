"""How an entry looks as bytes: sealed on the way to a store, verified on the way back.

Law: pure. Everything is checked before a codec sees a byte: magic, version, length, the digest
of the key, a checksum over all of it. Whatever is odd is no entry. The stale mark alone is
outside the checksum, so that a store can set it in place, in one atomic verb.

    offset  0  4 bytes   magic b"oobh"
            4  1 byte    version, 1
            5  1 byte    stale mark, 0 or 1 (ports.STALE_MARK_AT)
            6  16 bytes  digest of the key: a reply that belongs to another key is no entry
           22  8 bytes   dated, float64, seconds by the store's clock
           30  8 bytes   spread, float64
           38  4 bytes   length of the payload
           42  8 bytes   checksum: BLAKE2b of all else but the mark
           50            payload, as the codec wrote it
"""

from __future__ import annotations

import hashlib
import math
import struct
from typing import Any, NamedTuple

from oob_heal.errors import CodecError
from oob_heal.ports import STALE_MARK_AT

MAGIC = b"oobh"
VERSION = 1
LARGEST = 8 * 1024 * 1024  # bytes of payload

_HEAD = struct.Struct(">4sBB16sddI")
_CHECKSUM = 8
_SIZE = _HEAD.size + _CHECKSUM


class Sealed(NamedTuple):
    """What a sealed entry says of itself, once verified."""

    payload: bytes
    dated: float
    marked_stale: bool
    spread: float


def _key_digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode("ascii"), digest_size=16).digest()


def _checksum(head: bytes, payload: bytes) -> bytes:
    unmarked = head[:STALE_MARK_AT] + b"\0" + head[STALE_MARK_AT + 1 :]
    return hashlib.blake2b(unmarked + payload, digest_size=_CHECKSUM).digest()


def about(key: str, dated: float, spread: float) -> bytes:
    """What a codec that signs must cover: whose bytes these are, of when, in which version. The
    stale mark is no part of it, and the length is the payload's own."""
    return _HEAD.pack(MAGIC, VERSION, 0, _key_digest(key), dated, spread, 0)


def seal(key: str, sealed: Sealed) -> bytes:
    """The bytes of an entry. Raises CodecError for a payload over the cap."""
    size = len(sealed.payload)
    if size > LARGEST:
        raise CodecError(f"the encoded value has {size:,} bytes, more than {LARGEST:,}")
    head = _HEAD.pack(
        MAGIC, VERSION, sealed.marked_stale, _key_digest(key), sealed.dated, sealed.spread, size
    )
    return head + _checksum(head, sealed.payload) + sealed.payload


def unseal(key: str, data: Any) -> Sealed | None:
    """What was sealed for this key, or None for anything else."""
    if not isinstance(data, bytes) or not _SIZE <= len(data) <= _SIZE + LARGEST:
        return None
    head = data[: _HEAD.size]
    magic, version, mark, digest, dated, spread, size = _HEAD.unpack(head)
    payload = data[_SIZE:]
    sound = (
        magic == MAGIC
        and version == VERSION
        and mark in (0, 1)
        and digest == _key_digest(key)
        and size == len(payload)
        and data[_HEAD.size : _SIZE] == _checksum(head, payload)
    )
    if not sound or not math.isfinite(dated) or not 0 <= spread < 1:
        return None
    return Sealed(payload, dated, bool(mark), spread)
