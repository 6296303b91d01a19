"""Values as bytes.

Law: a codec writes only what it reads back as an equal value of the same type; decoding executes
nothing. Framing, checksum and size are the envelope's business.
"""

from __future__ import annotations

import json
import math
from typing import Any

from oob_heal.errors import CodecError


class JsonCodec:
    """Plain JSON (RFC 8259), for what JSON tells faithfully: None, bool, int, float, str, and
    lists and dicts with text keys of those. A tuple would come back as a list: it is refused.

    >>> JsonCodec().decode(JsonCodec().encode({"a": [1, None]}))
    {'a': [1, None]}
    """

    fingerprint = "json"

    def encode(self, value: Any) -> bytes:
        try:
            _check(value)
            text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
        except RecursionError:
            raise CodecError("the value is nested too deep for JSON") from None
        except ValueError as error:
            if isinstance(error, CodecError):
                raise
            raise CodecError("the value holds a number that JSON cannot tell") from None
        return text.encode("ascii")

    def decode(self, data: bytes) -> Any:
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise CodecError(f"not JSON: {type(error).__name__}") from None


def _check(value: Any) -> None:
    cls = type(value)
    if cls is dict:
        for name, each in value.items():
            if type(name) is not str:
                raise CodecError("JSON has only text as keys of a dict; give codec=")
            _check(each)
    elif cls is list:
        for each in value:
            _check(each)
    elif cls is float and not math.isfinite(value):
        raise CodecError("JSON has no infinity and no NaN; give codec=")
    elif cls not in (type(None), bool, int, float, str):
        raise CodecError(f"JSON cannot tell a {cls.__name__} faithfully; give codec=")
