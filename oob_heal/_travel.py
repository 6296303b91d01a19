"""What an annotation tells of a parameter's way to another process.

Law: pure. Values travel in ``_encoding``'s form, and come back as classes that the annotations
name. An annotation that says too little (Any, an ABC, a protocol, a type variable) refuses
nothing: then the call itself tells, at publish.
"""

from __future__ import annotations

import abc
import enum
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from oob_heal import _encoding
from oob_heal._kinds import KINDS

_CONTAINERS = (tuple, frozenset)


def hints_of(fn: Callable[..., Any]) -> Mapping[str, Any]:
    """The resolved annotations of a function, empty where they are for type checkers only."""
    try:
        return typing.get_type_hints(fn)
    except Exception:
        return {}


def stays(hint: Any) -> str:
    """What in an annotation can never travel, as its author wrote it; "" if nothing is known."""
    if isinstance(hint, typing.NewType):
        return stays(hint.__supertype__)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        told = [stays(each) for each in inner]
        return told[0] if all(told) else ""  # one that can travel is enough
    if origin in _CONTAINERS:
        return next(filter(None, (stays(each) for each in inner if each is not ...)), "")
    cls = origin or hint
    if not isinstance(cls, type) or _may_travel(cls):
        return ""
    return inspect.formatannotation(hint)


def _may_travel(cls: type) -> bool:
    if cls in KINDS or cls in _CONTAINERS or cls in (object, Any):
        return True
    if issubclass(cls, enum.Enum) or _encoding.is_named_tuple(cls):
        return True
    if isinstance(cls, abc.ABCMeta):  # Sequence, a protocol: a tuple may be one
        return True
    parameters = getattr(cls, "__dataclass_params__", None)
    return bool(parameters and parameters.frozen)
