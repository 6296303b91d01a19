"""The epochs that ``ByteStoreBackend`` keeps in the store itself, damaged there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oob_heal import HealingCache
from tests.in_a_dict import InADict

Process = Callable[[dict[str, Any]], Any]


@pytest.fixture
def process() -> Iterator[Process]:
    """Makes a function of a new process over these data."""
    with contextlib.ExitStack() as stack:

        def make(data: dict[str, Any]) -> Any:
            cache = stack.enter_context(HealingCache(backend=InADict(data)))

            @cache(ttl=60, default=0, name="f")
            def f(n: int) -> int:
                return n

            return f

        yield make


@pytest.mark.parametrize("damaged", [b"\xff\xfe", b"", b"x" * 500, b"a b\r\n", "text", 5])
def test_a_damaged_epoch_is_another_epoch_the_same_for_every_process(
    process: Callable[[dict[str, Any]], Any], damaged: Any
) -> None:  # H04
    data: dict[str, Any] = {}
    f = process(data)
    f.set(1, 1)
    f.cache_clear()
    f.set(2, 1)
    (epoch,) = (name for name in data if name.endswith(".epoch"))
    data[epoch] = damaged
    here, there = process(data), process(data)
    assert here.peek(1) is None, "nothing that was cleared comes back"
    here.set(3, 1)
    assert there.peek(1).value == 3
    assert all(name.isascii() and len(name) <= 200 for name in data)
