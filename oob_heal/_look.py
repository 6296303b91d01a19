"""What is to be seen of functions at one moment: figures, failing keys, health.

Law: reads, and changes nothing but samples of a promise's window. What parts say of themselves is
asked for by name, bounded, and believed only where it is a whole number. No argument and no value
goes into what is returned, but for the messages of ``failing``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from oob_heal._breaker import without_secrets
from oob_heal._core import Core
from oob_heal._model import Outcome
from oob_heal._promise import Kept
from oob_heal._reports import CacheInfo, Failing, Health, NotKept
from oob_heal._shelf import Shelf
from oob_heal.figures import CacheFigures, DependencyFigures, ExecutorFigures, FunctionFigures

LISTED_AT_MOST = 100  # promises that are not kept
BACKEND_TROUBLE = 10.0  # s for which a failure of the backend counts as present
EXECUTOR_SAYS = ("waiting", "running", "sent", "hung")


def everything(cores: Iterable[Core]) -> CacheFigures:
    """The figures of these functions and their executors."""
    cores = list(cores)
    executors = {id(core.executor): core.executor for core in cores}
    guards = {id(core.guard): core.guard for core in cores}
    return CacheFigures(
        functions=tuple(map(_function, cores)),
        executors=_executors(executors.values()),
        dependencies=tuple(map(_dependency, guards.values())),
    )


def cache_info(core: Core) -> CacheInfo:
    """The counters at one instant."""
    _, ended, healing = core.inflight.ledger()
    shelf: Shelf = core.shelf
    stale, absent = core.stale, core.absent  # read once: they count on meanwhile
    return CacheInfo(
        hits=core.hits,
        misses=stale + absent,
        maxsize=shelf.maxsize,
        currsize=shelf.currsize(),
        stale=stale,
        absent=absent,
        **{outcome.value: ended.get(outcome, 0) for outcome in Outcome},
        healing=healing,
        promise=core.kept(),
    )


def _function(core: Core) -> FunctionFigures:
    kept, tally = core.kept(), core.tally
    _, ended, healing = core.inflight.ledger()
    with core.inflight.lock:
        tally.settle()
        stale = tally.stale
        times = tally.time_to_heal.read(), tally.heal_duration.read()
    hits, absent, errors = core.hits, core.absent, tally.errors
    defaults = max(0, absent - errors)
    return FunctionFigures(
        function=core.label,
        answers={"fresh": hits, "stale": stale, "default": defaults, "error": errors},
        ages=tally.ages(hits, core.policy.ttl),
        heals={outcome.value: ended.get(outcome, 0) for outcome in Outcome},
        healing=healing,
        time_to_heal=times[0],
        heal_duration=times[1],
        failing=core.failing_keys(),
        backend_failures=tally.backend_failures,
        backend_failing=_backend_is_failing(core),
        promise=kept,
    )


def _backend_is_failing(core: Core) -> bool:
    return core.parts.clock() - core.tally.backend_failed_at < BACKEND_TROUBLE


def _executors(executors: Iterable[Any]) -> tuple[ExecutorFigures, ...]:
    by_class: dict[str, Counter[str]] = {}
    for executor in executors:
        by_class.setdefault(type(executor).__name__, Counter()).update(_said_by(executor))
    return tuple(
        ExecutorFigures(name, dict(counts)) for name, counts in sorted(by_class.items()) if counts
    )


def _said_by(executor: Any) -> dict[str, int]:
    """What an executor says of itself by ``figures()``; of a pool of the standard library's, how
    much is queued."""
    try:
        figures: Any = getattr(executor, "figures", None)
        said: Any = figures() if callable(figures) else {"waiting": executor._work_queue.qsize()}
        return {each: said[each] for each in EXECUTOR_SAYS if type(said.get(each)) is int}
    except Exception:
        return {}


def _dependency(guard: Any) -> DependencyFigures:
    cap = guard.dependency.concurrency
    return DependencyFigures(without_secrets(guard.name), guard.state, guard.in_flight, cap)


def failing(core: Core) -> list[Failing]:
    """The keys of a function that do not heal, after its promise if that is not kept."""
    kept, keys = core.kept(), core.failing()
    if kept is None or kept.is_kept:
        return keys
    because = "; ".join(_because(core, kept, keys))
    return [Failing(core.label, None, "PromiseNotKept", because, 0, 0.0), *keys]


def health(cores: Iterable[Core]) -> Health:
    """Which promises are not kept, and why."""
    broken = [each for core in cores if (each := _not_kept(core)) is not None]
    return Health(not broken, tuple(broken[:LISTED_AT_MOST]))


def _not_kept(core: Core) -> NotKept | None:
    kept = core.kept()
    if kept is None or kept.is_kept:
        return None
    return NotKept(
        function=core.label,
        promised_share=kept.promise.share,
        younger_than=kept.promise.limit,
        share=kept.share or 0.0,
        over=kept.over,
        because=_because(core, kept, core.failing()),
    )


def _because(core: Core, kept: Kept, keys: list[Failing]) -> tuple[str, ...]:
    """What is known of why: counts, states and the names of error types."""
    said = [
        f"{count:,} of {kept.answers:,} answers {what}"
        for count, what in (
            (kept.older, f"were not younger than {kept.promise.limit:g} s"),
            (kept.defaults, "were the default"),
            (kept.errors, "were errors"),
        )
        if count
    ]
    if keys:
        error, _ = Counter(each.error for each in keys).most_common(1)[0]
        many = "1 key does" if len(keys) == 1 else f"{len(keys):,} keys do"
        said.append(f"{many} not heal, most often because of {error}")
    breaker = core.guard.state
    if breaker != "closed":
        said.append(f"the breaker of its dependency is {breaker}")
    if _backend_is_failing(core):
        said.append("the backend failed a moment ago")
    return tuple(said)
