"""``python -m oob_heal doctor shop.app:cache``: what is configured, and what looks wrong.

Law: words for people, and an exit status for scripts; the looks are ``_doctor``'s.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import textwrap
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from oob_heal._cache import HealingCache
from oob_heal._decorator import default_cache
from oob_heal._doctor import Checked, examine

OURS = (ImportError, AttributeError, TypeError)  # their words say enough
NOT_THEIRS = (
    "<frozen ",
    *(f"{Path(each).parent}{os.sep}" for each in (__file__, importlib.__file__)),
)
WIDTH = 14  # of what stands before a setting
WRAP = textwrap.TextWrapper(
    width=88,
    initial_indent="  ! ",
    subsequent_indent="    ",
    break_long_words=False,
    break_on_hyphens=False,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. 0: well; 1: with ``--strict``, something looks wrong; 2: cannot look."""
    parser = argparse.ArgumentParser(prog="python -m oob_heal", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="doctor")
    doctor = commands.add_parser("doctor", help="what is configured, and what looks wrong")
    doctor.add_argument(
        "target",
        help="module:cache, your HealingCache; a module alone: what it decorates "
        "with healing_cache",
    )
    doctor.add_argument(
        "modules", nargs="*", help="more modules to import first: those that decorate with it"
    )
    doctor.add_argument(
        "--strict", action="store_true", help="exit with 1 if something looks wrong"
    )
    options = parser.parse_args(arguments)
    try:
        cache = _cache_of(options.target, options.modules)
    except (Exception, SystemExit) as error:  # whatever the application does when it is imported
        print(f"cannot look at {options.target}: {_trouble(error)}", file=sys.stderr)
        return 2
    checked = examine(cache)
    print("\n".join(_report(checked)))
    return 1 if options.strict and any(each.wrong for each in checked) else 0


def _cache_of(target: str, modules: Sequence[str]) -> HealingCache:
    """The cache that is meant, with all that was decorated with it imported."""
    module, _, name = target.partition(":")
    found = importlib.import_module(module)
    for each in modules:
        importlib.import_module(each)
    if not name:
        return default_cache
    for part in name.split("."):
        found = getattr(found, part)
    if not isinstance(found, HealingCache):
        raise TypeError(
            f"it is a {type(found).__name__}, and no HealingCache; name the cache, shop:cache say"
        )
    return found


def _trouble(error: BaseException) -> str:
    """What went wrong, where in the application, and what to do about it."""
    if isinstance(error, ModuleNotFoundError):
        return f"{error}; run this in the folder and the environment of the application"
    kind = "" if isinstance(error, OURS) else f"importing it raised {type(error).__name__}: "
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [each for each in frames if not each.filename.startswith(NOT_THEIRS)]
    place = f" ({theirs[-1].filename}, line {theirs[-1].lineno})" if theirs else ""
    return f"{kind}{error}{place}"


def _report(checked: Sequence[Checked]) -> Iterator[str]:
    for each in checked:
        yield each.function
        yield from (f"  {name:<{WIDTH}}{said}" for name, said in each.configured.items())
        yield from (WRAP.fill(said) for said in each.wrong)
        yield ""
    wrong = sum(len(each.wrong) for each in checked)
    functions = "1 function" if len(checked) == 1 else f"{len(checked)} functions"
    looks = "1 thing looks" if wrong == 1 else f"{wrong} things look"
    yield f"{functions}; {looks if wrong else 'nothing looks'} wrong"
    if not checked:
        yield "name the modules that decorate with it: python -m oob_heal doctor TARGET MODULE ..."
        yield "and a HealingCache of your own by its name: python -m oob_heal doctor shop:cache"


if __name__ == "__main__":
    sys.exit(main())
