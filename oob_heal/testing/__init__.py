"""What tests of services, backends and executors need; nothing in the package imports it.

A clock and an executor that a test moves by hand, an executor that heals inline, a backend that
fails on demand, and a store of bytes that several "processes" share.
"""

from oob_heal.testing._backend_contract import BackendContract
from oob_heal.testing._backends import FlakyBackend, SharedBackend, SharedStore
from oob_heal.testing._clock import ManualClock
from oob_heal.testing._executor_contract import ExecutorContract
from oob_heal.testing._executors import InlineExecutor, ManualExecutor, Steps, heal_inline
from oob_heal.testing._trial import Promise

__all__ = [
    "BackendContract",
    "ExecutorContract",
    "FlakyBackend",
    "InlineExecutor",
    "ManualClock",
    "ManualExecutor",
    "Promise",
    "SharedBackend",
    "SharedStore",
    "Steps",
    "heal_inline",
]
