"""A breaker that processes share through a file: see ``tests/redis/test_breaker.py``."""

from __future__ import annotations

import pytest

from tests.model.shared_breaker import one_finds_out_for_both
from tests.sqlite.test_model import Place


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_of_two_caches_on_one_file_one_finds_out_and_one_probes(colour: str) -> None:  # H17
    one_finds_out_for_both(Place(), colour)
