"""Whatever happens, in whatever order: the package does what the reference model says.

The acts, the model and the promises are in ``tests/model``. 60 examples of 50 acts for each
backend and colour in the quick tier, 300 in the full one, 2,000 where ``OOB_HEAL_FULL`` is set.
Derandomized, so that a run is the same everywhere; ``OOB_HEAL_SEED=n`` looks elsewhere, and a
failure prints what to repeat it with.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.amounts import PLANTED, amount
from tests.model.backends import BACKENDS
from tests.model.machine import Guarded, Machine
from tests.model.runs import REQUEST, standing_loop

ACTS = 50
SEED = os.environ.get("OOB_HEAL_SEED")
EXAMPLES = amount(60, thorough=300, full=2_000)

LOOK = settings(
    max_examples=EXAMPLES,
    stateful_step_count=ACTS,
    derandomize=SEED is None,
    database=None,
    deadline=None,
    print_blob=True,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    # What is planted is to be noticed, not to be made small.
    phases=[Phase.generate] if PLANTED else [Phase.generate, Phase.shrink],
)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    with standing_loop() as made:
        yield made


def look(machine: type[Machine], kind: str, colour: str, loop: asyncio.AbstractEventLoop) -> None:
    class Looking(machine):  # type: ignore[misc, valid-type]
        pass

    Looking.kind, Looking.colour, Looking.loop = kind, colour, loop
    examples = EXAMPLES if machine is Machine or PLANTED else EXAMPLES // 2
    print(f"seed {SEED or 'derandomized'}, {examples} examples of {ACTS} acts")
    REQUEST.set("somebody's")
    try:
        made = seed(int(SEED))(Looking) if SEED else Looking
        run_state_machine_as_test(made, settings=settings(LOOK, max_examples=examples))
    finally:
        REQUEST.set("nobody's")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("kind", list(BACKENDS))
def test_whatever_happens_the_cache_does_what_the_model_says(
    kind: str, colour: str, loop: asyncio.AbstractEventLoop
) -> None:  # H02 H06 H07 H08 H09 H13 H14 H15 H18 H19 H24 H27 H42
    look(Machine, kind, colour, loop)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("kind", list(BACKENDS))
def test_whatever_happens_the_breaker_and_the_cap_do_what_the_model_says(
    kind: str, colour: str, loop: asyncio.AbstractEventLoop
) -> None:  # H13 H16 H17 H24
    look(Guarded, kind, colour, loop)
