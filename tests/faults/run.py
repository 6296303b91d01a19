"""Plants each fault in turn and sees the tests turn red: ``python tests/faults/run.py [WORD]``.

With ``--list`` it only shows each fault, with the tests that catch it. It proves itself: the tests
that should notice are green over an unchanged copy first, and conftest refuses to run over any
package but the copy. A WORD picks the faults whose hazard or file has it. Ends with a table, and
with 1 if a fault went unnoticed.
"""

from __future__ import annotations

import concurrent.futures
import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import tests.faults as package
from tests.faults._plant import Fault, UnplantableError, run

RED, GREEN = 1, 0
TRIES = 3  # a fault that shows by chance (threads, exits) has as many to show itself


def all_faults() -> list[Fault]:
    """Every fault of every module beside this one."""
    found: list[Fault] = []
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("_") and module.name != "run":
            found += importlib.import_module(f"tests.faults.{module.name}").FAULTS
    return found


def noticed(fault: Fault) -> str:
    """'' if the tests turned red, else what happened."""
    problem = ""
    for _ in range(TRIES):
        problem = attempt(fault)
        if not problem:
            break
    return problem


def attempt(fault: Fault) -> str:
    """As ``noticed``, once."""
    try:
        status, output = run(fault, fault.tests)
    except UnplantableError as problem:
        return str(problem)
    except subprocess.TimeoutExpired:
        return "the run did not end, and no test's own limit stopped it"
    if status == RED:
        return ""
    return "unnoticed" if status == GREEN else f"pytest ended with {status}:\n{output[-2000:]}"


def listing(faults: list[Fault]) -> str:
    """Each fault, where it is planted, and below it the tests that catch it."""
    lines = []
    for fault in sorted(faults, key=lambda each: (each.hazard, each.file)):
        lines += [f"{fault.hazard}  ({fault.file})", *(f"    {test}" for test in fault.tests)]
    return "\n".join([*lines, f"{len(faults)} planted faults"])


def main() -> int:
    words = [word for word in sys.argv[1:] if word != "--list"]
    word = words[0] if words else ""
    faults = [each for each in all_faults() if word in f"{each.hazard} {each.file}"]
    if not faults:
        print(f"no fault has {word!r} in its hazard or file")
        return 1
    if "--list" in sys.argv:
        print(listing(faults))
        return 0
    tests = tuple(sorted({test for fault in faults for test in fault.tests}))
    status, output = run(None, tests)
    if status != GREEN:
        print(f"the control run over an unchanged copy is not green:\n{output[-4000:]}")
        return 1
    print(f"control run green: {output.strip().splitlines()[-1]}")
    missed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for fault, problem in zip(faults, pool.map(noticed, faults), strict=True):
            missed += bool(problem)
            print(f"{'MISSED ' if problem else 'noticed'}  {fault.hazard}  ({fault.file})")
            if problem:
                print(f"         {problem}")
            sys.stdout.flush()
    print(f"{len(faults) - missed} of {len(faults)} planted faults noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
