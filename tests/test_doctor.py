"""The doctor: what looks wrong is told, with what to do; what is well configured is left alone."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oob_heal import Dependency, HealingCache, Promise
from oob_heal.__main__ import main
from oob_heal._doctor import examine
from oob_heal.codecs import JsonCodec
from oob_heal.executors.queue import QueueExecutor
from oob_heal.executors.tasks import TaskExecutor
from oob_heal.executors.threads import ThreadExecutor
from oob_heal.testing import SharedStore
from tests.in_a_dict import InADict

SECRET = "kept to itself"


def price(article: str) -> float:
    return 4.5


async def aprice(article: str) -> float:
    return 4.5


def untold(article: str):  # type: ignore[no-untyped-def]
    return 4.5


class Bounded(InADict):
    """It says how long it may take."""

    deadline = 0.1


class NoDeadline(Bounded):
    deadline = float("inf")


@dataclasses.dataclass
class Mutable:
    n: int = 0


@dataclasses.dataclass(frozen=True)
class Frozen:
    n: int = 0


def wrong(fn: Any = price, shared: dict[str, Any] | None = None, **options: Any) -> list[str]:
    cache = HealingCache(**(shared or {}))
    decorated = cache(**{"ttl": 60, "name": "shop.price", **options})(fn)
    (checked,) = examine(cache)
    assert decorated is not None
    return checked.wrong


def shared_store(**options: Any) -> dict[str, Any]:
    return {"backend": SharedStore().backend(), **options}


def test_what_is_well_configured_is_left_alone() -> None:
    assert wrong() == []
    assert wrong(aprice) == []
    assert wrong(default=0.0) == []
    assert wrong(shared=shared_store(namespace="shop")) == []
    assert wrong(backend=Bounded()) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ttl": 10}, "a heal may take 30 s, and a value is stale after 10 s"),
        ({"ttl": 60, "heal_timeout": 61}, "lands stale"),
        ({"ttl": 10, "max_stale": 5}, "never served after 15 s"),
        ({"max_stale": 0}, "max_stale=0"),
        ({"default": []}, "one list for all callers"),
        ({"default": {}}, "default_factory=dict"),
        ({"default": Mutable()}, "one Mutable for all callers"),
        ({"default_factory": lambda: 1 / 0}, "default_factory raises ZeroDivisionError"),
        ({"maxsize": 50_000}, "room for 50,000 entries, and ThreadExecutor takes 5,000"),
        ({"backend": NoDeadline()}, "declares no deadline"),
        ({"fn": untold, "backend": Bounded()}, "does not say what it returns"),
        ({"shared": shared_store()}, "it has no namespace"),
        ({"fn": aprice, "executor": TaskExecutor(10)}, "TaskExecutor takes 10 heals"),
        (
            {"fn": untold, "shared": shared_store(namespace="shop"), "codec": JsonCodec()},
            "does not say what it returns",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_looks_wrong_is_told_with_what_to_do(options: dict[str, Any], said: str) -> None:
    (told,) = wrong(**options)
    assert said in told
    assert "; " in told, "what to do stands after what is wrong"


@pytest.mark.parametrize(
    "options",
    [
        {"ttl": 60, "heal_timeout": 60},
        {"default": ()},
        {"default": Frozen()},
        {"default": [], "copy": list},
        {"default_factory": list},
        {"maxsize": 5_000},
        {"maxsize": 50_000, "executor": ThreadExecutor(queue=100_000)},
    ],
    ids=" ".join,
)
def test_what_is_just_right_is_left_alone(options: dict[str, Any]) -> None:
    assert wrong(**options) == []


def methods() -> Iterator[tuple[Any, dict[str, Any], str]]:
    def looks(self: Any, n: int) -> int:
        return int(self.n) + n

    def does_not_look(self: Any, n: int) -> int:
        return n

    def closes_over(self: Any, n: int) -> int:
        return sum(int(self.n) for _ in range(n))

    yield looks, {"ignore": "self"}, "it looks at self, which is ignored"
    yield closes_over, {"ignore": "self"}, "it looks at self, which is ignored"
    yield looks, {"key": lambda self, n: n}, "it looks at self, and key= does not"
    yield looks, {"key": lambda self, n: (self.n, n)}, ""
    yield does_not_look, {"ignore": "self"}, ""
    yield does_not_look, {"key": lambda self, n: n}, ""


@pytest.mark.parametrize(("method", "options", "said"), list(methods()), ids=lambda value: "")
def test_a_method_whose_instances_are_mixed_up_is_told(
    method: Any, options: dict[str, Any], said: str
) -> None:
    assert [bool(said) and said in told for told in wrong(method, **options)] == [True] * bool(said)


def test_an_executor_that_sends_elsewhere_has_a_share_too() -> None:
    with QueueExecutor(lambda payload: None, outbox=7) as executor:
        assert executor.share == 3  # no function has more than half


def test_the_report_names_settings_and_no_values() -> None:  # H36
    cache = HealingCache(namespace="shop")
    decorated = cache(ttl=90, default=SECRET, drop_on=KeyError, name="price")(price)
    (checked,) = examine(cache)
    assert checked.function == "shop:price"
    assert checked.configured == {
        "ttl": "90 s",
        "max_stale": "7 days",
        "heal_timeout": "30 s",
        "default": "of type str",
        "backend": "MemoryBackend, 10,000 entries",
        "executor": "ThreadExecutor",
        "key": "the arguments",
        "drop_on": "KeyError",
    }
    assert SECRET not in str(checked)
    assert decorated.cache_info().misses == 0, "it looked, and asked nothing"


def test_the_report_names_the_dependency_and_the_promise_and_no_password() -> None:  # H36
    cache = HealingCache(ttl=60, promise=Promise(share=0.995, younger_than=300))
    database = Dependency("db://me:hunter2@host/", concurrency=4, breaker=None)
    one = cache(name="one", dependency=database)(price)
    two = cache(name="two", dependency="stock", promise=None)(price)
    told = {checked.function: checked.configured for checked in examine(cache)}
    assert told["one"]["dependency"] == "db://host/, 4 calls at once, no breaker"
    assert told["one"]["promise"] == "99.5 % younger than 300 s"
    assert told["two"]["dependency"] == "stock, 16 calls at once"
    assert "promise" not in told["two"]
    assert one
    assert two


SHOP = """
from oob_heal import HealingCache, healing_cache
cache = HealingCache(ttl=60)
not_a_cache = 7
@cache(default=[])
def price(article): return [4.5]
@healing_cache(ttl=60)
def stock(article): return 12
"""


def doctor(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """As a user calls it, in the folder of the application."""
    (folder / "shop.py").write_text(SHOP)
    command = [sys.executable, "-W", "error", "-m", "oob_heal", "doctor", *arguments]
    package = str(Path(__file__).resolve().parents[1])
    environment = {**os.environ, "PYTHONPATH": os.environ.get("OOB_HEAL_PLANTED", package)}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_command_prints_what_is_configured_and_what_looks_wrong(tmp_path: Path) -> None:
    status, said, trouble = doctor(tmp_path, "shop:cache")
    assert (status, trouble) == (0, "")
    assert re.search(r"^shop\.price\n  ttl           60 s$", said, re.MULTILINE)
    assert re.search(r"^  ! the default is one list for all callers", said, re.MULTILINE)
    assert said.endswith("1 function; 1 thing looks wrong\n")
    assert doctor(tmp_path, "--strict", "shop:cache")[0] == 1


HERE = "<here>"
BROKEN = {
    "no_syntax": "def (",
    "no_setting": "import os\nos.environ['SHOP_DATABASE']",
    "no_ttl": "from oob_heal import healing_cache\nhealing_cache(ttl=-1)",
    "ends": "import sys\nsys.exit(3)",
}


def run_here(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str) -> int:
    (folder / "shop.py").write_text(SHOP)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "shop", raising=False)
    return main(["doctor", *arguments])


def test_a_module_alone_means_what_it_decorates_with_healing_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here(monkeypatch, tmp_path, "--strict", "shop") == 0
    assert "shop.stock\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("nowhere:cache", "No module named 'nowhere'"),
        ("shop:nothing", "has no attribute 'nothing'"),
        ("shop:not_a_cache", "it is a int, and no HealingCache; name the cache"),
        ("nowhere", "; run this in the folder and the environment of the application"),
        ("no_syntax", "importing it raised SyntaxError: "),
        (
            "no_setting",
            f"importing it raised KeyError: 'SHOP_DATABASE' ({HERE}no_setting.py, line 2)",
        ),
        ("no_ttl", f"ttl= must be above 0 seconds, not -1 ({HERE}no_ttl.py, line 2)"),
        ("ends", f"importing it raised SystemExit: 3 ({HERE}ends.py, line 2)"),
    ],
)
def test_what_cannot_be_looked_at_ends_with_2_and_says_why(
    target: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, source in BROKEN.items():
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert run_here(monkeypatch, tmp_path, target) == 2
    assert said.replace(HERE, f"{tmp_path}{os.sep}") in capsys.readouterr().err


def test_a_cache_with_no_function_says_how_to_name_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "empty_shop.py").write_text("import oob_heal\ncache = oob_heal.HealingCache()\n")
    assert main(["doctor", "empty_shop:cache"]) == 0
    assert "doctor TARGET MODULE" in capsys.readouterr().out
    (tmp_path / "shelves.py").write_text(
        "from empty_shop import cache\n@cache(ttl=60)\ndef f(n): return n\n"
    )
    assert main(["doctor", "empty_shop:cache", "shelves"]) == 0
    assert "shelves.f" in capsys.readouterr().out
