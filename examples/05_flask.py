"""Run it: `pip install -e ".[examples]"`, then `python examples/05_flask.py`.

A heal runs outside of any request; `around=app.app_context` gives it the application.
"""

import time

from flask import Flask, current_app

from oob_heal import HealingCache

app = Flask("shop")
app.config["RATE"] = 1.25
cache = HealingCache(namespace="shop", around=app.app_context)


@cache(ttl=60, default=None)
def price(article: str) -> float | None:
    """What a slow query says, by an extension that needs the application."""
    time.sleep(0.2)
    return 4.0 * float(current_app.config["RATE"])


@app.get("/prices/<article>")
def a_price(article: str) -> dict[str, float | None]:
    """Answers from the cache."""
    return {"price": price(article)}


client = app.test_client()
print("before its heal:", client.get("/prices/tea").json)
while price.cache_info().healing:
    time.sleep(0.01)
answer = client.get("/prices/tea").json
print("after it:", answer)
assert answer == {"price": 5.0}
