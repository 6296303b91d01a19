"""Pickle, signed: nothing is unpickled that a holder of the keys did not write for this entry.

Law: the signature is verified before a byte is unpickled. It covers what the core tells of the
entry (``about``: magic, version, digest of the key, dates) and the pickle, so nothing can be
moved to another key or made younger. There is no unsigned form.

    offset  0   1 byte     version, 1
            1  32 bytes    HMAC-SHA256 (RFC 2104) of context, length of about, about, pickle
           33              the pickle, protocol 5
"""

from __future__ import annotations

import hmac
import pickle
from collections.abc import Iterable
from typing import Any

from oob_heal.errors import CodecError

_VERSION = b"\1"
_CONTEXT = b"oob_heal signed pickle " + _VERSION
_MAC = 32
_HEAD = len(_VERSION) + _MAC
SHORTEST_KEY = 32  # bytes


class SignedPickleCodec:
    """Pickles whatever can be pickled, signed with HMAC-SHA256: the first key signs, all verify.

    To rotate, put the new key first, and take the old one away once its entries are gone. Keys
    are secrets of at least 32 bytes (``secrets.token_bytes(32)``) that the processes share; who
    holds one can run code in all of them. An object that cannot be unpickled is refused when it
    is written; that it comes back equal is its class's business.

    >>> codec = SignedPickleCodec([b"a secret that nobody ever guesses"])
    >>> codec.decode(codec.encode({1, 2}))
    {1, 2}
    """

    fingerprint = "signed-pickle-1"
    signs = True

    def __init__(self, keys: Iterable[bytes]) -> None:
        given: Any = keys
        listed = [] if isinstance(given, (bytes, bytearray, str)) else list(given)
        if not listed or not all(isinstance(key, bytes) for key in listed):
            raise TypeError("SignedPickleCodec takes its keys as a list of bytes: [key]")
        if min(map(len, listed)) < SHORTEST_KEY:
            raise ValueError(
                f"a key of SignedPickleCodec has at least {SHORTEST_KEY} bytes; "
                f"secrets.token_bytes({SHORTEST_KEY}) makes one"
            )
        self._macs = [hmac.new(key, _CONTEXT, "sha256") for key in listed]

    def __repr__(self) -> str:
        return f"<SignedPickleCodec, {len(self._macs)} keys>"

    def encode(self, value: Any, about: bytes = b"") -> bytes:
        """The signed pickle of a value, readable only with the same ``about``."""
        problem = ""
        try:
            body = pickle.dumps(value, protocol=5)
            same = type(pickle.loads(body)) is type(value)  # noqa: S301 - dumped just now
        except Exception as error:
            problem = f"a {type(value).__name__} cannot be pickled and back: {type(error).__name__}"
        else:
            if same:
                return _VERSION + _signature(self._macs[0], about, body) + body
            problem = f"a {type(value).__name__} comes back from pickle as another type"
        raise CodecError(problem)

    def decode(self, data: bytes, about: bytes = b"") -> Any:
        """The value, if a holder of one of the keys signed it for this ``about``."""
        version, signature, body = data[: len(_VERSION)], data[len(_VERSION) : _HEAD], data[_HEAD:]
        signed = [
            hmac.compare_digest(signature, _signature(mac, about, body)) for mac in self._macs
        ]
        if version != _VERSION or not any(signed):
            raise CodecError("not signed for this entry with a key known here")
        try:
            return pickle.loads(body)  # noqa: S301 - signed
        except Exception as error:
            problem = f"the pickle cannot be read here: {type(error).__name__}"
        raise CodecError(problem)


def _signature(mac: hmac.HMAC, about: bytes, body: bytes) -> bytes:
    mac = mac.copy()
    mac.update(len(about).to_bytes(4, "big"))
    mac.update(about)
    mac.update(body)
    return mac.digest()
