"""Decorated functions of a module, for processes that import it."""

from __future__ import annotations

from typing import Any

from oob_heal import healing_cache


@healing_cache(ttl=60, default=-1)
def double(n: int) -> int:
    return 2 * n


@healing_cache(ttl=60, default=-1)
async def adouble(n: int) -> int:
    return 2 * n


class Numbers:
    @healing_cache(ttl=60, default=-1, ignore="self")
    def double(self, n: int) -> int:
        return 2 * n

    @staticmethod
    @healing_cache(ttl=60, default=-1)
    def treble(n: int) -> int:
        return 3 * n

    @classmethod
    @healing_cache(ttl=60, default=-1, ignore="cls")
    async def adouble(cls, n: int) -> int:
        return 2 * n


def used(function: Any, n: int) -> tuple[int, int, int]:
    """What a worker does with a function that it was sent."""
    return function(n), function.heal_now(n), function(n)
