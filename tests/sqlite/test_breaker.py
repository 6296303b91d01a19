"""A breaker that processes share through a file: see ``tests/redis/test_breaker.py``."""

from __future__ import annotations

import pytest

from tests.model.shared_breaker import (
    one_finds_out_for_both,
    what_fails_just_after_a_probe_is_told_too,
)
from tests.sqlite.test_model import Place


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_of_two_caches_on_one_file_one_finds_out_and_one_probes(colour: str) -> None:  # H17
    one_finds_out_for_both(Place(), colour)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_of_two_caches_on_one_file_one_hears_what_fails_just_after_its_probe(
    colour: str,
) -> None:  # H17
    what_fails_just_after_a_probe_is_told_too(Place(), colour)
