"""Values as bytes, one file a codec.

Law: a codec writes only what it reads back as an equal value of the same type, and refuses the
rest; decoding executes nothing that the bytes name. Framing, checksum, key and size are the
envelope's business. Those that need no extra are named here; the others are imported by full
path, where a missing extra is told: ``oob_heal.codecs.msgpack``, ``oob_heal.codecs.pydantic``.

    codec               for                                     extra
    MsgpackCodec(T)     values of an annotated type; the        redis (msgspec)
                        default of shared backends
    JsonCodec()         what JSON tells; read by others too     none
    PydanticCodec(T)    pydantic models                         pydantic
    SignedPickleCodec   anything, among who share a secret      none
"""

from oob_heal.codecs.json import JsonCodec
from oob_heal.codecs.pickle import SignedPickleCodec

__all__ = ["JsonCodec", "SignedPickleCodec"]
