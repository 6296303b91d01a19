"""Plants each fault in turn and sees the tests turn red: ``python tests/faults/run.py [WORD]``.

With ``--list`` it only shows each fault, with the tests that catch it. It proves itself: the tests
that should notice are green over an unchanged copy first, and conftest refuses to run over any
package but the copy. A WORD picks the faults whose hazard or file has it. Shows the seconds that
each took, ends with a table of the slowest, and with 1 if a fault went unnoticed. With ``--record``
a run of all is kept as the last one (see ``tests/last_runs.py``).
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import queue
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import tests.faults as package
from tests import last_runs
from tests.faults._plant import Bed, Fault, UnplantableError
from tests.faults._runner import Ran, Runner

RED, GREEN = 1, 0
TRIES = 3  # a fault that shows by chance (threads, exits) has as many to show itself
LIMIT = 120.0  # s for one run of pytest over a fault
OVER_A_FAULT = ("--timeout=20", "-p", "no:rerunfailures")  # what hangs is noticed soon, and once
CONTROL_LIMIT = 600.0  # s for one file of tests over the unchanged copy
SLOWEST = 10
WAITING = 3  # runs more than processors: what hangs a test needs none
# Time, chance and execution are arguments there: red once is red.
PURE = ("tests/test_state_machine.py", "tests/test_orders.py", "tests/test_schedules.py")
LONG = ("tests/test_state_machine.py", "tests/test_soak.py", "tests/redis/test_model.py")


@dataclass(frozen=True)
class Verdict:
    """``problem`` is '' if the tests turned red, else what happened."""

    fault: Fault
    problem: str
    tries: int
    seconds: float
    processor: float


def all_faults() -> list[Fault]:
    """Every fault of every module beside this one."""
    found: list[Fault] = []
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("_") and module.name != "run":
            found += importlib.import_module(f"tests.faults.{module.name}").FAULTS
    return found


def listing(faults: list[Fault]) -> str:
    """Each fault, where it is planted, and below it the tests that catch it."""
    lines = []
    for fault in sorted(faults, key=lambda each: (each.hazard, each.file)):
        lines += [f"{fault.hazard}  ({fault.file})", *(f"    {test}" for test in fault.tests)]
    return "\n".join([*lines, f"{len(faults)} planted faults"])


class Field:
    """Where faults are planted: a run at once for each runner."""

    def __init__(self, bed: Bed, runners: list[Runner]) -> None:
        self.bed = bed
        self.pool = ThreadPoolExecutor(len(runners))
        self.runners: queue.SimpleQueue[Runner] = queue.SimpleQueue()
        for each in runners:
            self.runners.put(each)

    @contextmanager
    def runner(self) -> Iterator[Runner]:
        taken = self.runners.get()
        try:
            yield taken
        finally:
            self.runners.put(taken)

    def control(self, tests: set[str]) -> Iterator[tuple[str, Ran]]:
        """Each file of tests over the unchanged copy, where what may fail by a busy machine's doing
        is tried again as in any run. Those that take long go first, so that none is left alone."""
        files: defaultdict[str, list[str]] = defaultdict(list)
        for test in sorted(tests, key=lambda each: (not each.startswith(LONG), each)):
            files[test.partition("::")[0]].append(test)

        def over(file: str) -> Ran:
            with self.runner() as runner:
                ran = runner.run(self.bed.unchanged, tuple(files[file]), CONTROL_LIMIT)
                if ran.status != GREEN and file not in PURE:
                    print(f"{file} is run over the unchanged copy once more")
                    ran = runner.run(self.bed.unchanged, tuple(files[file]), CONTROL_LIMIT)
                return ran

        return zip(files, self.pool.map(over, files), strict=True)

    def judged(self, faults: list[Fault]) -> Iterator[Verdict]:
        """Each fault, in turn."""
        return self.pool.map(self._judge, faults)

    def _judge(self, fault: Fault) -> Verdict:
        problem, seconds, processor = "", 0.0, 0.0
        for tries in range(1, TRIES + 1):
            try:
                ran = self._attempt(fault)
            except UnplantableError as error:
                return Verdict(fault, str(error), tries, seconds, processor)
            seconds, processor = seconds + ran.seconds, processor + ran.processor
            problem = told(ran)
            if not problem:
                break
        return Verdict(fault, problem, tries, seconds, processor)

    def _attempt(self, fault: Fault) -> Ran:
        where = self.bed.plant(fault)
        try:
            with self.runner() as runner:
                return runner.run(where, fault.tests, LIMIT, *OVER_A_FAULT)
        finally:
            self.bed.clear(where)


def told(ran: Ran) -> str:
    """'' if the tests turned red, else what happened."""
    if ran.status == RED:
        return ""
    if ran.status is None:
        return "the run did not end, and no test's own limit stopped it"
    return "unnoticed" if ran.status == GREEN else f"pytest: {ran.status}\n{ran.output[-2000:]}"


def controlled(control: Iterator[tuple[str, Ran]]) -> bool:
    """Whether the unchanged copy is green. With a runner to spare, the first faults are planted
    while the last files of tests still run over it."""
    begun, costs = time.monotonic(), []
    for file, ran in control:
        if ran.status != GREEN:
            print(f"{file} is not green over an unchanged copy:\n{ran.output[-4000:]}")
            return False
        costs.append((ran.seconds, ran.processor, file))
    print(f"control run green: {len(costs)} files of tests in {time.monotonic() - begun:.0f} s")
    print(slowest(costs), flush=True)
    return True


def slowest(costs: list[tuple[float, float, str]]) -> str:
    """Where the time goes: seconds of the wall, of the processor, and for what."""
    lines = [
        f"{each[0]:7.1f} s {each[1]:6.1f} s of a processor  {each[2]}"
        for each in sorted(costs, reverse=True)[:SLOWEST]
    ]
    whole = [sum(each[0] for each in costs), sum(each[1] for each in costs)]
    return "\n".join([*lines, f"{whole[0]:7.1f} s {whole[1]:6.1f} s of a processor  in all"])


def planted(judged: Iterator[Verdict]) -> list[Verdict]:
    """Shows each as it is judged."""
    verdicts = []
    for each in judged:
        verdicts.append(each)
        word, again = "MISSED " if each.problem else "noticed", f" x{each.tries}"
        took = f"{each.seconds:5.1f} s{again if each.tries > 1 else '   '}"
        print(f"{word} {took}  {each.fault.hazard}  ({each.fault.file})")
        if each.problem:
            print(f"         {each.problem}")
        sys.stdout.flush()
    return verdicts


def by_hazard(verdicts: list[Verdict]) -> dict[str, list[int]]:
    """How many faults of each hazard were noticed, of how many."""
    noticed: Counter[str] = Counter()
    all_: Counter[str] = Counter()
    for each in verdicts:
        for hazard in set(re.findall(r"H\d\d", each.fault.hazard)):
            all_[hazard] += 1
            noticed[hazard] += not each.problem
    return {hazard: [noticed[hazard], all_[hazard]] for hazard in sorted(all_)}


def main() -> int:
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    word = words[0] if words else ""
    faults = [each for each in all_faults() if word in f"{each.hazard} {each.file}"]
    if not faults:
        print(f"no fault has {word!r} in its hazard or file")
        return 1
    if "--list" in sys.argv:
        print(listing(faults))
        return 0
    begun = time.monotonic()
    with ExitStack() as stack:
        bed = stack.enter_context(closing(Bed()))
        runs = min((os.cpu_count() or 1) + WAITING, len(faults))
        field = Field(bed, [stack.enter_context(Runner()) for _ in range(runs)])
        stack.callback(field.pool.shutdown, cancel_futures=True)
        control = field.control({test for fault in faults for test in fault.tests})
        judged = field.judged(faults)
        if not controlled(control):
            return 1
        verdicts = planted(judged)
    costs = [(each.seconds, each.processor, each.fault.hazard) for each in verdicts]
    print(f"the slowest:\n{slowest(costs)}")
    missed = sum(bool(each.problem) for each in verdicts)
    if "--record" in sys.argv and not word:
        whole = [len(faults) - missed, len(faults)]
        last_runs.record("planted faults", {"noticed": whole, "by hazard": by_hazard(verdicts)})
    print(f"{len(faults) - missed} of {len(faults)} planted faults noticed", end=" ")
    print(f"in {time.monotonic() - begun:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
