"""What a hit costs beside a bare redis-py GET of the same bytes: the benchmark, in small."""

from __future__ import annotations

from tests.benchmarks.redis_hit import BUDGET, measure
from tests.redis.servers import Server

ROUNDS, CALLS = 7, 60
TRIES = 5  # each looks at all colours anew: a machine that is busy is not always so


def test_a_read_costs_hardly_more_than_a_bare_get_of_the_same_bytes(server: Server) -> None:
    for _ in range(TRIES):
        found = measure(server, ROUNDS, CALLS)
        if all(ratios.read <= BUDGET for ratios in found.values()):
            break
    assert {colour: each.read for colour, each in found.items() if each.read > BUDGET} == {}
