"""Cancelled callers of a redis-py that does not notice: a script for an environment of its own.

Law: imports the standard library and redis-py alone, whatever version is installed beside the
interpreter that runs it: ``python -I old_client.py PORT CANCELLED``. Each key ``kN`` holds ``N``.
Prints how many callers were cancelled, were answered, and got another key's value.
Source: https://nvd.nist.gov/vuln/detail/CVE-2023-28858 (redis-py before 4.5.3).
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from typing import Any

KEYS = 20
AT_ONCE = 25


async def main(port: int, enough: int) -> dict[str, int]:
    import redis.asyncio

    chance = random.Random(3)
    client: Any = redis.asyncio.Redis(port=port, max_connections=AT_ONCE)
    seen = {"cancelled": 0, "answered": 0, "foreign": 0}

    async def read(n: int) -> None:
        got = await client.get(f"k{n}")
        seen["answered"] += 1
        seen["foreign"] += got != b"%d" % n

    async def cancelled(n: int) -> None:
        task = asyncio.create_task(read(n))
        await asyncio.sleep(chance.random() * 0.004)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            seen["cancelled"] += 1

    async def worker(number: int) -> None:
        while seen["cancelled"] < enough:
            for each in (cancelled(number % KEYS), read((number + 1) % KEYS)):
                try:
                    await each
                except redis.RedisError:
                    pass  # it noticed, this time

    await asyncio.gather(*(worker(number) for number in range(AT_ONCE)))
    await client.close()
    return seen


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))))
