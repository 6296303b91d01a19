"""The worker's side of an external queue: from a message to its heal.

Law: whatever arrives, nothing is raised and nothing foreign is called. A message names a
registered function and its arguments; the key is computed anew; the lease is adopted if it still
holds. A message that is none of ours is poison: counted, told once, and done with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oob_heal import _decide
from oob_heal._carried import Heal
from oob_heal._core import Core
from oob_heal._message import event_of, open_message
from oob_heal._steps import Subject


def heal_of(payload: Any, functions: Mapping[tuple[str, str, int], Core]) -> Heal | None:
    """The heal that a message asks for, its account open; None for poison."""
    try:
        fields = open_message(payload)
        core = functions[fields["namespace"], fields["name"], fields["version"]]
        event = event_of(fields, core.keys)
        args, kwargs = core.keys.arrived(event.arguments)
        key = core.make_key(args, kwargs)
    except Exception:  # whatever arrives, a key function of the user's included
        return None
    subject = Subject(
        core,
        key,
        args,
        kwargs,
        event.reason,
        event.missed_at,
        adopt=event.lease_token,
        traceparent=event.traceparent,
    )
    heal = Heal(subject)
    core.inflight.join(heal, 2 * _decide.lease_for(core.policy))
    return heal


def meet(heal: Heal) -> None:
    """A worker's first heal waits until its backend is there: what is refused for want of a
    connection would be a message for nothing, and nobody waits for a worker."""
    try:
        heal.core.shelf.meet()
    except Exception:  # who takes the lease tells
        pass


async def ameet(heal: Heal) -> None:
    """As ``meet``, awaited."""
    try:
        await heal.core.shelf.ameet()
    except Exception:  # as above
        pass
    except BaseException:
        heal.cut_off()
        raise
