"""From what each request came to, to the figures, the table and the verdict."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any

from outage_parts.load import Outcome, Sample
from outage_parts.plan import ARCHITECTURES, HEALING, Phase, Plan
from outage_parts.run import Result


@dataclass(frozen=True)
class Figures:
    """One architecture in one run. Times are seconds; latencies are of answered requests."""

    requests: int
    answered: int
    defaults: int
    errors: int
    gave_up: int
    p50: float | None
    p99: float | None
    max: float | None
    age_p50: float | None
    oldest: float | None
    calls: int
    attempts: int
    in_time: dict[Phase, float]


def figures_of(result: Result, key: str) -> Figures:
    """The figures of one architecture."""
    samples = result.samples[key]
    answered = [sample for sample in samples if sample.answered]
    latencies = sorted(sample.latency for sample in answered)
    ages = sorted(sample.age for sample in answered if sample.age is not None)
    return Figures(
        requests=len(samples),
        answered=len(answered),
        defaults=_count(samples, Outcome.DEFAULT),
        errors=len(samples) - len(answered),
        gave_up=_count(samples, Outcome.GAVE_UP),
        p50=_percentile(latencies, 50),
        p99=_percentile(latencies, 99),
        max=_percentile(latencies, 100),
        age_p50=_percentile(ages, 50),
        oldest=_percentile(ages, 100),
        calls=result.calls[key],
        attempts=result.attempts[key],
        in_time={phase: share_in_time(result, key, phase) for phase in Phase},
    )


def share_in_time(result: Result, key: str, phase: Phase) -> float:
    """The share of the requests of a phase that were answered within the bound."""
    there = [sample for sample in result.samples[key] if result.phase_at(sample.at) is phase]
    good = [s for s in there if s.answered and s.latency <= result.plan.in_time]
    return len(good) / max(len(there), 1)


def broken_promises(result: Result) -> list[str]:
    """What healing_cache promises and did not hold in this run; nothing, one hopes."""
    figures = figures_of(result, HEALING.key)
    broken = []
    errors = figures.errors - (figures.gave_up if too_busy(result) else 0)
    if errors:
        broken.append(f"{errors} requests to {HEALING.label} were not answered")
    # What a request costs that asks nothing is this machine's doing, and no cache's.
    bound = result.plan.in_time + 2 * result.busy
    if figures.max and figures.max > bound and not too_busy(result):
        broken.append(
            f"the slowest answer of {HEALING.label} took {seconds(figures.max)},"
            f" more than {seconds(result.plan.in_time)}"
        )
    return broken + disagreements(
        result.cache[HEALING.key], result.samples[HEALING.key], result.plan, result.busy
    )


def too_busy(result: Result) -> bool:
    """Whether this machine starves its processes, so that no time measured here says anything."""
    return result.busy > result.plan.in_time


def disagreements(
    cache: dict[str, Any], samples: Sequence[Sample], plan: Plan, busy: float
) -> list[str]:
    """Where the figures that healing_cache keeps are not what its clients counted.

    One request may be under way while both are read, and a client that gave up does not know
    what it would have got. The cache dates a value by the start of its heal and the client by the
    dependency's answer, so ages compare within the time that a heal may take.
    """
    figures = cache["figures"]["functions"][0]
    slack, answers = 1 + _count(samples, Outcome.GAVE_UP), figures["answers"]
    counted = {
        "values": (answers["fresh"] + answers["stale"], _count(samples, Outcome.VALUE)),
        "defaults": (answers["default"], _count(samples, Outcome.DEFAULT)),
    }
    wrong = [
        f"healing_cache counted {theirs} {what}, its clients {ours}"
        for what, (theirs, ours) in counted.items()
        if abs(theirs - ours) > slack
    ]
    ages = [sample.age for sample in samples if sample.age is not None]
    apart = plan.client_timeout + plan.in_time + 2 * busy
    up_to = accumulate(figures["ages"]["counts"])
    for bound, theirs in zip(figures["ages"]["bounds"], up_to, strict=False):
        least, most = (sum(age < bound + by for age in ages) for by in (-apart, apart))
        if not (least - slack <= theirs or bound < plan.ttl) or theirs > most + slack:
            wrong.append(f"healing_cache says that {theirs} values were younger than {bound:g} s")
    return wrong


def as_json(result: Result) -> dict[str, Any]:
    """All figures, as they are written to a file."""
    plan = result.plan
    return {
        "plan": asdict(plan),
        "phases": [{"phase": phase, "start": start} for phase, start in result.phases],
        "architectures": {
            architecture.key: asdict(figures_of(result, architecture.key))
            | {"cache": result.cache[architecture.key]}
            for architecture in ARCHITECTURES
        },
        "load_late_by_at_most": result.lateness,
        "machine_alone_cost_at_most": result.busy,
        "broken_promises": broken_promises(result),
    }


def table(result: Result) -> str:
    """The figures side by side, a row a figure."""
    columns = [figures_of(result, architecture.key) for architecture in ARCHITECTURES]
    plan = result.plan

    def row(label: str, cells: Sequence[str]) -> str:
        return f"  {label:<46}" + "".join(f"{cell:>16}" for cell in cells)

    def share(phase: Phase) -> list[str]:
        return [f"{figures.in_time[phase]:.1%}" for figures in columns]

    rule = "  " + "-" * (46 + 16 * len(columns))
    lines = [
        row("", [architecture.label for architecture in ARCHITECTURES]),
        rule,
        row("requests", [f"{f.requests:,}" for f in columns]),
        row("answered", [f"{f.answered:,}" for f in columns]),
        row("  of these with the default", [f"{f.defaults:,}" for f in columns]),
        row("errors", [f"{f.errors:,}" for f in columns]),
        row(
            f"  of these no answer within {seconds(plan.patience)}",
            [f"{f.gave_up:,}" for f in columns],
        ),
        rule,
        row("time to an answer: p50", [seconds(f.p50) for f in columns]),
        row("                   p99", [seconds(f.p99) for f in columns]),
        row("                   max", [seconds(f.max) for f in columns]),
        rule,
        row(f"answered within {seconds(plan.in_time)}: dependency healthy", share(Phase.HEALTHY)),
        row("                        dependency slow", share(Phase.SLOW)),
        row("                        dependency dead", share(Phase.DEAD)),
        row("                        dependency back", share(Phase.BACK)),
        rule,
        row("age of the values served: p50", [seconds(f.age_p50) for f in columns]),
        row("                          oldest", [seconds(f.oldest) for f in columns]),
        row("calls that reached the dependency", [f"{f.calls:,}" for f in columns]),
        row("calls tried, also while it was dead", [f"{f.attempts:,}" for f in columns]),
    ]
    return "\n".join(lines)


def seconds(duration: float | None) -> str:
    """A duration as people write it: two or three digits, and the unit."""
    if duration is None:
        return "-"
    if duration < 0.01:
        return f"{duration * 1000:.1f} ms"
    return f"{duration * 1000:.0f} ms" if duration < 1 else f"{duration:.3g} s"


def _count(samples: Sequence[Sample], outcome: Outcome) -> int:
    return sum(sample.outcome is outcome for sample in samples)


def _percentile(ordered: Sequence[float], percent: float) -> float | None:
    """The nearest-rank percentile, if there is any."""
    if not ordered:
        return None
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]
