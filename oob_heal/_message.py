"""The cache-missed event as bytes, and back.

Law: pure, versioned, plain JSON; arguments in ``_encoding``'s reversible form. What arrives may
come from anyone: it names a function and its arguments, never a key, never a class to import.
Whatever ``encode_event`` would not have written is a ValueError.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from oob_heal._encoding import text
from oob_heal._keys import CallKeys
from oob_heal._model import CacheMissed, Reason
from oob_heal._tokens import WAITS
from oob_heal.errors import UnkeyableArgumentError

VERSION = 1
LARGEST = 256 * 1024  # bytes
LONGEST_TOKEN = 100  # signs, of ASCII: backends are asked with it
_TRACEPARENT = re.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_FIELDS = {
    "oob": int,
    "namespace": str,
    "name": str,
    "version": int,
    "arguments": dict,
    "reason": str,
    "missed_at": (int, float),
    "entry_dated": (int, float, type(None)),
    "lease_token": (str, type(None)),
    "traceparent": (str, type(None)),
}


def encode_event(event: CacheMissed, keys: CallKeys) -> bytes:
    """The message of an event. Raises UnkeyableArgumentError for what cannot travel."""
    arguments = keys.encode(event.arguments)
    plain = {
        "oob": VERSION,
        "namespace": event.namespace,
        "name": event.name,
        "version": event.version,
        "arguments": arguments,
        "reason": event.reason.value,
        "missed_at": event.missed_at,
        "entry_dated": event.entry_dated,
        "lease_token": event.lease_token,
        "traceparent": event.traceparent,
    }
    message = text(plain).encode("ascii")
    if len(message) > LARGEST:
        largest = max(arguments, key=lambda name: len(text(arguments[name])))
        problem = f"it makes a message of more than {LARGEST:,} bytes, which cannot travel"
        raise UnkeyableArgumentError(keys.scope.label, largest, problem)
    return message


def open_message(payload: Any) -> dict[str, Any]:
    """The fields of a message, each of its type. Raises ValueError for anything else."""
    if isinstance(payload, str):
        payload = payload.encode("utf-8", "replace")
    if not isinstance(payload, (bytes, bytearray)) or len(payload) > LARGEST:
        raise ValueError(f"a message is at most {LARGEST:,} bytes")
    try:
        fields = json.loads(payload)
    except RecursionError:
        raise ValueError("a message nested too deep") from None
    if not isinstance(fields, dict) or fields.keys() != _FIELDS.keys():
        raise ValueError("not a cache-missed event")
    for name, kinds in _FIELDS.items():
        value = fields[name]
        if not isinstance(value, kinds) or (isinstance(value, bool)):  # type: ignore[arg-type]
            raise ValueError(f"the field {name} of a cache-missed event is off")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"the field {name} of a cache-missed event is off")
    token = fields["lease_token"] or ""
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise ValueError("the field lease_token of a cache-missed event is off")
    if fields["oob"] != VERSION:
        raise ValueError("a cache-missed event of another version")
    return fields


def event_of(fields: dict[str, Any], keys: CallKeys) -> CacheMissed:
    """The event of a message for the function whose keys these are."""
    return CacheMissed(
        namespace=fields["namespace"],
        name=fields["name"],
        version=fields["version"],
        arguments=keys.decode(fields["arguments"]),
        reason=Reason(fields["reason"]),
        missed_at=float(fields["missed_at"]),
        entry_dated=fields["entry_dated"],
        lease_token=_token(fields["lease_token"]),
        traceparent=_trace(fields["traceparent"]),
    )


def _token(told: str | None) -> str | None:
    """Of a lease: whoever takes the message is to heal, and not to wait."""
    return None if told == WAITS else told


def _trace(told: str | None) -> str | None:
    """A trace parent in its one spelling; another is none, for it ends up in other systems."""
    return told if told is not None and _TRACEPARENT.fullmatch(told) else None
