"""What a function may return: anything that can be served twice, and in another place.

Law: pure. What is refused is refused by name, and is asked for nothing that its class does not say.
"""

from __future__ import annotations

import collections.abc
import inspect
import io
from typing import Any

from oob_heal.errors import UncacheableResultError

_ONCE_ONLY = (
    (collections.abc.Awaitable, "a coroutine or another awaitable"),
    ((collections.abc.Generator, collections.abc.AsyncGenerator), "a generator"),
    ((collections.abc.Iterator, collections.abc.AsyncIterator), "an iterator"),
    (io.IOBase, "an open file"),
)


def check_result(label: str, value: Any) -> None:
    """Refuse by name what can be used only once, or only where it was made."""
    name = next((name for kind, name in _ONCE_ONLY if isinstance(value, kind)), "")
    if hasattr(type(value), "fetchone") and hasattr(type(value), "execute"):
        name = "a database cursor"
    if not name:
        return
    if inspect.iscoroutine(value):
        value.close()
    raise UncacheableResultError(
        f"{label} returned {name} ({type(value).__name__}), which cannot be served twice; "
        f"return what it holds, as a list, a tuple or text"
    )
