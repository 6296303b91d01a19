"""A key in memory says which key in bytes is the same call's."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from oob_heal._names import in_bytes
from tests.corpus import KEYABLE
from tests.test_keys import IN_BYTES, IN_MEMORY, SHAPE_IN_BYTES, SHAPE_IN_MEMORY


def test_the_name_of_every_listed_value_is_that_of_its_key_in_bytes() -> None:  # H01
    for value in KEYABLE:
        assert in_bytes(IN_MEMORY.cache_key(value)).token == IN_BYTES.cache_key(value).token


VALUES = st.recursive(
    st.integers(0, len(KEYABLE) - 1).map(lambda n: KEYABLE[n]),  # some have no repr
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=25, deadline=None, database=None)
@given(
    a=VALUES, rest=st.lists(VALUES, max_size=2), more=st.dictionaries(st.text(max_size=3), VALUES)
)
def test_the_name_of_any_call_is_that_of_its_key_in_bytes(
    a: Any, rest: list[Any], more: dict[str, Any]
) -> None:  # H01
    kwargs = {f"k{name}": value for name, value in more.items()}
    told = SHAPE_IN_MEMORY.cache_key(a, 1, *rest, **kwargs)
    assert in_bytes(told).token == SHAPE_IN_BYTES.cache_key(a, 1, *rest, **kwargs).token
