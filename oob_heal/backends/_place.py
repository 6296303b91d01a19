"""Where in a table the answer of some arguments lies.

Law: plain data, kept in step with the tokens of ``_encoding``. Arguments are looked up as they are,
under their exact types, so that nothing is asked of an argument of any other type. ``(1,)`` and
``(True,)`` are equal, so a tuple is looked up under the types of what it holds as well.
"""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from typing import Any

Kinds = tuple[Any, ...]  # of each argument its type; of a tuple, those of what it holds, in a tuple

_AS_THEY_ARE = {
    *(type(None), bool, int, str, bytes),
    *(dt.date, dt.timedelta, uuid.UUID),
}
_HASHES = {enum.Enum.__hash__, int.__hash__, str.__hash__}
_EQUALITIES = {object.__eq__, int.__eq__, str.__eq__}


_NOT = object()


def _as_it_is(cls: Any, told: Any) -> Any:
    """The argument that a token stands for. ``_NOT`` for one that is not looked up as it is."""
    if cls in _AS_THEY_ARE:
        return told
    if cls is float:
        value = float.fromhex(told)
        if value:
            return value
    elif issubclass(cls, enum.Enum) and not issubclass(cls, enum.Flag):
        usual = cls.__hash__ in _HASHES and cls.__eq__ in _EQUALITIES
        if usual:
            return cls[told]
    return _NOT


def place(token: Any) -> tuple[Kinds, Any] | None:
    """The kinds and the arguments of a token; None if it has to be looked up itself."""
    try:
        if len(token) == 1 and token[0][0] in _AS_THEY_ARE:
            cls, told = token[0]
            return (cls,), told
        kinds, arguments = [], []
        for each in token:
            kind, argument = _of_tuple(each) if each[0] is tuple else (each[0], _as_it_is(*each))
            if argument is _NOT:
                return None
            kinds.append(kind)
            arguments.append(argument)
    except (TypeError, ValueError):  # not one of ours, or a tuple of what is told by more than one
        return None
    return tuple(kinds), arguments[0] if len(kinds) == 1 else tuple(arguments)


def _of_tuple(told: Any) -> tuple[Any, Any]:
    """The kind of a tuple, and the tuple."""
    members = told[1:]
    held = tuple([_as_it_is(cls, each) for cls, each in members])
    if any(each is _NOT for each in held):
        return None, _NOT
    return tuple([cls for cls, _ in members]), held


def plant(tables: dict[Any, Any], kinds: Kinds, answers: dict[Any, Any]) -> None:
    """Let these answers be found by arguments of these kinds; there is at least one."""
    *first, last = (tuple if type(kind) is tuple else kind for kind in kinds)
    for kind in first:
        tables = tables.setdefault(kind, {})
    if tuple not in (*first, last):
        tables[last] = answers
    else:
        shapes: Shapes = tables.setdefault(last, Shapes(alone=not first))
        shapes.answers[kinds[0] if shapes.alone else _held_in(kinds)] = answers


def _held_in(kinds: Kinds) -> Kinds:
    return tuple([kind if type(kind) is tuple else None for kind in kinds])


class Shapes:
    """Stands for the answers of arguments of which some are tuples, by what those hold."""

    __slots__ = ("alone", "answers")

    def __init__(self, alone: bool) -> None:
        self.alone = alone  # whether the tuple is the only argument
        self.answers: dict[Kinds, dict[Any, Any]] = {}

    def __getitem__(self, index: tuple[Any, ...]) -> Any:
        """The answer of these arguments. KeyError if there is none."""
        if self.alone:
            return self.answers[tuple(map(type, index))][index]
        kinds = [tuple(map(type, each)) if type(each) is tuple else None for each in index]
        return self.answers[tuple(kinds)][index]
