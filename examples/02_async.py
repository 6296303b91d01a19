"""Run it: `python examples/02_async.py`. It needs nothing but the library.

A thousand tasks ask for one key that nobody asked for before: one call of the dependency.
"""

import asyncio
import time

from oob_heal import HealingCache

calls = 0
cache = HealingCache(max_stale=3_600)


@cache(ttl=60, default=None)
async def price(article: str) -> float | None:
    """What a slow service says of the price."""
    global calls  # noqa: PLW0603 - an example counts
    calls += 1
    await asyncio.sleep(0.2)
    return 4.5


async def main() -> None:
    """Ask all at once, and ask again when it is healed."""
    async with cache:
        began = time.perf_counter()
        answers = await asyncio.gather(*(price("tea") for _ in range(1_000)))
        took = (time.perf_counter() - began) * 1_000
        print(f"{len(answers)} tasks got {set(answers)}, the default, in {took:.0f} ms")
        await asyncio.sleep(0.4)
        print(f"the next one gets {await price('tea')}, after {calls} call of the slow service")
    assert calls == 1


asyncio.run(main())
