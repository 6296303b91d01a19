"""Our backends keep what every backend promises: the suite is shipped, this is its use."""

import cachetools
import pytest

from oob_heal.backends.mapping import MappingBackend
from oob_heal.backends.memory import MemoryBackend
from oob_heal.backends.tiered import TieredBackend
from oob_heal.testing import BackendContract, FlakyBackend, ManualClock, Promise, SharedStore
from tests.in_a_dict import InADict
from tests.sqlite.files import a_file, close_all, next_to


def tier_over(clock: ManualClock) -> TieredBackend:
    return TieredBackend(SharedStore(clock).backend())


CONTRACTS = {
    "memory": BackendContract(lambda clock: MemoryBackend(clock=clock)),
    "dict": BackendContract(lambda clock: MappingBackend({}, clock=clock)),
    "lru": BackendContract(lambda clock: MappingBackend(cachetools.LRUCache(99), clock=clock)),
    "flaky": BackendContract(lambda clock: FlakyBackend(MemoryBackend(clock=clock))),
    "bytes": BackendContract(lambda clock: InADict(clock=clock)),
    "tier": BackendContract(
        tier_over, second=lambda tier: TieredBackend(tier.shared.store.backend())
    ),
    "sqlite": BackendContract(a_file, second=next_to),
    "shared": BackendContract(
        lambda clock: SharedStore(clock).backend(), second=lambda backend: backend.store.backend()
    ),
}


@pytest.mark.parametrize(
    "promise",
    [
        pytest.param(promise, id=f"{name}: {promise}")
        for name, contract in CONTRACTS.items()
        for promise in contract.promises()
    ],
)
def test_a_backend_promises_that(promise: Promise) -> None:
    try:
        promise()
    finally:
        close_all()
