"""Pydantic models, as JSON.

Law: as every codec. The model's own validators run on what is read, and nothing else does.
"""

from __future__ import annotations

import hashlib
from typing import Any

from oob_heal.codecs._same import first_difference
from oob_heal.codecs._shape import UntoldError, shape_of
from oob_heal.errors import CodecError

try:
    import pydantic
except ImportError as missing:
    raise ImportError("PydanticCodec needs pydantic: pip install 'oob_heal[pydantic]'") from missing


class PydanticCodec:
    """Values of a pydantic model, or of any type that pydantic knows: ``list[Model]``, say.

    The value is written in full, by alias, and read with the model's validators. One that would
    come back changed (a private attribute, an excluded field, a validator that changes what it
    accepted before) is a CodecError when it is written. Which fields were set by hand is not kept,
    and a time zone comes back as pydantic's own class of the same offset.

    >>> class Article(pydantic.BaseModel):
    ...     name: str
    ...     sizes: tuple[int, ...] = ()
    >>> codec = PydanticCodec(Article)
    >>> codec.decode(codec.encode(Article(name="tea", sizes=(1, 2))))
    Article(name='tea', sizes=(1, 2))
    """

    def __init__(self, model: Any) -> None:
        shape = shape_of(model)
        if pydantic.ImportString in shape.leaves or any(map(_imports, shape.marks)):
            raise UntoldError("an ImportString is imported when it is read: make it a str")
        try:
            self._adapter = pydantic.TypeAdapter(model)
        except pydantic.PydanticUserError as error:
            raise UntoldError(f"pydantic cannot tell this type: {error.code}") from error
        digest = hashlib.blake2b(shape.text.encode("utf-8", "backslashreplace"), digest_size=16)
        self.fingerprint = f"pydantic-1-{digest.hexdigest()}"

    def __repr__(self) -> str:
        return f"<PydanticCodec {self.fingerprint}>"

    def encode(self, value: Any) -> bytes:
        try:
            data = self._adapter.dump_json(
                value, by_alias=True, round_trip=True, warnings="error", serialize_as_any=False
            )
            difference = first_difference(value, self._adapter.validate_json(data))
        except Exception as error:  # its message holds the value
            difference = f"$: {type(error).__name__}"
        else:
            if not difference:
                return data
        raise CodecError(
            f"the value does not come back as it is, at {difference}; return the model that the "
            f"codec was made for, with nothing that JSON loses, or give another codec="
        )

    def decode(self, data: bytes) -> Any:
        try:
            return self._adapter.validate_json(data)
        except Exception as error:  # its message holds the value
            problem = f"not what this model writes: {type(error).__name__}"
        raise CodecError(problem)


def _imports(mark: Any) -> bool:
    importing: Any = pydantic.ImportString  # which type checkers take for an annotation
    return mark is importing or isinstance(mark, importing)
