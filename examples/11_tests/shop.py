"""The application under test: a page that shows a price."""

from oob_heal import healing_cache

answers = {"tea": 4.5}


@healing_cache(ttl=60, max_stale=3_600, default=None)
def price(article: str) -> float | None:
    """What a slow service says of the price."""
    return answers[article]


def page(article: str) -> str:
    """What a customer sees."""
    known = price(article)
    return "on request" if known is None else f"{known:.2f}"
