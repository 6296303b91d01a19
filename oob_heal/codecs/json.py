"""Plain JSON.

Law: the standard library alone; what JSON would change on the way is refused, never bent.
"""

from __future__ import annotations

import json
import math
from typing import Any, Never

from oob_heal.errors import CodecError


class JsonCodec:
    """Plain JSON (RFC 8259), for what JSON tells faithfully: None, bool, int, float, str, and
    lists and dicts with text keys of those. A tuple would come back as a list: it is refused.

    >>> JsonCodec().decode(JsonCodec().encode({"a": [1, None]}))
    {'a': [1, None]}
    """

    fingerprint = "json"

    def encode(self, value: Any) -> bytes:
        problem = ""
        try:
            _check(value)
            text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
            return text.encode("ascii")
        except CodecError:
            raise
        except RecursionError:
            problem = "the value is nested too deep for JSON"
        except ValueError:
            problem = "the value holds a number that JSON cannot tell"
        raise CodecError(problem)

    def decode(self, data: bytes) -> Any:
        problem = "not JSON"
        try:
            if data.isascii():
                return _DECODER.decode(data.decode("ascii"))
        except (ValueError, RecursionError) as error:
            problem = f"not JSON: {type(error).__name__}"
        raise CodecError(problem)

    def __repr__(self) -> str:
        return "JsonCodec()"


def _never_written(_name: str) -> Never:
    raise ValueError("NaN and infinity are no JSON")


_DECODER = json.JSONDecoder(parse_constant=_never_written)


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
