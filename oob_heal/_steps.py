"""The words of a heal's conversation: what it wants done, what it is about, how it ends.

Law: plain values. A conversation yields steps and is told how they went; the drivers do them.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from oob_heal import _decide
from oob_heal._core import Core
from oob_heal._model import CacheMissed, Entry, Key, Lease, Outcome, Reason
from oob_heal._shelf import Shelf
from oob_heal.errors import HealRejectedError


class Ask(NamedTuple):
    """Have the backend do a verb; ``of`` a shelf that is not the function's own."""

    verb: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = MappingProxyType({})
    of: Shelf | None = None


class Call(NamedTuple):
    """Call the dependency."""


class Pause(NamedTuple):
    """Let some seconds pass."""

    seconds: float


class Send(NamedTuple):
    """Have an engine carry a message."""

    payload: bytes


Step = Ask | Call | Pause | Send
Conversation = Generator[Step, Any, "End"]


class End(NamedTuple):
    """How a heal ended. ``quiet``: seconds for which this process holds the key's misses back;
    ``delay``: seconds until a failed key may be tried again."""

    outcome: Outcome | None  # None: an engine has it, the end is not known
    entry: Entry | None = None
    error: BaseException | None = None
    quiet: float = 0.0
    delay: float = 0.0


class CutOff(BaseException):
    """Thrown into a conversation whose task is cancelled: not a failure of the function."""


class Subject(NamedTuple):
    """What a heal is about."""

    core: Core
    key: Key
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    reason: Reason
    missed_at: float
    seen: Entry | None = None
    adopt: str | None = None
    force: bool = False
    traceparent: str | None = None
    span: Any = None  # of this heal, while it runs and somebody traces
    joined_at: float | None = None  # when the heal that it waited for took its lease

    def __repr__(self) -> str:  # arguments never show
        return f"<Subject {self.key!r} {self.reason.value}>"


NO_MORE = tuple(Subject._field_defaults.values())[1:]
"""What a subject made by ``new`` has after ``seen``: none of it is known to the request path."""


def event_of(about: Subject, missed_at: float, token: str | None) -> CacheMissed:
    """What a miss tells an engine; ``token`` of the lease that goes with it."""
    core, scope = about.core, about.core.scope
    return CacheMissed(
        namespace=scope.namespace,
        name=scope.name,
        version=scope.version,
        arguments=core.keys.travelling(about.args, about.kwargs),
        reason=about.reason,
        missed_at=missed_at,
        entry_dated=about.seen.dated if about.seen is not None else None,
        lease_token=token,
        traceparent=about.traceparent,
    )


def rejected(core: Core, error: Exception) -> HealRejectedError:
    error_of_ours = HealRejectedError(f"the backend of {core.label} is away: no heal")
    error_of_ours.__cause__ = error
    return error_of_ours


def away(core: Core, error: Exception) -> End:
    return End(Outcome.FAILED, error=rejected(core, error), quiet=_decide.QUIET_AT_MOST)


def give_back(
    core: Core, lease: Lease, retry_after: float, of: Shelf | None = None
) -> Generator[Step, Any, None]:
    """Return a lease, though the heal be cut off meanwhile."""
    for _ in range(2):
        try:
            yield Ask("release", (lease, retry_after), of=of)
        except CutOff:  # cancelled just now; from here on the driver shields what it awaits
            continue
        except Exception as error:  # it lapses by itself
            core.backend_failed("release", error)
        return
