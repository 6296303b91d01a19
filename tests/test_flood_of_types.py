"""A flood over many combinations of argument types: one table's cap holds for all of them."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from oob_heal import HealingCache
from oob_heal.backends import _table
from oob_heal.testing import ManualExecutor


def test_absent_keys_of_all_combinations_of_types_share_one_cap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # H20
    monkeypatch.setattr(_table, "MISSES", 640)
    cache = HealingCache(executor=ManualExecutor())

    @cache(ttl=60, name="flooded", default=None)
    def f(a: Any, b: Any, c: Any, d: Any) -> None: ...

    for n in range(30):
        for a, b, c, d in itertools.product((int, float, str), repeat=4):
            for _ in range(2):  # the second finds a heal under way, and is remembered
                f(a(n), b(n), c(n), d(n))
    table = f._oob_heal_core.front._table  # type: ignore[attr-defined]
    remembered = sum(len(leaf.missing) for leaf in table._leaves.values())
    assert 0 < remembered <= 640
