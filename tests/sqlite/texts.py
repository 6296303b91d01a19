"""Keys and sealed entries as a backend of bytes gets them."""

from __future__ import annotations

from oob_heal._envelope import Sealed, seal
from oob_heal._keys import digest, key_text, scope_text
from oob_heal._model import Key, Scope

NAME = Scope("", "test.source", 0, "00")
SCOPE = scope_text(NAME)


def key(n: int, scope: Scope = NAME) -> str:
    return key_text(scope_text(scope), Key(scope, digest(str(n))))


def entry(n: int, size: int = 1, scope: Scope = NAME) -> bytes:
    """Of ``size`` times the same words."""
    return seal(key(n, scope), Sealed(b"value %d, " % n * size, 1.0, False, 0.0))
