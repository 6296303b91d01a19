"""Kill processes at every step: ``python -m tests.kills threads|queue --each 50``.

For each point as many keys as asked for, half of them stale and half absent. Each key's process
dies by SIGKILL at the point. Then others come, by a clock: at once, where they may not call the
dependency beside a lease that holds; and one lease later, where one read must heal the key. Ends
with a line of JSON, and with 1 if a key did not heal so. With ``--record`` it is kept as the last
run (see ``tests/last_runs.py``).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests import last_runs
from tests.kills import people
from tests.kills.points import DONE, FREE, LEASE, REQUEST, THREADS, WORKER

fork = multiprocessing.get_context("fork")  # from a process that has opened nothing
AT_ONCE = 10  # processes
LIMIT = 60.0  # s for one process


def dying(people_: list[tuple[Callable[..., None], tuple[Any, ...]]]) -> None:
    """Start them, a few at once, and see each of them die by SIGKILL."""
    for start in range(0, len(people_), AT_ONCE):
        batch = [fork.Process(target=f, args=args) for f, args in people_[start : start + AT_ONCE]]
        for each in batch:
            each.start()
        for each in batch:
            each.join(LIMIT + 10)
            assert each.exitcode == -signal.SIGKILL, f"it ended otherwise: {each.exitcode}"


def asked(life: Callable[..., None], *args: Any) -> Any:
    """What a process says at the end of its life."""
    ours, theirs = fork.Pipe()
    process = fork.Process(target=life, args=(*args, theirs))
    process.start()
    said = _heard(ours)
    process.join(LIMIT)
    assert process.exitcode == 0
    return said


def _heard(pipe: Any) -> Any:
    assert pipe.poll(LIMIT), "a process says nothing"
    return pipe.recv()


def in_threads(folder: Path, point: str, keys: list[int]) -> int:
    """The request's process heals, and dies. How many of its keys healed as they must."""
    dying([(people.dies_requesting, (folder, "threads", point, n)) for n in keys])
    soon = asked(people.reads, folder, keys, 0.0)
    later = asked(people.reads, folder, keys, LEASE)
    if point in FREE:
        first, second = {"healed"}, {"fresh"}
    elif point in DONE:
        first, second = {"fresh"}, {"fresh"}
    elif point == "submitted":  # its thread may have come anywhere
        first, second = {"healed", "refused", "fresh"}, {"healed", "fresh"}
    else:
        first, second = {"refused"}, {"healed"}
    pairs = zip(soon, later, strict=True)
    return sum(one[2] in first and two[2] in second for one, two in pairs)


def in_request(folder: Path, point: str, keys: list[int]) -> int:
    """The request's process hands its heal on, and dies; another request comes a lease later."""
    dying([(people.dies_requesting, (folder, "queue", point, n)) for n in keys])
    soon = asked(people.reads, folder, keys, 0.0) if point not in FREE else []
    assert all(outcome == "refused" for _, _, outcome in soon)
    return living(folder, point, keys, lambda: None, lease_passes=False)


def in_worker(folder: Path, point: str, keys: list[int]) -> int:
    """Workers die; the request's process lives, and reads once more a lease later."""
    deaths = [(people.dies_working, (folder, point))] * len(keys)
    return living(folder, point, keys, lambda: dying(deaths), lease_passes=True)


def living(
    folder: Path, point: str, keys: list[int], deaths: Callable[[], None], *, lease_passes: bool
) -> int:
    """A request's process, and then a worker, a lease later: how many keys healed."""
    pipe, theirs = fork.Pipe()
    requester = fork.Process(target=people.requests, args=(folder, keys, lease_passes, theirs))
    requester.start()
    if lease_passes:
        _heard(pipe)
        deaths()
        pipe.send("a lease has passed")
    _heard(pipe)
    outcomes = asked(people.works, folder, LEASE)
    pipe.send("a worker was there")
    answers, published, ended = _heard(pipe)
    requester.join(LIMIT)
    assert requester.exitcode == 0
    # Refused, skipped: what one that died had sent comes late, before or after the new one.
    assert set(outcomes) <= {"healed", "refused", "skipped"}, outcomes
    assert outcomes.count("healed") == (0 if point in DONE else len(keys)), outcomes
    assert published == ended, "the ledger does not balance"  # H14
    return sum(answer == 2 * n for n, answer in zip(keys, answers, strict=True))


def ways(kind: str) -> dict[str, tuple[Callable[[Path, str, list[int]], int], str]]:
    """The points of a kind, each with what tries it."""
    if kind == "threads":
        return {point: (in_threads, point) for point in THREADS}
    return {f"request: {point}": (in_request, point) for point in REQUEST} | {
        f"worker: {point}": (in_worker, point) for point in WORKER
    }


def tried(way: Callable[[Path, str, list[int]], int], point: str, folder: Path, each: int) -> int:
    """How many of ``each`` keys healed within one lease and one read."""
    keys = list(range(each))
    healed = way(folder, point, keys)
    calls = Counter(map(int, (folder / "calls").read_text().split()))
    assert all(1 <= calls[n] <= 2 for n in keys), "more than one call for a lease"  # H19
    return healed


def run(kind: str, each: int) -> dict[str, int]:
    """For each point, how many keys healed."""
    whole = Path(tempfile.mkdtemp(prefix="oob-heal-kills-"))
    healed = {}
    try:
        (whole / "first").mkdir()
        preparing = fork.Process(target=people.prepare, args=(whole / "first", range(0, each, 2)))
        preparing.start()
        preparing.join(LIMIT)
        for number, (name, (way, point)) in enumerate(ways(kind).items()):
            folder = shutil.copytree(whole / "first", whole / str(number))
            healed[name] = tried(way, point, folder, each)
            print(f"{name:20} {healed[name]:3} of {each}", file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(whole, ignore_errors=True)
    return healed


def main() -> int:
    """The run and its table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("kind", choices=["threads", "queue"])
    parser.add_argument("--each", type=int, default=2, metavar="N", help="kills at each point")
    parser.add_argument("--record", action="store_true", help="as the last run")
    options = parser.parse_args()
    healed = run(options.kind, options.each)
    print(json.dumps({"each": options.each, "healed": healed}))
    if options.record:
        whole = [sum(healed.values()), options.each * len(healed)]
        last_runs.record(f"kills, {options.kind}", {"healed": whole})
    return 0 if set(healed.values()) == {options.each} else 1


if __name__ == "__main__":
    sys.exit(main())
