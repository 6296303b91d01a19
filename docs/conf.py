"""How the site is built: `sphinx-build -W docs SOMEWHERE`, with the extra `docs`.

Law: nothing is fetched while building or reading, and a warning is an error. The reference is
made from the modules that are there: a new backend, executor or codec appears by itself.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.ext.autodoc.mock import mock
from sphinx.util.docutils import SphinxDirective

import oob_heal

with contextlib.suppress(ImportError):
    from django.conf import settings

    settings.configure()  # its module makes a cache from them when it is looked at

project = "oob_heal"
author = "The oob_heal authors"
project_copyright = "2026, the oob_heal authors"
release = version = oob_heal.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["colon_fence", "deflist", "attrs_block"]
myst_heading_anchors = 3
exclude_patterns = ["pictures/*.py", "pictures/*.json"]

html_theme = "furo"
html_title = "oob_heal"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "sidebar_hide_name": False,
    "light_css_variables": {"color-brand-primary": "#0b6e4f", "color-brand-content": "#0b6e4f"},
    "dark_css_variables": {"color-brand-primary": "#5fc9a2", "color-brand-content": "#5fc9a2"},
}

autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88


ENGINES = [each for each in ("celery", "taskiq") if not importlib.util.find_spec(each)]
PAGES_OF_THEIR_OWN = ("HealingCache", "HealingFunction", "AsyncHealingFunction")
HIDDEN = "   :exclude-members: lock, after_fork"  # between a plug-in and the library


class Told(SphinxDirective):
    """A part of the reference that follows what is there."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        lines = StringList(list(self.lines(self.arguments[0])), source="conf.py")
        return self.parse_text_to_nodes(lines, allow_section_headings=True)

    def lines(self, argument: str) -> Iterator[str]:
        raise NotImplementedError


class InOneForm(Told):
    """`.. in-one-form:: oob_heal.healing_cache(*, ttl, **options)`: a function whose overloads are
    a type checker's business, in the form that people write."""

    def lines(self, argument: str) -> Iterator[str]:
        module, _, name = argument.partition("(")[0].rpartition(".")
        yield from (f".. py:function:: {argument}", "")
        told = inspect.getdoc(getattr(importlib.import_module(module), name)) or ""
        yield from (f"   {line}" for line in told.splitlines())


class PublicModules(Told):
    """`.. public-modules:: oob_heal.backends`: what each module in a package makes public."""

    def lines(self, argument: str) -> Iterator[str]:
        for name in _modules(argument):
            title = name.removeprefix("oob_heal.")
            yield from (title, "-" * len(title), "")
            try:
                with mock(ENGINES):
                    module = importlib.import_module(name)
            except ImportError as missing:  # an extra that is not installed says so in plain words
                yield from (f"Not shown here: {missing}", "")
                continue
            yield from (f".. automodule:: {name}", "")
            for member in _public(module):
                if inspect.isfunction(vars(module)[member]):
                    yield from (f".. autofunction:: {name}.{member}", "")
                else:
                    yield from (f".. autoclass:: {name}.{member}", "   :members:", HIDDEN, "")


class PublicNames(Told):
    """`.. public-names:: values` or `errors`: those of the top level, as they are imported."""

    def lines(self, argument: str) -> Iterator[str]:
        for name in oob_heal.__all__:
            member = getattr(oob_heal, name)
            if not inspect.isclass(member) or name in PAGES_OF_THEIR_OWN:
                continue
            if issubclass(member, Exception) == (argument == "errors"):
                directive = "autoexception" if argument == "errors" else "autoclass"
                yield from (f".. {directive}:: oob_heal.{name}", "   :members:", "")


class PlantedFaults(Told):
    """`.. planted-faults:: tests.faults`: what each breaks, where, and what catches it."""

    def lines(self, argument: str) -> Iterator[str]:
        sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
        faults = importlib.import_module(f"{argument}.run").all_faults()
        summary = f"<details><summary>All {len(faults)} of them</summary>"
        yield from (".. raw:: html", "", f"   {summary}", "")
        for each in sorted(faults, key=lambda each: (each.hazard, each.file)):
            caught = ", ".join(f"``{test}``" for test in each.tests)
            yield from (f"- {each.hazard} (``{each.file}``)", "", f"  {caught}", "")
        yield from (".. raw:: html", "", "   </details>", "")


def _modules(package: str) -> Iterator[str]:
    found = importlib.import_module(package)
    for each in sorted(pkgutil.iter_modules(found.__path__), key=lambda each: each.name):
        if not each.name.startswith("_"):
            yield f"{package}.{each.name}"


def _public(module: ModuleType) -> Iterator[str]:
    for name, member in vars(module).items():
        if name.startswith("_") or getattr(member, "__module__", "") != module.__name__:
            continue
        # A function without an example is between a plug-in and its framework.
        if inspect.isclass(member) or ">>>" in (inspect.getdoc(member) or ""):
            yield name


LAID_OUT = re.compile(r"(?<=\n)(?P<lead>[^\s].*)\n\n(?=    [^\s])")


def _laid_out(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]):
    """What a docstring sets off by its indent, a table or a few lines of code, is shown as is."""
    text = "\n" + "\n".join(lines) + "\n"
    if ">>>" not in text:
        lines[:] = LAID_OUT.sub(_as_is, text).strip("\n").split("\n")


def _as_is(found: re.Match[str]) -> str:
    lead = found["lead"]
    return f"{lead}:\n\n" if lead.endswith(":") else f"{lead}\n\n::\n\n"


def _signature(
    app: Sphinx, what: str, name: str, obj: object, options: object, signature: str, returns: str
) -> tuple[str, str] | None:
    """The parameters of a decorated function are its own: their type variables say nothing."""
    if not signature:
        return None
    return re.sub(r"(\*args|\*\*kwargs): [~.\w]*~P\b", r"\1", signature), returns


def _skipped(app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object):
    """A named tuple's fields are told in its docstring, and say nothing by themselves."""
    return True if (getattr(obj, "__doc__", "") or "").startswith("Alias for field") else None


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("public-modules", PublicModules)
    app.add_directive("public-names", PublicNames)
    app.add_directive("in-one-form", InOneForm)
    app.add_directive("planted-faults", PlantedFaults)
    app.connect("autodoc-skip-member", _skipped)
    app.connect("autodoc-process-docstring", _laid_out)
    app.connect("autodoc-process-signature", _signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
