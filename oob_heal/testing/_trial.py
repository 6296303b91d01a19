"""A backend under trial: what a promise is checked with.

Law: a trial speaks only the verbs of the port, in one colour, with keys and entries of the kind
that its backend takes; it knows no promise.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

from oob_heal._envelope import Sealed, seal
from oob_heal._keys import digest, key_text, scope_text
from oob_heal._model import Entry, Key, Lease, Refused, Scope, Why
from oob_heal._shelf import colours

HERE = Scope("test", "contract.f", 0, "00")
NEXT_TO_IT = Scope("test2", "contract.f", 0, "00")
LONG = 1_000.0  # s: longer than anything a promise waits for


class Promise:
    """One promise, ready to be checked: call it. A broken one is an AssertionError.

    >>> Promise("an absent key is none", lambda: None)
    an absent key is none
    """

    def __init__(self, name: str, check: Callable[[], None]) -> None:
        self.name = name
        self._check = check

    def __call__(self) -> None:
        self._check()

    def __repr__(self) -> str:
        return self.name


class Trial:
    """One fresh backend, spoken to in one colour, with keys and entries of its kind."""

    def __init__(
        self,
        backend: Any,
        colour: str,
        *,
        advance: Callable[[float], None],
        second: Callable[[Any], Any] | None,
        unit: float,
    ) -> None:
        self.backend = backend
        self.colour = colour
        self.advance = advance
        self.second = second
        self.unit = unit
        self.in_bytes = bool(getattr(backend, "stores_bytes", False))
        self.shared = bool(getattr(backend, "shared_leases", False))

    def elsewhere(self) -> Trial | None:
        """The same store from another process; None where none is declared or to be had."""
        if not self.shared or self.second is None:
            return None
        there = self.second(self.backend)
        advance, second, unit = self.advance, self.second, self.unit
        return Trial(there, self.colour, advance=advance, second=second, unit=unit)

    def key(self, number: int, scope: Scope = HERE) -> Any:
        if not self.in_bytes:
            return Key(scope, ((int, number),))
        return key_text(scope_text(scope), Key(scope, digest(str(number))))

    def scope(self, scope: Scope = HERE) -> Any:
        return scope_text(scope) if self.in_bytes else scope

    def entry(self, key: Any, value: str, dated: float = 1.0) -> Any:
        if not self.in_bytes:
            return Entry(value, dated)
        return seal(key, Sealed(value.encode(), dated, False, 0.0))

    def marked(self, key: Any, value: str, dated: float = 1.0) -> Any:
        if not self.in_bytes:
            return Entry(value, dated, True)
        return seal(key, Sealed(value.encode(), dated, True, 0.0))

    def __getattr__(self, verb: str) -> Any:
        sync, aio = colours(self.backend)
        if self.colour == "sync":
            return getattr(sync, verb)
        method = getattr(aio, verb)
        return lambda *args, **kwargs: asyncio.run(method(*args, **kwargs))

    def lease(self, key: Any, lease_for: float | None = None, **options: Any) -> Lease:
        """A lease that must be granted."""
        granted = self.acquire(key, LONG if lease_for is None else lease_for, **options)
        assert isinstance(granted, Lease), f"a free key is granted, not {granted}"
        return granted

    def refusal(self, key: Any, why: Why, **options: Any) -> Refused:
        """A lease that must be refused, for this reason."""
        refused = self.acquire(key, LONG, **options)
        assert isinstance(refused, Refused), f"{why.value}: it must be refused, not {refused}"
        assert refused.why is why, f"it must be refused as {why.value}, not {refused.why.value}"
        return refused

    def must_be(self, key: Any, entry: Any, said: str) -> None:
        got = self.get(key)
        assert got == entry, f"{said}: expected {entry!r}, got {got!r}"


Check = Callable[[Trial], None]


def checks_of(*modules: ModuleType) -> dict[str, Check]:
    """Every function that stands in these modules, by name: each is a promise."""
    return {
        name: check
        for module in modules
        for name, check in vars(module).items()
        if inspect.isfunction(check) and check.__module__ == module.__name__
    }
