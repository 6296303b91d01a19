"""The decorated function itself: code made for one signature, over one table.

Law: the code generated here reads a ``Front``'s table and a clock, and nothing else. It takes no
lock and decides nothing but ``now < until``, where ``until`` was ``_decide``'s when the entry was
put. Whatever it does not find there, and whatever goes wrong, is ``_read``'s. The interpreter binds
the call, so keywords and defaults cost nothing, and a wrong call has its own TypeError.

``inspect.getsource(f.__code__)`` shows what a decorated function ``f`` runs, and tracebacks do.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import keyword
import linecache
import re
import types
import weakref
from collections.abc import Callable
from typing import Any

from oob_heal import _read
from oob_heal._core import Core, healing
from oob_heal._keys import spelled
from oob_heal.backends._leaf import HUSHED, MISSING
from oob_heal.clocks import CoarseClock

PORT, EXACT, COARSE = "port", "exact", "coarse"  # the ways to an answer

RETIRED_AT_MOST = 1_000  # names of functions that are gone
_retired: dict[str, list[str]] = {}  # their files' names, by which the next ones are known
_number = itertools.count(1)
_STARS = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)

_FAST = """\
        try:
            value, until, facts = tables{PATH}
            now = {LOOK}
            if now < until:
                hits += 1.0
                return value
            if until is HUSHED:
                if now < facts:
                    stale += 1.0
                    return value
            elif until is MISSING and now < facts and not healing():
                absent += 1.0
                return value
        except Exception:
            pass
"""
_WORDS = (
    *("value", "until", "facts", "now", "hits", "stale", "absent", "Exception"),
    *("tables", "clock", "type", "HUSHED", "MISSING", "healing", "miss", "default"),
)


_COUNTERS = ("hits", "stale", "absent")


class Text:
    """The source of one function's code, in words that its parameters leave free."""

    def __init__(self, core: Core) -> None:
        fn, self.keys = core.fn, core.keys
        self.name = fn.__name__ if _can_be_defined(fn.__name__) else "call"
        taken = {*self.keys.signature.parameters, self.name}
        self.words = {word: _free(word, taken) for word in _WORDS}
        self.shape, self.defaults = spelled(self.keys.signature, self.words["default"])
        self.colour = ("async ", "await ") if core.is_async else ("", "")
        kept = [each for _, each in self.keys.kept]
        starred = any(each.kind in _STARS for each in kept)
        self.can_be_fast = self.keys.key is None and not starred
        if not self.can_be_fast:
            self.shape, self.defaults = "(*args, **kwargs)", {}
        self.kept = [each.name for each in kept]
        self._codes: dict[str, types.CodeType] = {}

    def source(self, way: str) -> str:
        """With the fast read (by a clock that is called, or one that is looked at), or with the way
        through the port alone."""
        word, (async_, await_) = self.words, self.colour
        counters = ", ".join(word[each] for each in _COUNTERS)
        return (
            f"def make({counters}):\n"
            f"    {async_}def {self.name}{self.shape}:\n"
            f"        nonlocal {counters}\n"
            f"{self._fast(way) if way != PORT else ''}"
            f"        return {await_}{word['miss']}({self._call()})\n"
            f"    return {self.name}\n"
        )

    def _fast(self, way: str) -> str:
        types_ = "".join(f"[{self.words['type']}({name})]" for name in self.kept)
        path = f"{types_}[{', '.join(self.kept) or '()'}]"
        respelled = re.sub(r"\b\w+\b", lambda found: self.words.get(found[0], found[0]), _FAST)
        look = f"{self.words['clock']}.now" if way == COARSE else f"{self.words['clock']}()"
        return respelled.replace("{PATH}", path).replace("{LOOK}", look)

    def _call(self) -> str:
        """The call's arguments as a tuple and a dictionary."""
        if not self.can_be_fast:
            return "args, kwargs"
        args, kwargs = [], []
        for name, each in self.keys.signature.parameters.items():
            if each.kind is each.VAR_KEYWORD:
                kwargs.append(f"**{name}")
            elif each.kind is each.KEYWORD_ONLY:
                kwargs.append(f'"{name}": {name}')
            else:
                args.append(f"*{name}" if each.kind is each.VAR_POSITIONAL else name)
        return f"({''.join(each + ', ' for each in args).rstrip(' ')}), {{{', '.join(kwargs)}}}"

    def code(self, way: str) -> types.CodeType:
        """The code of the function; made once, since its parts are looked up by name."""
        if way not in self._codes:
            self._codes[way] = self.compiled(way).__code__
        return self._codes[way]

    def compiled(self, way: str) -> types.FunctionType:
        """A function of this text. Its lines are shown where they are asked for."""
        source = self.source(way)
        label = "".join(each if each.isprintable() else "?" for each in self.keys.scope.label)
        filename = _filename(label)
        space = dict(self.defaults)
        exec(compile(source, filename, "exec"), space)  # noqa: S102 - its words are a signature's
        made: types.FunctionType = space["make"](0.0, 0.0, 0.0)
        lines = source.splitlines(keepends=True)
        linecache.cache[filename] = (len(source), None, lines, filename)
        weakref.finalize(made.__code__, _retire, label, filename).atexit = False
        return made


