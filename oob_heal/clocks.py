"""A clock for who reads so often that asking the time is most of the work.

Law: standard library alone. Opt-in: ``HealingCache(clock=CoarseClock())``. Nothing starts before
the first read, and nothing runs while nobody reads.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from oob_heal import _lifecycle

UP = 1.0  # s for which one wake keeps it ticking
IDLE = 5.0  # s after which its parked thread ends


class CoarseClock:
    """Monotonic seconds, kept by a thread that looks every ``tick`` seconds.

    A decorated function on a memory backend reads ``now`` in place of calling ``time.monotonic``.
    An entry may so count as up to date for a tick longer, and for as long as the thread is kept
    from running: under many busy threads that is tens of milliseconds and more. ``worst_lag`` is
    the latest that a look ever was, in seconds. After a look that was later than ``tolerance`` the
    time is exact for a second, asked for by each call as usual. Called, the clock is always exact.

    The thread looks for a second and parks; the next read wakes it. Parked for five seconds, it
    ends.

    >>> from oob_heal import HealingCache
    >>> cache = HealingCache(clock=CoarseClock())
    """

    def __init__(
        self,
        tick: float = 0.01,
        *,
        tolerance: float = 0.1,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        for name, number in (("tick", tick), ("tolerance", tolerance)):
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                raise TypeError(f"{name}= must be seconds, not {type(number).__name__}")
            if not 0 < number < math.inf:
                raise ValueError(f"{name}= must be above 0 and finite")
        self.tick = tick
        self.tolerance = tolerance
        self.worst_lag = 0.0
        self._clock = clock
        self._wait = wait
        self.after_fork(True)
        _lifecycle.survives_fork(self)

    def after_fork(self, consistent: bool) -> None:
        """In the child no thread looks: parked."""
        self.now = math.inf  # while parked: nothing is fresh by it, so every read asks and wakes
        self.lock = threading.Lock()
        self._woken = threading.Event()
        self._running = False
        self._exact_until = -math.inf

    def __repr__(self) -> str:
        state = "parked" if self.now == math.inf else "ticking"
        return f"<CoarseClock {state}, tick {self.tick:g} s, worst lag {self.worst_lag:.3g} s>"

    def __call__(self) -> float:
        now = self._clock()
        if self.now == math.inf and now >= self._exact_until:
            self._wake()
        return now

    def _wake(self) -> None:
        if self._running:
            self._woken.set()
        elif self.lock.acquire(blocking=False):
            try:
                if not self._running:
                    threading.Thread(target=self._run, name="oob-heal-clock", daemon=True).start()
                    self._running = True
            except RuntimeError:  # no thread is to be had: the time is exact
                pass
            finally:
                self.lock.release()

    def _run(self) -> None:
        woken = self._woken
        while True:
            self.look_for(UP)
            if not woken.wait(IDLE):
                self._running = False
                return
            woken.clear()

    def look_for(self, seconds: float) -> None:
        """Keep ``now`` for some seconds, and park; sooner if a look comes too late."""
        last = start = self._clock()
        while last - start < seconds:
            self.now = last
            self._wait(self.tick)
            now = self._clock()
            late = now - last - self.tick
            last = now
            self.worst_lag = max(self.worst_lag, late)
            if late > self.tolerance:
                self._exact_until = now + UP
                break
        self.now = math.inf
