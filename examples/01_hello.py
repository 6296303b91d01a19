"""Run it: `python examples/01_hello.py`. It needs nothing but the library.

One function, one dependency that goes away: what its callers get.
"""

import time

from oob_heal import healing_cache

away = False


@healing_cache(ttl=60, default="(not known yet)")
def weather(city: str) -> str:
    """What a slow service says of the weather."""
    time.sleep(0.2)
    if away:
        raise ConnectionError("the weather service is away")
    return f"sunny in {city}"


def ask(city: str) -> None:
    """Ask, and say what came and how long it took."""
    began = time.perf_counter()
    served = weather.lookup(city)
    took = (time.perf_counter() - began) * 1_000
    state = "the default" if served.is_default else served.freshness.value
    print(f"{served.value:<16} {state:<12} {took:6.2f} ms")


ask("Oslo")  # nothing is known: the default at once, and a thread heals the key
while weather.cache_info().healing:
    time.sleep(0.01)
ask("Oslo")  # healed: fresh

away = True
weather.mark_stale("Oslo")  # as if its minute were over
ask("Oslo")  # stale: still an answer, and no wait for the dead service
ask("Rome")  # never known: the default
print("\nThe service takes 200 ms an answer, when it answers.")
assert weather("Oslo") == "sunny in Oslo"
