"""Is the installed wheel whole?

Run as ``python -I -W error .ci/check_wheel.py SOURCE``, from an empty folder, in an environment
that holds the wheel and nothing else, so that nothing but the wheel can answer.
"""

import importlib.metadata
import re
import sys
import threading
from pathlib import Path

import oob_heal

CORE = {"anyio", "cachetools", "typing-extensions"}


def faults(source: Path) -> list[str]:
    """What is wrong with the installed package, beside its source: nothing, let us hope."""
    found = []
    package = Path(oob_heal.__file__).resolve().parent
    if not package.is_relative_to(Path(sys.prefix).resolve()):
        found.append(f"oob_heal was imported from {package}, which is not the wheel's")
    files = [*source.rglob("*.py"), source / "py.typed"]
    names = [str(file.relative_to(source)) for file in files]
    found += [f"{name} is not in the wheel" for name in names if not (package / name).is_file()]
    found += [
        f"oob_heal.__all__ promises {name}, which is not there"
        for name in oob_heal.__all__
        if not hasattr(oob_heal, name)
    ]
    required = importlib.metadata.requires("oob-heal") or []
    core = {re.split(r"[^\w-]", line)[0] for line in required if "extra ==" not in line}
    if core != CORE:
        found.append(f"the core stands on {sorted(core)}, and not on {sorted(CORE)}")
    if threading.active_count() > 1:
        found.append("importing oob_heal started a thread")
    return found


if __name__ == "__main__":
    if found := faults(Path(sys.argv[1])):
        sys.exit("\n".join(found))
    print(f"oob-heal {importlib.metadata.version('oob-heal')}: {len(oob_heal.__all__)} names")
