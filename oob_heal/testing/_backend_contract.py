"""What every backend promises, as checks that need no test framework.

    contract = BackendContract(lambda clock: MyBackend(clock=clock))

    @pytest.mark.parametrize("promise", contract.promises(), ids=str)
    def test_my_backend_keeps(promise):
        promise()

Law: each promise starts with a backend of its own, speaks only the verbs of the port, and tests
what is declared. A broken one is an AssertionError that says what was promised.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from oob_heal._shelf import colours
from oob_heal.testing import _entry_promises, _lease_promises, _retry_promises
from oob_heal.testing._clock import ManualClock
from oob_heal.testing._trial import Promise, Trial, checks_of

CHECKS = checks_of(_entry_promises, _lease_promises, _retry_promises)


class BackendContract:
    """The promises of ``ports.Backend`` for the backends that ``make(clock)`` makes.

    ``clock`` is a ManualClock, which the backend should date by; one that has a clock of its own
    ignores it, and gives ``advance(seconds)``, which lets that clock move. ``second(backend)``
    makes another process's way to the same store, for backends that declare shared leases.

    >>> from oob_heal.backends.memory import MemoryBackend
    >>> contract = BackendContract(lambda clock: MemoryBackend(clock=clock))
    >>> for promise in contract.promises():  # in a test: parametrize over them
    ...     promise()
    """

    def __init__(
        self,
        make: Callable[[ManualClock], Any],
        *,
        advance: Callable[[float], None] | None = None,
        second: Callable[[Any], Any] | None = None,
        unit: float = 10.0,
    ) -> None:
        self.make = make
        self.advance = advance
        self.second = second
        self.unit = unit

    def promises(self) -> list[Promise]:
        """Every promise, in every colour that the backend has."""
        sync, aio = colours(self.make(ManualClock()))
        halves = [name for name, half in (("sync", sync), ("async", aio)) if half is not None]
        found = []
        for colour, (name, check) in itertools.product(halves, sorted(CHECKS.items())):
            label = f"{name.replace('_', ' ')} ({colour})"
            found.append(Promise(label, lambda c=colour, k=check: k(self._trial(c))))  # type: ignore[misc]
        return found

    def _trial(self, colour: str) -> Trial:
        clock = ManualClock()
        backend, advance = self.make(clock), self.advance or clock.advance
        return Trial(backend, colour, advance=advance, second=self.second, unit=self.unit)
