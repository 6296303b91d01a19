"""The least that a store of bytes needs, over a dictionary."""

from __future__ import annotations

from typing import Any

from oob_heal.backends.bytestore import ByteStoreBackend


class InADict(ByteStoreBackend):
    """A store in ``data``, which a test may look into, damage, or hand to another process."""

    def __init__(self, data: dict[str, Any] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.data: dict[str, Any] = {} if data is None else data

    def load(self, key: str) -> bytes | None:
        found: bytes | None = self.data.get(key)
        return found

    def store(self, key: str, data: bytes, keep_for: float) -> None:
        self.data[key] = data

    def remove(self, key: str) -> None:
        self.data.pop(key, None)
