"""From what each request came to, to the tables and the verdict."""

import math
from collections import Counter
from collections.abc import Callable, Sequence

from fleet_parts.load import Sample
from fleet_parts.plan import Phase, Way
from fleet_parts.run import Call, Result
from outage_parts.figures import seconds

TITLES = ((Way.SHARED, "over one Valkey"), (Way.ALONE, "over memories of their own"))
LEAST_FRESHNESS = 0.9  # of the ttl: jitter takes up to a tenth of it
LEFT_OVER = 1.0  # s after the kill in which a heal whose lease was taken before may still call
SLACK = 1.5  # a heal whose commit a busy machine held up beyond the deadline comes again


def samples_in(result: Result, way: Way, phase: Phase) -> list[Sample]:
    """The requests that arrived in a phase."""
    return [sample for sample in result.samples[way] if result.phase_at(sample.at) is phase]


def calls_in(result: Result, way: Way, phase: Phase) -> list[Call]:
    """The calls of the dependency that began in a phase."""
    return [
        call for call in result.calls if call.way is way and result.phase_at(call.began) is phase
    ]


def most_at_once(calls: Sequence[Call]) -> int:
    """How many calls of one key were under way at once, at most."""
    most = 0
    for call in calls:
        beside = [c for c in calls if c.code == call.code and c.began <= call.began < c.ended]
        most = max(most, len(beside))
    return most


def broken_promises(result: Result) -> list[str]:
    """What was promised and did not hold in this run; nothing, one hopes."""
    broken = []
    every = [sample for way in Way for sample in result.samples[way]]
    errors = sum(not sample.answered for sample in every)
    if errors:
        broken.append(f"{errors} of {len(every)} clients got no answer")
    at_once = most_at_once([call for call in result.calls if call.way is Way.SHARED])
    if at_once != 1:
        broken.append(f"{at_once} heals of one key at once in the fleet")
    answers = Counter(s.freshness for s in samples_in(result, Way.SHARED, Phase.DEAD))
    if not answers["absent"]:
        broken.append("no client noticed that the store was dead: was it?")
    return broken if too_busy(result) else broken + _broken_in_time(result)


def too_busy(result: Result) -> bool:
    """Whether this machine starves its processes, so that no time measured here says anything."""
    return result.busy > result.plan.in_time


def _broken_in_time(result: Result) -> list[str]:
    plan, broken = result.plan, []
    slowest = max(sample.latency for way in Way for sample in result.samples[way])
    if slowest > plan.in_time + 2 * result.busy:
        broken.append(f"the slowest answer took {seconds(slowest)}, not {seconds(plan.in_time)}")
    if result.fresh_after is None or result.fresh_after > plan.fresh_within + 2 * result.busy:
        broken.append(
            f"fresh again after {seconds(result.fresh_after)}, not {seconds(plan.fresh_within)}"
        )
    for phase in (Phase.EMPTY, Phase.BACK):
        calls, allowed = len(calls_in(result, Way.SHARED, phase)), _allowed(result, phase)
        if calls > allowed:
            broken.append(f"{calls} heals while the store was {phase}, more than {allowed}")
    late = result.starts(Phase.DEAD) + LEFT_OVER + 2 * result.busy
    calls = sum(call.began > late for call in calls_in(result, Way.SHARED, Phase.DEAD))
    if calls:
        broken.append(f"{calls} calls of the dependency while the store was dead")
    return broken


def _allowed(result: Result, phase: Phase) -> int:
    """Calls of the whole fleet: one a key, and one more each time that it went stale."""
    plan = result.plan
    times = 1 + math.floor(plan.durations[phase] / (LEAST_FRESHNESS * plan.ttl))
    return math.floor(plan.airports * times * SLACK)


def table(result: Result) -> str:
    """The figures, a column for each phase of the store."""
    rule = "  " + "-" * (40 + 12 * len(Phase))
    lines = [_row("the store is", list(Phase)), rule]
    for way, title in TITLES:
        lines += [_row(f"answers {title}", [])]
        lines += _answer_rows(result, way)
        lines += [rule]
    for way, title in TITLES:
        calls = [calls_in(result, way, phase) for phase in Phase]
        lines += [
            _row(f"calls {title}", [f"{len(each):,}" for each in calls]),
            _row("  for each key", [f"{_for_each_key(each):.2f}" for each in calls]),
            _row("  of one key at once, at most", [f"{most_at_once(each)}" for each in calls]),
        ]
    return "\n".join(lines)


def _answer_rows(result: Result, way: Way) -> list[str]:
    columns = [samples_in(result, way, phase) for phase in Phase]

    def row(label: str, cell: Callable[[list[Sample]], str]) -> str:
        return _row(f"  {label}", [cell(samples) for samples in columns])

    def share(*kinds: str) -> Callable[[list[Sample]], str]:
        return lambda samples: (
            f"{sum(s.freshness in kinds for s in samples) / max(len(samples), 1):.1%}"
        )

    def time_of(percent: float) -> Callable[[list[Sample]], str]:
        return lambda samples: seconds(_percentile([s.latency for s in samples], percent))

    return [
        row("requests", lambda samples: f"{len(samples):,}"),
        row("errors", lambda samples: f"{sum(not s.answered for s in samples):,}"),
        row("fresh", share("fresh")),
        row("stale", share("stale")),
        row("the default", share("absent", "expired")),
        row("time to an answer: p50", time_of(50)),
        row("                   p99", time_of(99)),
        row("                   max", time_of(100)),
    ]


def workers_table(result: Result) -> str:
    """Who answered, and who healed."""
    answered = Counter(s.worker for s in result.samples[Way.SHARED] if s.worker)
    healed = Counter(call.worker for call in result.calls if call.way is Way.SHARED)
    workers = sorted(answered.keys() | healed.keys())
    lines = [
        _row("the workers, over one Valkey", [f"pid {worker}" for worker in workers]),
        _row("  answers", [f"{answered[worker]:,}" for worker in workers]),
        _row("  heals", [f"{healed[worker]:,}" for worker in workers]),
    ]
    return "\n".join(lines)


def _row(label: str, cells: Sequence[str]) -> str:
    return (f"  {label:<40}" + "".join(f"{cell:>12}" for cell in cells)).rstrip()


def _for_each_key(calls: Sequence[Call]) -> float:
    keys = {call.code for call in calls}
    return len(calls) / len(keys) if keys else 0.0


def _percentile(values: Sequence[float], percent: float) -> float | None:
    """The nearest-rank percentile, if there is any."""
    if not values:
        return None
    return sorted(values)[max(math.ceil(len(values) * percent / 100), 1) - 1]
