"""A heal as an executor is handed it.

Law: a protocol, no behaviour. What stands here is all that an executor may know of a heal: how to
run it, how to send it, what it shares itself out by, and what to say when it cannot go on.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from oob_heal._model import CacheMissed, Outcome


class Heal(Protocol):
    """One heal, on its way to where it runs: call it, await ``run()``, or let the event travel.

    >>> from oob_heal import HealingCache
    >>> from oob_heal.testing import ManualExecutor
    >>> executor = ManualExecutor()
    >>> @HealingCache(executor=executor)(ttl=60)
    ... def double(n: int) -> int:
    ...     return 2 * n
    >>> double.heal(4)
    True
    >>> heal: Heal = executor.pending[0]
    >>> heal.ended, heal(), heal.ended
    (False, <Outcome.HEALED: 'healed'>, True)
    """

    @property
    def event(self) -> CacheMissed:
        """What was missed, as plain data; built on first use."""
        ...

    @property
    def group(self) -> str:
        """The function's name or its ``dependency``: what a fair executor shares itself by."""
        ...

    @property
    def timeout(self) -> float:
        """``heal_timeout`` in seconds."""
        ...

    @property
    def limit(self) -> int:
        """How many of its group may call at once: more would wait for each other."""
        ...

    @property
    def refreshes(self) -> bool:
        """Whether its key is known: such a heal goes before one of a key never seen."""
        ...

    @property
    def ended(self) -> bool:
        """Whether its outcome is known."""
        ...

    def __call__(self) -> Outcome:
        """Run it to its end in this thread. Never raises an Exception."""
        ...

    async def run(self) -> Outcome:
        """Run it to its end in this task. Never raises an Exception."""
        ...

    def give_up(self) -> None:
        """It is past its timeout: fail it, return its lease, and refuse whatever it brings."""
        ...

    def cut_off(self) -> None:
        """What carried it is gone: count it as lost, return its lease."""
        ...

    def shed(self) -> None:
        """It gives way to a heal that goes before it: count it as dropped."""
        ...

    def hand_on(self, send: Callable[[bytes], Any]) -> Coroutine[Any, Any, None]:
        """Take the lease, and send the encoded event with its token to an engine."""
        ...

    def settle(self) -> Coroutine[Any, Any, bool]:
        """After ``hand_on``: look whether the engine's worker has healed; True once it ended."""
        ...

    def take_back(self) -> Coroutine[Any, Any, None]:
        """After ``hand_on``, when the event has waited for too long: the lease that waits with it
        ends, and counts as no attempt, since nobody has called the function."""
        ...
