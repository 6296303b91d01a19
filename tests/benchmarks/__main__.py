"""Ours beside its peers, in one run: ``python -m tests.benchmarks [--quick] [--output FOLDER]``.

Prints a table of figures and of ratios to ``lru_cache``, and writes ``benchmarks.json`` and
``benchmarks.png``. The peers come with the extra ``bench``; one that is missing is reported.
``--only WORD`` runs the measures whose name has it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks import publishing, speed, trouble
from tests.benchmarks.peers import PEERS
from tests.benchmarks.speed import Row

MEASURES: dict[str, Callable[[bool], Row]] = {
    "hit": speed.hits,
    "keys": speed.many_keys,
    "threads": speed.threads,
    "async hit": speed.async_hits,
    "misses": speed.misses,
    "publishing": publishing.publishing,
    "everything expires": trouble.everything_expires,
    "stampede": trouble.stampede,
    "outage": trouble.outage,
    "memory": trouble.memory,
    "eviction": trouble.evictions,
}


def machine() -> Row:
    """Where and with what it ran."""
    flags = str(sysconfig.get_config_var("CONFIG_ARGS") or "")
    return {
        "interpreter": f"{platform.python_implementation()} {platform.python_version()}",
        "with PGO": "--enable-optimizations" in flags,
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "peers": {peer.package: peer.version for peer in PEERS if peer.package},
    }


def show(name: str, rows: Row) -> None:
    """One table; ratios to lru_cache where it took part."""
    print(f"\n{name}")
    for row, cells in rows.items():
        if not isinstance(cells, dict):
            print(f"  {row:30} {_number(cells)}")
            continue
        base = cells.get("lru_cache")
        print(f"  {row}")
        for column, value in cells.items():
            ratio = ""
            if isinstance(base, (int, float)) and isinstance(value, (int, float)) and base:
                ratio = f"{value / base:10.2f} x lru_cache"
            print(f"    {column:42} {_number(value)}{ratio}")


def _number(value: Any) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{key} {_number(each).strip()}" for key, each in value.items())
    if isinstance(value, float):
        return f"{value:12,.3g}" if abs(value) < 10 else f"{value:12,.1f}"
    return f"{value:>12,}" if isinstance(value, int) else f"{value!s:>12}"


def plot(results: Row, path: Path) -> bool:
    """Hits by shape, and latency while everything expires. False without matplotlib."""
    try:
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot as plt
    except ImportError:
        return False
    hit, expiring = results.get("hit", {}).get("one int", {}), results.get("everything expires", {})
    if not hit or not expiring:
        return False
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.6), layout="constrained")
    _bars(left, hit, "A hit, one int argument", "nanoseconds (log)")
    worst = {name: row["p99.9"] for name, row in expiring.items()}
    _bars(
        right, worst, "p99.9 of a call while every key expires\n(dependency of 50 ms)", "ms (log)"
    )
    figure.savefig(path, dpi=130)
    return True


def _bars(axes: Any, values: dict[str, float], title: str, unit: str) -> None:
    ordered = sorted(values.items(), key=lambda each: each[1], reverse=True)
    names = [name for name, _ in ordered]
    colours = ["#c2410c" if name.startswith("oob_heal") else "#94a3b8" for name in names]
    bars = axes.barh(names, [value for _, value in ordered], color=colours)
    told = [f"{value:,.0f}" if value >= 10 else f"{value:.2g}" for _, value in ordered]
    axes.bar_label(bars, labels=told, padding=3)
    axes.set_xscale("log")
    axes.margins(x=0.18)
    axes.set_title(title)
    axes.set_xlabel(unit)
    axes.spines[["top", "right"]].set_visible(False)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short: does all of it work?")
    parser.add_argument("--only", default="", metavar="WORD")
    parser.add_argument("--output", type=Path, default=Path("build/benchmarks"), metavar="FOLDER")
    asked = parser.parse_args()
    results: Row = {"machine": machine()}
    show("machine", results["machine"])
    for peer in PEERS:
        if not peer.version:
            print(f"  {peer.name} is not installed: pip install -e '.[bench]'")
    asked.output.mkdir(parents=True, exist_ok=True)
    names = [name for name in MEASURES if asked.only in name]
    for number, name in enumerate(names, 1):
        print(f"\n[{number}/{len(names)}] {name} ...", end="", flush=True)
        start = time.perf_counter()
        results[name] = MEASURES[name](asked.quick)
        print(f" {time.perf_counter() - start:.0f} s", end="")
        show("", results[name])
        sys.stdout.flush()
        (asked.output / "benchmarks.json").write_text(json.dumps(results, indent=1))
    drawn = plot(results, asked.output / "benchmarks.png")
    print(f"\nwrote {asked.output}/benchmarks.json" + (" and benchmarks.png" if drawn else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
