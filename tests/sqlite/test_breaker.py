"""A breaker that processes share through a file: see ``tests/redis/test_breaker.py``."""

from __future__ import annotations

from typing import Any

import pytest

from tests.model.shared_breaker import PROMISES
from tests.sqlite.test_model import Place


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_two_caches_on_one_file_share_a_breaker(colour: str, promise: Any) -> None:  # H17
    promise(Place(), colour)
