"""Which event loop runs this code, and how another thread calls back into it.

Law: asyncio or trio, told apart without importing trio. Nothing waits here.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any


def in_trio() -> bool:
    """Whether trio runs this code. Never imports it."""
    trio = sys.modules.get("trio")
    return trio is not None and bool(trio.lowlevel.in_trio_task())


def loop_waker() -> Callable[[Callable[[], None]], Any]:
    """What calls back into the running loop from another thread, without waiting."""
    if in_trio():
        waker: Callable[..., Any] = sys.modules["trio"].lowlevel.current_trio_token().run_sync_soon
        return waker
    return asyncio.get_running_loop().call_soon_threadsafe
