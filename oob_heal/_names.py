"""From a key in memory to the key in bytes of the same call.

Law: pure. A token of ``_encoding`` tells all that its JSON form tells, so the one follows from the
other; kept in step with ``_encoding``, which a test proves for every listed type.
"""

from __future__ import annotations

import datetime as dt
import enum
import json
from decimal import Decimal
from typing import Any

from oob_heal import _encoding
from oob_heal._keys import digest
from oob_heal._kinds import KINDS
from oob_heal._model import Key

_AS_IT_IS = frozenset({float, Decimal})  # the token's word is the form's
_FLAT = frozenset({dt.datetime, dt.time})  # the form, spelled out


def in_bytes(key: Key) -> Key:
    """What ``CallKeys.in_bytes`` makes of the call of which ``CallKeys.in_memory`` made this."""
    return Key(key.scope, digest(_encoding.text([_form(told) for told in key.token])))


def _form(token: Any) -> Any:
    cls, *told = token
    kind = KINDS.get(cls)
    if kind is not None:
        (word,) = told
        if cls in _FLAT:
            return [kind.tag, json.loads(word)]
        return [kind.tag, word if cls in _AS_IT_IS else kind.plain(word)]
    name = f"{cls.__module__}.{cls.__qualname__}"
    if issubclass(cls, enum.Enum):
        return ["enum", name, *told]
    if cls is frozenset:
        (members,) = told
        return ["set", sorted(map(_form, members), key=_encoding.text)]
    forms = [_form(each) for each in told]
    if cls is tuple:
        return ["tuple", forms]
    return ["named" if _encoding.is_named_tuple(cls) else "data", name, forms]
