"""Run it: `python examples/07_executor.py`. It needs nothing but the library.

An executor of one's own, ten lines, and the contract suite that judges it; and a wrong one, of
which the suite says what is wrong.
"""

import logging
import queue
import threading
from typing import Any

from oob_heal.testing import ExecutorContract

logging.disable()  # the suite makes heals fail on purpose


class OneThread:
    """Heals one after the other, in one thread; at most 100 wait."""

    def __init__(self) -> None:
        self.waiting: queue.Queue[Any] = queue.Queue(maxsize=100)
        threading.Thread(target=self.work, daemon=True).start()

    def work(self) -> None:
        """Whatever gets a heal calls it."""
        while True:
            self.waiting.get()()

    def submit(self, heal: Any) -> None:
        """Hand it on; a full queue raises, and the heal is dropped and counted."""
        self.waiting.put_nowait(heal)


class InTheCaller:
    """What an executor must never do."""

    def submit(self, heal: Any) -> None:
        """Runs the heal in the request."""
        heal()


def first_broken(make: Any, **options: Any) -> str:
    """The first promise that it breaks, and how; nothing, let us hope."""
    for promise in ExecutorContract(make, **options).promises():
        try:
            promise()
        except AssertionError as problem:
            return f"{promise}: {problem}"
    return ""


right, wrong = first_broken(OneThread, limit=101), first_broken(InTheCaller)
print("OneThread breaks", right or "nothing")
print("InTheCaller breaks", wrong)
assert wrong
assert not right
