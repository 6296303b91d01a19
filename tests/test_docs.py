"""What is written runs: docstrings, README and docs; and what is public is what is listed here.

In README and docs the ``python`` blocks of a file run in order, as one script; a ``text`` block
that follows one shows what it prints.
"""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import oob_heal
import oob_heal.testing
from tests.children import run_python

ROOT = Path(__file__).resolve().parents[1]

PUBLIC = {
    oob_heal: """
        BackendError Backoff CacheInfo CacheMissError CacheMissed CodecError Entry Failing
        Freshness HealRejectedError HealTimeoutError HealingCache Health Key Lease OobHealError
        Outcome Promise Reason Refused Scope Served UncacheableResultError UnkeyableArgumentError
        Why default_cache healing_cache
    """,
    oob_heal.testing: """
        BackendContract ExecutorContract FlakyBackend InlineExecutor ManualClock ManualExecutor
        Promise SharedBackend SharedStore Steps heal_inline
    """,
}
MADE_BY_THE_LIBRARY = "the library makes it, and no user does; its fields are told one by one"
WITHOUT_EXAMPLE = {
    **dict.fromkeys(("CacheInfo", "CacheMissed"), MADE_BY_THE_LIBRARY),
    **dict.fromkeys(("Scope", "Key", "Entry", "Lease", "Refused"), MADE_BY_THE_LIBRARY),
    **dict.fromkeys(("Reason", "Outcome", "Why"), "its members are all there is to see"),
    "SharedBackend": "SharedStore's example makes two",
    "InlineExecutor": "heal_inline's example runs on it",
    "Steps": "ManualExecutor.step_next makes it",
    "Promise": "BackendContract's example calls some",
}
MODULES = [
    "oob_heal",
    *(each.name for each in pkgutil.walk_packages(oob_heal.__path__, prefix="oob_heal.")),
]


def imported(name: str) -> ModuleType:
    """A module; one of an extra that is not installed says so, and its test is skipped."""
    try:
        return importlib.import_module(name)
    except ImportError as missing:
        if "pip install 'oob_heal[" in str(missing):
            pytest.skip(str(missing))
        raise


@pytest.mark.parametrize("name", MODULES)
def test_every_module_opens_with_its_law_and_its_examples_run(name: str) -> None:
    module = imported(name)
    assert module.__doc__, "a file opens with its law"
    runner = doctest.DocTestRunner(optionflags=doctest.REPORT_NDIFF)
    told: list[str] = []
    for each in doctest.DocTestFinder(exclude_empty=True).find(module):
        runner.run(each, out=told.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(told)


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
def test_what_is_public_is_what_is_listed_here(module: object) -> None:
    assert vars(module)["__all__"] == sorted(PUBLIC[module].split())  # type: ignore[index]


def without_example() -> Iterator[str]:
    for module, names in PUBLIC.items():
        for name in names.split():
            public = getattr(module, name)
            assert public.__doc__, f"{name} has no docstring"
            an_error = isinstance(public, type) and issubclass(public, oob_heal.OobHealError)
            if ">>>" not in public.__doc__ and not an_error:
                yield name


def test_every_public_name_has_an_example_or_a_reason_to_have_none() -> None:
    assert set(without_example()) == set(WITHOUT_EXAMPLE)


FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BETWEEN = "\x1e"  # printed between two blocks
NEEDS = {"use-a-cache-you-have.md": "memcached"}  # a program that Debian has
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
here_are_the_docs = pytest.mark.skipif(
    "OOB_HEAL_PLANTED" in os.environ, reason="faults are planted in a copy without docs"
)


@here_are_the_docs
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_python_block_of_a_page_runs_and_prints_what_is_shown(page: Path) -> None:
    blocks = FENCE.findall(page.read_text(encoding="utf-8"))
    script = [source for language, source in blocks if language == "python"]
    if not script:
        return
    program = NEEDS.get(page.name)
    if program and shutil.which(program) is None and not os.environ.get("CI"):
        pytest.skip(f"no {program} here: apt-get install {program}")
    printed = run_python(f"print({BETWEEN!r}, end='')\n".join(script), silent=False).split(BETWEEN)
    outputs = iter(printed)
    shown = ""
    for language, text in blocks:
        if language == "python":
            shown = next(outputs)
        else:
            assert not (language == "text" and shown) or text == shown
            shown = ""


@here_are_the_docs
def test_the_readme_is_short_and_opens_with_the_two_commands() -> None:
    readme = PAGES[0].read_text(encoding="utf-8")
    assert readme.count("\n") <= 150
    commands = [source for language, source in FENCE.findall(readme) if language == "sh"]
    assert [each.count("\n") for each in commands[:2]] == [1, 1]
    assert "examples/" in commands[0]
    assert "pytest" in commands[1]


@here_are_the_docs
def test_the_docs_say_what_dies_with_the_request() -> None:  # H44
    readme = " ".join(PAGES[0].read_text(encoding="utf-8").split())
    docstring = " ".join((oob_heal.healing_cache.__doc__ or "").split())
    for said in (readme, docstring):
        sentences = [each for each in said.split(". ") if "die with the request" in each]
        assert sentences
        assert "around" in sentences[0]
