"""RedisBackend keeps what every backend promises, in both colours, on Redis and on Valkey."""

from __future__ import annotations

import time
from typing import Any

import pytest

from oob_heal.backends.redis import RedisBackend
from oob_heal.testing import BackendContract
from tests.redis.servers import PATIENT, Server

UNIT = 0.1  # s of real time that a promise lets pass


def names() -> list[str]:
    """What is promised, without a server: any shared backend in both colours will do."""
    from oob_heal.testing import SharedStore

    return [str(each) for each in BackendContract(lambda _: SharedStore().backend()).promises()]


@pytest.mark.parametrize("promised", names())
def test_redis_promises_that(server: Server, promised: str) -> None:
    made: list[RedisBackend] = []

    def make(*_: Any) -> RedisBackend:
        server.say("FLUSHALL")
        made.append(RedisBackend(server.url, deadline=PATIENT))
        return made[-1]

    def second(_: Any) -> RedisBackend:
        made.append(RedisBackend(server.url, deadline=PATIENT))
        return made[-1]

    contract = BackendContract(make, advance=time.sleep, second=second, unit=UNIT)
    (promise,) = [each for each in contract.promises() if str(each) == promised]
    try:
        promise()
    finally:
        for backend in made:
            backend.close()
