"""A soak as a picture: what callers got, how long it took, what it cost, and the harm done.

Law: from the history alone, so that it can be drawn again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

from tests.soak.judge import History
from tests.soak.plan import SPARED

COLOURS = {"fresh": "#1b7837", "stale": "#e8a33d", "miss": "#9aa0a6", "error": "#c62828"}


def draw(history: History, harms: list[tuple[float, str]], start: float, path: Path) -> None:
    """One PNG of three panels over the same seconds."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (answers, times, sizes) = plt.subplots(
        3, 1, sharex=True, figsize=(12, 8), height_ratios=(3, 2, 2), layout="constrained"
    )
    counts: defaultdict[str, Counter[int]] = defaultdict(Counter)
    slowest: defaultdict[int, float] = defaultdict(float)
    for _, (began, ended, _, told, _) in history.asked:
        counts[told][int(began - start)] += 1
        slowest[int(began - start)] = max(slowest[int(began - start)], (ended - began) * 1e3)
    seconds = range(max(slowest, default=0) + 1)
    shown = [each for each in COLOURS if counts[each]]
    answers.stackplot(
        seconds,
        *([counts[each][second] for second in seconds] for each in shown),
        labels=shown,
        colors=[COLOURS[each] for each in shown],
        step="post",
    )
    answers.set_ylabel("answers a second")
    answers.legend(loc="lower left", ncols=len(shown), frameon=True)
    times.plot(sorted(slowest), [slowest[each] for each in sorted(slowest)], color="#37474f")
    times.set_yscale("log")
    times.set_ylabel("slowest answer, ms")
    for name, series in history.sizes.items():
        if name.startswith(SPARED):
            at = [each[0] - start for each in series]
            sizes.plot(at, [each[1] / 1024 for each in series], color="#0b6e4f", label="MB")
            sizes.plot(at, [each[2] for each in series], color="#7b1fa2", label="descriptors")
    sizes.set_ylabel(f"of {SPARED}, never killed")
    sizes.set_ylim(bottom=0)
    sizes.legend(loc="lower left", ncols=2)
    sizes.set_xlabel("seconds")
    many = len(harms) > 12
    for at, what in harms:
        for panel in (answers, times, sizes):
            panel.axvline(at - start, color="#c62828", linewidth=0.6 if many else 1, alpha=0.6)
        if not many:
            answers.annotate(
                what, (at - start, 1.01), xycoords=("data", "axes fraction"), rotation=20,
                fontsize=8, va="bottom",
            )  # fmt: skip
    figure.savefig(path, dpi=110)
    plt.close(figure)
