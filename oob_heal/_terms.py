"""What one decorator was told, checked, and what that makes of a function.

Law: everything is checked here, when a function is decorated, and nothing is started. Terms are
made once, and may decorate any number of functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oob_heal import _policy, _wiring
from oob_heal._breaker import Dependency
from oob_heal._core import Core
from oob_heal._keys import CallKeys


class Terms:
    """The options of one decorator, its cache's among them. Raises TypeError and ValueError."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.policy = _policy.make_policy(options)
        _policy.check_callables(options)
        _policy.check_identity(options)
        _policy.check_maxsize(options)
        _policy.check_promise(options, self.policy.ttl)
        self._default = _default(options)

    def core(self, fn: Callable[..., Any]) -> Core:
        """What the decorated function is made of, not wired yet."""
        _policy.check_function(fn)
        options = self.options
        ignore = _policy.ignored(fn, options)
        scope = _wiring.make_scope(fn, options)
        return Core(
            fn,
            CallKeys(fn, scope, key=options.get("key"), ignore=ignore),
            self.policy,
            group=_dependency_name(options.get("dependency")) or scope.label,
            dependency=_declared(options.get("dependency")),
            default=self._default,
            around=options.get("around"),
            copy=options.get("copy"),
            promise=options.get("promise"),
        )

    def shown(self, core: Core) -> dict[str, Any]:
        """What ``cache_parameters()`` says."""
        policy = self.policy
        shown = {name: self.options.get(name) for name in sorted(_policy.NAMES)}
        shown |= {each: getattr(policy, each) for each in ("ttl", "max_stale", "heal_timeout")}
        shown |= {"name": core.scope.name, "jitter": policy.jitter, "backoff": policy.backoff}
        return shown


def _dependency_name(given: str | Dependency | None) -> str | None:
    return given.name if isinstance(given, Dependency) else given


def _declared(given: str | Dependency | None) -> Dependency | None:
    return given if isinstance(given, Dependency) else None


def _default(options: dict[str, Any]) -> Callable[[], Any] | None:
    """What makes the default; None if there is none."""
    if "default" in options and options.get("default_factory") is not None:
        raise TypeError("give default= or default_factory=, not both")
    if "default" not in options:
        factory: Callable[[], Any] | None = options.get("default_factory")
        return factory
    return _Default(options["default"], options.get("copy"))


class _Default:
    """Makes the default of a function that was given one."""

    def __init__(self, value: Any, copy: Callable[[Any], Any] | None) -> None:
        self._value = value
        self._copy = copy
        if copy is None:
            self.constant = value

    def __call__(self) -> Any:
        return self._value if self._copy is None else self._copy(self._value)
