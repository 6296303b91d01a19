"""MessagePack by msgspec, typed by an annotation: the default of shared backends.

Law: the type decides what may come back; bytes never do. What the type would not bring back as it
was sent is refused when it is written.
"""

from __future__ import annotations

import collections.abc as abc
import datetime as dt
import hashlib
import uuid
from decimal import Decimal
from typing import Any

from oob_heal.codecs._same import first_difference
from oob_heal.codecs._shape import UntoldError, shape_of
from oob_heal.errors import CodecError

try:
    import msgspec
except ImportError as missing:
    raise ImportError(
        "values are MessagePack on a shared backend unless codec= is given, and msgspec is not "
        "installed: pip install 'oob_heal[redis]', or write codec=JsonCodec()"
    ) from missing

_TOLD = frozenset(
    {
        *(type(None), bool, int, float, str, bytes, bytearray),
        *(dt.date, dt.datetime, dt.time, dt.timedelta, Decimal, uuid.UUID),
        *(list, tuple, dict, set, frozenset),
        *(abc.Collection, abc.Sequence, abc.MutableSequence, abc.Set, abc.MutableSet),
        *(abc.Mapping, abc.MutableMapping),
    }
)


class MsgpackCodec:
    """Values of one annotated type: scalars, dates, Decimal, UUID, enums, and lists, tuples, sets,
    dicts, dataclasses, TypedDicts, named tuples, attrs classes and msgspec Structs of those.

    A value that does not fit the annotation, or would come back changed (an int where it says
    float, a list where it says tuple), is a CodecError when it is written. Decoding runs nothing
    but the ``__post_init__`` of the annotated classes.

    >>> codec = MsgpackCodec(dict[str, tuple[int, ...]])
    >>> codec.decode(codec.encode({"a": (1, 2)}))
    {'a': (1, 2)}
    """

    def __init__(self, hint: Any) -> None:
        shape = shape_of(hint)
        problem = _untold(shape.leaves)
        if not problem:
            try:
                self._decoder = msgspec.msgpack.Decoder(hint)
            except Exception as error:  # it says which part of the annotation, and why
                problem = f"is nothing that msgspec reads: {error}".splitlines()[0]
        if problem:
            raise UntoldError(problem)
        self._encode = msgspec.msgpack.Encoder().encode
        digest = hashlib.blake2b(shape.text.encode("utf-8", "backslashreplace"), digest_size=16)
        self.fingerprint = f"msgpack-1-{digest.hexdigest()}"

    def __repr__(self) -> str:
        return f"<MsgpackCodec {self.fingerprint}>"

    def encode(self, value: Any) -> bytes:
        try:
            data = self._encode(value)
            difference = first_difference(value, self._decoder.decode(data))
        except Exception as error:
            difference = f"$: {_why(error)}"
        else:
            if not difference:
                return data
        how = difference.partition(": ")[2]
        ways = _WAYS.get(how, "return what it says, annotate what is returned")
        raise CodecError(
            f"the value is not what the return annotation says, at {difference}; {ways}, or give "
            f"codec="
        )

    def decode(self, data: bytes) -> Any:
        try:
            return self._decoder.decode(data)
        except Exception as error:
            problem = f"not MessagePack of this type: {type(error).__name__}"
        raise CodecError(problem)


def _untold(leaves: frozenset[type]) -> str:
    names = sorted(cls.__qualname__ for cls in leaves - _TOLD)
    if not names:
        return ""
    return f"names {names[0]}, which msgspec cannot tell: make it a dataclass"


_WAYS = {  # for what type checkers let pass, or nobody sees in review
    f"{sent} comes back as {back}": f"return {back}(...) there, or annotate {annotate}"
    for sent, back, annotate in (
        ("int", "float", "int | float"),
        ("list", "tuple", "list"),
        ("tuple", "list", "tuple"),
        ("set", "frozenset", "set"),
        ("frozenset", "set", "frozenset"),
    )
}
_HARMLESS = ("Expected `", "Encoding objects of type ")  # their messages name types alone


def _why(error: Exception) -> str:
    said = str(error) if isinstance(error, (TypeError, msgspec.MsgspecError)) else ""
    return said if said.startswith(_HARMLESS) else type(error).__name__
