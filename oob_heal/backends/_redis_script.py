"""A script as the commands that call it.

Law: what is said to the server, not what the server then does: that is ``_redis_lua``'s.
"""

from __future__ import annotations

import hashlib
from typing import Any

from oob_heal.backends._redis_wire import pack


class Script:
    """One script: called by its digest, or in full where the server does not know it yet."""

    def __init__(self, text: str) -> None:
        self._text = text.encode("ascii")
        self._digest = hashlib.sha1(self._text, usedforsecurity=False).hexdigest().encode("ascii")

    def called(self, keys: tuple[bytes, ...], words: tuple[Any, ...]) -> bytes:
        """The command that calls it."""
        return self._packed(b"EVALSHA", self._digest, keys, words)

    def in_full(self, keys: tuple[bytes, ...], words: tuple[Any, ...]) -> bytes:
        """The command that teaches and calls it."""
        return self._packed(b"EVAL", self._text, keys, words)

    def _packed(
        self, how: bytes, what: bytes, keys: tuple[bytes, ...], words: tuple[Any, ...]
    ) -> bytes:
        return pack(how, what, b"%d" % len(keys), *keys, *map(_word, words))


def _word(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    return str(value).encode("ascii")  # of a float: as many digits as it has