def _filename(label: str) -> str:
    """One that stands for no code, or a new one."""
    try:
        return _retired[label].pop()
    except (KeyError, IndexError):
        return f"<oob_heal {label} {next(_number)}>"


def _retire(label: str, filename: str) -> None:
    """The code is gone, its lines too; its place stays for the next code of this name. A thread
    that walks through ``linecache`` for a traceback just now would fail where a place is gone."""
    linecache.cache[filename] = (0, None, [], filename)
    if len(_retired) < RETIRED_AT_MOST or label in _retired:
        _retired.setdefault(label, []).append(filename)
    else:
        linecache.cache.pop(filename, None)


def _can_be_defined(name: str) -> bool:
    """Whether ``def name`` is Python; a function may be given any name once it is made."""
    return name.isidentifier() and not keyword.iskeyword(name) and name != "__debug__"


def _free(word: str, taken: set[str]) -> str:
    while word in taken or any(each.startswith(f"{word}_") for each in taken):
        word = f"_{word}"
    return word


def make(core: Core) -> Callable[..., Any]:
    """A function of the signature of ``core.fn`` that reads the cache."""
    text = Text(core)
    cells = {text.words[each]: getattr(core.counted, f"{each}_cell") for each in _COUNTERS}
    space: dict[str, Any] = {"__name__": core.fn.__module__}
    made = text.compiled(PORT)
    closure = tuple(cells[name] for name in made.__code__.co_freevars)
    function = types.FunctionType(made.__code__, space, text.name, made.__defaults__, closure)
    function.__kwdefaults__ = made.__kwdefaults__
    core.rebind = _Binding(function, text, core)
    core.rebind()
    return function


class _Binding:
    """Gives a function the code that fits its core's present parts."""

    def __init__(self, function: types.FunctionType, text: Text, core: Core) -> None:
        self._function = weakref.ref(function)
        self._text = text
        self._core = weakref.ref(core)

    def __call__(self) -> None:
        function, core, word = self._function(), self._core(), self._text.words
        if function is None or core is None:
            return
        function.__code__ = self._text.code(PORT)
        miss = _read.acall if core.is_async else _read.call
        function.__globals__[word["miss"]] = functools.partial(miss, core)
        if core.front is None or not self._text.can_be_fast:
            return
        names = {"tables": core.front.tables, "clock": core.front.clock, "type": type}
        names |= {"HUSHED": HUSHED, "MISSING": MISSING, "healing": healing.get}
        names |= {"Exception": Exception}
        function.__globals__.update({word[name]: part for name, part in names.items()})
        coarse = isinstance(core.shelf.now, CoarseClock)
        function.__code__ = self._text.code(COARSE if coarse else EXACT)
