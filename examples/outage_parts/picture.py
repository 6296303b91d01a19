"""The timeline as a picture: latency over time, a panel an architecture, the trouble shaded."""

from collections.abc import Iterator
from itertools import groupby
from math import nan
from pathlib import Path
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from outage_parts.figures import Figures, figures_of, seconds
from outage_parts.load import Outcome, Sample
from outage_parts.plan import ARCHITECTURES, HEALING, Architecture, Phase
from outage_parts.run import Result

# Okabe and Ito's colours, which colour-blind readers tell apart.
BLUE, VERMILION, ORANGE, GREEN, BLACK = "#0072B2", "#D55E00", "#E69F00", "#009E73", "#000000"
SHADES = {Phase.SLOW: (ORANGE, 0.18), Phase.DEAD: (BLACK, 0.14)}
NAMES = {
    Phase.HEALTHY: "dependency healthy",
    Phase.SLOW: "dependency SLOW ({} an answer)",
    Phase.DEAD: "dependency DEAD (killed)",
    Phase.BACK: "dependency back",
}
MARKS = (
    # outcomes, what the legend says, colour and marker
    ((Outcome.VALUE,), "answer", BLUE, "o"),
    ((Outcome.DEFAULT,), "answer: the default (nothing known yet)", GREEN, "D"),
    ((Outcome.ERROR, Outcome.GAVE_UP), "error, or no answer within {}", VERMILION, "x"),
)
AGES = dict(zip(ARCHITECTURES, ((ORANGE, "-."), (VERMILION, "--"), (BLUE, "-")), strict=True))

GOOD = 0.99
"""A share of requests answered in time that is drawn as a good one."""

FLOOR, CEILING = 0.0005, 400.0
ERROR_ROW, SHARE_ROW = 17.0, 110.0
TICKS = {0.001: "1 ms", 0.01: "10 ms", 0.1: "100 ms", 1.0: "1 s", ERROR_ROW: "error"}


def draw(result: Result, path: Path) -> None:
    """Write the picture as a PNG file; needs no screen."""
    figure = Figure(figsize=(13, 12.5), layout="constrained")
    panels = figure.subplots(4, 1, sharex=True, height_ratios=[3, 3, 3, 1.8])
    figure.suptitle(
        "A dependency gets slow, dies and comes back: what the clients of three services see",
        fontsize=17,
        fontweight="bold",
    )
    for panel, architecture in zip(panels, ARCHITECTURES, strict=False):
        _draw_latency(panel, result, architecture)
    _draw_age(panels[-1], result)
    for panel in panels:
        _shade(panel, result)
    _name_phases(panels[0], result)
    handles, labels = panels[-2].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=12, markerscale=2)
    figure.savefig(path, dpi=100)


def _draw_latency(panel: Axes, result: Result, architecture: Architecture) -> None:
    """A dot a request; errors in a row of their own, for a quick error is no good answer."""
    figures = figures_of(result, architecture.key)
    for outcomes, label, colour, marker in MARKS:
        samples = [s for s in result.samples[architecture.key] if s.outcome in outcomes]
        heights = [sample.latency if sample.answered else ERROR_ROW for sample in samples]
        panel.plot(
            [sample.at for sample in samples],
            heights,
            linestyle="none",
            marker=marker,
            color=colour,
            markersize=5 if marker != "o" else 3.5,
            alpha=0.55 if marker == "o" else 0.9,
            label=label.format(seconds(result.plan.patience)),
        )
    panel.set_yscale("log")
    panel.set_ylim(FLOOR, CEILING)
    panel.set_yticks(list(TICKS), list(TICKS.values()), fontsize=12)
    panel.minorticks_off()
    panel.grid(axis="y", alpha=0.3)
    panel.set_ylabel("time to the answer", fontsize=12)
    panel.set_title(architecture.title, loc="left", fontsize=14, fontweight="bold")
    panel.set_title(_in_short(figures), loc="right", fontsize=12)
    _write_shares(panel, result, figures)


def _in_short(figures: Figures) -> str:
    return f"{figures.answered:,} of {figures.requests:,} answered, p99 {seconds(figures.p99)}"


def _write_shares(panel: Axes, result: Result, figures: Figures) -> None:
    for phase, start, end in _spans(result):
        share = figures.in_time[phase]
        panel.text(
            (start + end) / 2,
            SHARE_ROW,
            f"{_percent(share)} within {seconds(result.plan.in_time)}",
            ha="center",
            va="center",
            fontsize=13,
            fontweight="bold",
            color=BLUE if share >= GOOD else VERMILION,
        )


def _draw_age(panel: Axes, result: Result) -> None:
    """The price: how old the values were, second by second."""
    for architecture, (colour, line) in AGES.items():
        ages = list(_ages_each_second(result.samples[architecture.key]))
        seconds_, medians, oldest = zip(*ages, strict=True)
        panel.plot(
            seconds_,
            medians,
            color=colour,
            linestyle=line,
            linewidth=2.5,
            label=f"{architecture.label}: median",
        )
        if architecture is HEALING:
            panel.fill_between(
                seconds_, medians, oldest, color=colour, alpha=0.2, lw=0, label="  up to the oldest"
            )
    panel.set_title(
        "The price: age of the values served", loc="left", fontsize=14, fontweight="bold"
    )
    panel.set_ylabel("age in seconds", fontsize=12)
    panel.set_xlabel("seconds since the start (of each request: when it was due)", fontsize=12)
    panel.set_xlim(0, result.plan.length)
    panel.set_ylim(bottom=0)
    panel.tick_params(labelsize=12)
    panel.grid(axis="y", alpha=0.3)
    panel.legend(loc="upper left", fontsize=11, ncols=2)


def _ages_each_second(samples: list[Sample]) -> Iterator[tuple[float, float, float]]:
    """Second, median and maximum; NaN, which leaves a gap, where no value was served."""
    ordered = sorted(samples, key=lambda sample: sample.at)
    for second, group in groupby(ordered, key=lambda sample: int(sample.at)):
        ages = [sample.age for sample in group if sample.age is not None] or [nan]
        yield second + 0.5, median(ages), max(ages)


def _shade(panel: Axes, result: Result) -> None:
    for phase, start, end in _spans(result):
        if phase in SHADES:
            colour, alpha = SHADES[phase]
            panel.axvspan(start, end, color=colour, alpha=alpha, linewidth=0)


def _name_phases(panel: Axes, result: Result) -> None:
    for phase, start, end in _spans(result):
        panel.annotate(
            NAMES[phase].format(seconds(result.plan.slowness)),
            ((start + end) / 2, 1.15),
            xycoords=panel.get_xaxis_transform(),
            ha="center",
            fontsize=12,
            bbox={"boxstyle": "round", "facecolor": "white", "edgecolor": "#888888"},
        )


def _spans(result: Result) -> Iterator[tuple[Phase, float, float]]:
    ends = [start for _, start in result.phases[1:]] + [result.plan.length]
    for (phase, start), end in zip(result.phases, ends, strict=True):
        yield phase, start, end


def _percent(share: float) -> str:
    """Rounded, but never up to a full hundred or down to nothing."""
    return f"{min(share, 0.99) if share < 1 else 1:.0%}" if share else "0%"
