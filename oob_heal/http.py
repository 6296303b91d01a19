"""An answer's age and state as HTTP response headers.

Law: pure; from what ``lookup`` returned, or from the error of a miss, to headers. No argument and
no value goes into them.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any

from oob_heal._durations import seconds
from oob_heal._model import Served
from oob_heal.errors import CacheMissError

MOST_SECONDS = 2**31  # RFC 9111, 1.2.2: what a reader need not understand is more
_TOKEN = re.compile(r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*")


def headers(
    answer: Served[Any] | CacheMissError,
    *,
    ttl: float | dt.timedelta | None = None,
    name: str = "oob_heal",
) -> dict[str, str]:
    """``Age`` and ``Cache-Status`` of an answer.

    ``Age``: whole seconds since the heal that brought the value began; absent for a default and
    for an error, which have none. ``Cache-Status``: a ``hit`` for a value, as no request is ever
    forwarded, with the seconds for which it is still fresh, negative for a stale one, if ``ttl`` is
    given; for a default or an error ``detail`` says what was missing. ``name`` is what this cache
    is called among others: a token, else ValueError. Sources: RFC 9111, 5.1; RFC 9211, 2.

    >>> from oob_heal import Freshness
    >>> headers(Served("v", Freshness.STALE, 72.5, False), ttl=60)
    {'Age': '72', 'Cache-Status': 'oob_heal; hit; ttl=-13'}
    >>> headers(Served(None, Freshness.ABSENT, None, True))
    {'Cache-Status': 'oob_heal; detail=absent-default'}
    """
    if not _TOKEN.fullmatch(name):
        raise ValueError("name= must be a token: letters, digits and a few signs, no space")
    if isinstance(answer, CacheMissError):
        return {"Cache-Status": f"{name}; detail={answer.reason.value}-error"}
    if answer.is_default or answer.age is None:
        return {"Cache-Status": f"{name}; detail={answer.freshness.value}-default"}
    status = f"{name}; hit"
    if ttl is not None:
        status += _left(answer, seconds("ttl", ttl, infinite=True), answer.age)
    age = min(math.floor(answer.age), MOST_SECONDS)
    return {"Age": str(age), "Cache-Status": status}


def _left(answer: Served[Any], ttl: float, age: float) -> str:
    """How long it is still fresh; jitter and marks make a young answer stale, never fresh."""
    if math.isinf(ttl):
        return ""
    left = max(-MOST_SECONDS, min(math.floor(ttl - age), MOST_SECONDS))
    return f"; ttl={left if answer.freshness.value == 'fresh' else min(left, -1)}"
