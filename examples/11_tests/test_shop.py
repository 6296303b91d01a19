"""Run it: `pip install -e ".[test]"`, then `python -m pytest -c /dev/null examples/11_tests`.

An application's tests that use the library: time and heals are moved by hand.
"""

from typing import Any

import pytest
from shop import page, price

from oob_heal.testing import heal_inline


def test_the_page_before_anything_is_known(healing: Any) -> None:
    assert page("tea") == "on request"
    healing.drain()
    assert page("tea") == "4.50"


def test_the_page_while_the_price_service_is_down(healing: Any) -> None:
    price("tea")
    healing.drain()
    healing.clock.advance(600)
    assert page("tea") == "4.50"
    healing.executor.fail_next(ConnectionError())
    assert page("tea") == "4.50"
    healing.clock.advance(3_600)
    assert page("tea") == "on request"


@pytest.mark.oob_heal(undrained="fail")
def test_no_heal_is_left_undone(healing: Any) -> None:
    page("tea")
    healing.drain()


def test_the_page_as_if_there_were_no_cache() -> None:
    price.cache_clear()
    with heal_inline():
        assert page("tea") == "4.50"
