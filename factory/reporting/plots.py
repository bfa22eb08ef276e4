"""The report's plots, each a function from figures to inline SVG. Nothing is measured here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from factory.contracts.artifact import Precision
from factory.contracts.manifest import Parity, ReliabilityBin
from factory.reporting import plot_style, text
from factory.reporting.comparison import Compared
from factory.reporting.epochs import Epoch
from factory.reporting.golden_errors import Triad, WrongWindow

LABEL_LIMIT = 20
TERMS = (
    ("loss", "total", plot_style.BLUE, "-"),
    ("logits", "logits", plot_style.GREEN, "--"),
    ("stage", "stage", plot_style.ORANGE, "-."),
    ("memory", "memory", plot_style.PURPLE, ":"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One artifact in the trade-off plot; share in [0, 1], microseconds, bytes."""

    name: str
    precision: Precision
    mark: str
    accuracy: float
    median_us: float
    size_bytes: int


def tradeoff(points: Sequence[Point]) -> str:
    """Accuracy over latency, a bubble's area showing the size; larger files lie behind smaller ones."""
    with plot_style.drawing("tradeoff"):
        figure, axes = plot_style.canvas(2.8 + 0.2 * len(points))
        largest = max(point.size_bytes for point in points)
        for point in points:
            depth = 3 - point.size_bytes / largest
            label = (
                f"{point.name}: {text.size(point.size_bytes)}, {text.duration(point.median_us)}, "
                f"{text.percent(point.accuracy)}"
            )
            colour = plot_style.PRECISION_COLOUR[point.precision]
            area = 850 * point.size_bytes / largest
            place = ([point.median_us], [100 * point.accuracy])
            axes.scatter(*place, s=area, color=colour, alpha=0.28, linewidths=0, zorder=depth)
            axes.scatter(*place, s=area, facecolors="none", edgecolors=colour, linewidths=1.3, zorder=depth)
            axes.scatter(*place, s=26, color=colour, marker=point.mark, label=label, zorder=4)
        axes.set_xlabel("median latency, one thread (µs)")
        axes.set_ylabel("accuracy on test (%), area: size")
        _roomy(axes, [p.median_us for p in points], [100 * p.accuracy for p in points])
        axes.grid(visible=True)
        figure.legend(loc="outside lower left", handletextpad=0.4, borderaxespad=0.2)
        return plot_style.svg(
            figure, "tradeoff", "Accuracy against latency; bubble area shows the file size of each artifact"
        )


def _roomy(axes: Axes, xs: Sequence[float], ys: Sequence[float]) -> None:
    """Room for whole bubbles, and at least one percentage point in height: noise must not look like a gap."""
    height = max(max(ys) - min(ys), 1.0)
    middle = (max(ys) + min(ys)) / 2
    width = max(max(xs) - min(xs), 0.1 * max(xs))
    axes.set_ylim(middle - 0.9 * height, middle + 0.9 * height)
    axes.set_xlim(min(xs) - 0.3 * width, max(xs) + 0.3 * width)


def class_bars(series: Mapping[str, tuple[Precision, Mapping[str, float]]], labels: Sequence[str]) -> str:
    """F1 of each class, one bar a series; classes in the order of the logits.

    Args:
        series: Name of an artifact to its precision and its F1 a class.
        labels: The classes to draw, each in every series.
    """
    with plot_style.drawing("classes"):
        figure, axes = plot_style.canvas(0.95 + len(labels) * (0.14 + 0.16 * len(series)))
        width = 0.8 / len(series)
        rows = np.arange(len(labels))
        for index, (name, (precision, scores)) in enumerate(series.items()):
            values = [scores[label] for label in labels]
            places = rows + (index - (len(series) - 1) / 2) * width
            colour = plot_style.PRECISION_COLOUR[precision]
            axes.barh(places, values, height=width * 0.86, color=colour, label=name)
            _write_values(axes, values, places)
        _score_axis(axes, labels)
        axes.set_xlabel("F1")
        figure.legend(loc="outside upper left", ncols=len(series))
        return plot_style.svg(figure, "classes", f"F1 of each class for {' and '.join(series)}")


def subject_bars(scores: Mapping[str, float], worst: str, artifact: str) -> str:
    """Macro-F1 of each test subject, best first; the worst one in its own colour and in words."""
    ordered = sorted(scores, key=lambda subject: (-scores[subject], subject))
    names = [f"{subject} (worst)" if subject == worst else subject for subject in ordered]
    values = [scores[subject] for subject in ordered]
    colours = [plot_style.RED if subject == worst else plot_style.BLUE for subject in ordered]
    with plot_style.drawing("subjects"):
        figure, axes = plot_style.canvas(0.85 + 0.27 * len(ordered))
        rows = np.arange(len(ordered), dtype=np.float64)
        axes.barh(rows, values, height=0.68, color=colours)
        _write_values(axes, values, rows)
        _score_axis(axes, names)
        axes.set_xlabel(f"macro-F1, {artifact}")
        return plot_style.svg(figure, "subjects", f"Macro-F1 of each test subject; the worst is {worst}")


def head_bars(scores: Mapping[str, float], kept: str) -> str:
    """Validation macro-F1 of each candidate head; the one that was kept in its own colour and in words."""
    names = [f"{head} (kept)" if head == kept else head for head in scores]
    colours = [plot_style.GREEN if head == kept else plot_style.BLUE for head in scores]
    with plot_style.drawing("search"):
        figure, axes = plot_style.canvas(0.85 + 0.34 * len(scores))
        rows = np.arange(len(scores), dtype=np.float64)
        axes.barh(rows, list(scores.values()), height=0.66, color=colours)
        _write_values(axes, list(scores.values()), rows)
        _score_axis(axes, names)
        axes.set_xlabel("macro-F1 on validation subjects")
        return plot_style.svg(figure, "search", f"Validation macro-F1 of each head; {kept} was kept")


def _write_values(axes: Axes, values: Sequence[float], places: np.ndarray) -> None:
    for value, place in zip(values, places, strict=True):
        axes.text(value + 0.012, float(place), f"{value:.3f}", va="center", fontsize=8.5)


def _score_axis(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(np.arange(len(names)), [text.shorten(name, LABEL_LIMIT) for name in names])
    axes.set_xlim(0, 1.12)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x")


def loss_curves(rows: Sequence[Epoch], who: str) -> str:
    """Loss of each epoch; for a distilled student with its terms, unweighted. Logarithmic where it spans much."""
    name = f"loss-{who.replace(' ', '-')}"
    with plot_style.drawing(name):
        figure, axes = plot_style.canvas(2.5)
        everything: list[float] = []
        for key, label, colour, line in TERMS:
            drawn = [(row.epoch, value) for row in rows if (value := getattr(row, key)) is not None]
            if drawn:
                epochs, values = zip(*drawn, strict=True)
                mark = "o" if len(drawn) == 1 else ""
                axes.plot(epochs, values, color=colour, linestyle=line, linewidth=1.8, marker=mark, label=label)
                everything += values
        if min(everything) > 0 and max(everything) > 8 * min(everything):
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.yaxis.set_minor_formatter(NullFormatter())
        _epoch_axis(axes, "loss", rows[-1].epoch)
        figure.legend(loc="outside upper left", ncols=len(TERMS))
        return plot_style.svg(figure, name, f"Training loss of the {who} by epoch")


def score_curves(curves: Mapping[str, Sequence[tuple[int, float]]], name: str, what: str) -> str:
    """A score of each epoch, one line a curve: candidates of the head search, or teacher and student."""
    colours = (plot_style.BLUE, plot_style.ORANGE, plot_style.GREEN, plot_style.PURPLE)
    with plot_style.drawing(name):
        figure, axes = plot_style.canvas(2.5)
        for index, (label, points) in enumerate(curves.items()):
            epochs, values = zip(*points, strict=True)
            line, mark = ("-", "--", "-.", ":")[index % 4], "o" if len(points) <= 12 else ""
            axes.plot(epochs, values, line, color=colours[index % 4], marker=mark, markersize=3.5, label=label)
        _epoch_axis(axes, what, max(points[-1][0] for points in curves.values()))
        if len(curves) > 1:
            figure.legend(loc="outside upper left", ncols=len(curves))
        return plot_style.svg(figure, name, f"{what} of {', '.join(curves)} by epoch")


def _epoch_axis(axes: Axes, what: str, last: int) -> None:
    axes.set_xlabel("epoch")
    axes.set_ylabel(what)
    axes.set_xlim(1 - 0.02 * last - 0.1, last + 0.02 * last + 0.1)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    axes.grid(visible=True)


def parity_histograms(parities: Sequence[tuple[str, Precision, Parity]]) -> str:
    """Absolute logit errors of each artifact on the golden pack, one row an artifact, a shared logarithmic axis."""
    with plot_style.drawing("parity"):
        figure = Figure(figsize=(plot_style.WIDTH_IN, 0.65 + 0.8 * len(parities)), layout="constrained")
        rows = figure.subplots(len(parities), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (name, precision, parity) in zip(rows, parities, strict=True):
            counts = np.asarray(parity.histogram_counts, dtype=np.float64)
            peak = max(counts.max(initial=0.0), 1.0)
            axes.stairs(counts / peak, parity.histogram_edges, fill=True, color=plot_style.PRECISION_COLOUR[precision])
            axes.set_title(f"{name}: largest error {text.small(parity.max_abs)}", fontsize=9.5, pad=3)
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            axes.grid(visible=True, axis="x")
        rows[-1].xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
        rows[-1].xaxis.set_major_formatter(FuncFormatter(lambda value, _: text.power_of_ten(value)))
        rows[-1].set_xlabel("absolute error of a logit")
        return plot_style.svg(
            figure, "parity", "Distribution of absolute logit errors of each artifact on the golden pack"
        )


def comparison(rows: Sequence[Compared]) -> str:
    """Macro-F1 of the student beside what it is compared with; a line shows the interval over people."""
    drawn = [row for row in rows if row.macro_f1 is not None]
    with plot_style.drawing("comparison"):
        figure, axes = plot_style.canvas(0.75 + 0.3 * len(drawn))
        for place, row in enumerate(drawn):
            assert row.macro_f1 is not None
            colour = plot_style.BLUE if row.student else plot_style.MUTED
            if row.low is not None and row.high is not None:
                axes.plot([row.low, row.high], [place, place], color=colour, linewidth=2.4, alpha=0.55)
            axes.plot([row.macro_f1], [place], "D" if row.student else "o", color=colour, markersize=7)
            axes.text(1.03, place, f"{row.macro_f1:.3f}", va="center", fontsize=8.5)
        student = next((row.macro_f1 for row in drawn if row.student), None)
        if student is not None:
            axes.axvline(student, color=plot_style.BLUE, linewidth=1, linestyle=":", zorder=0)
        _score_axis(axes, [row.name for row in drawn])
        axes.set_xlim(-0.02, 1.15)
        axes.set_xlabel("macro-F1 on the test subjects")
        return plot_style.svg(
            figure, "comparison", "Macro-F1 of the student beside teacher, baseline, majority class and chance"
        )


def reliability(bins: Sequence[ReliabilityBin]) -> str:
    """How often predictions of a confidence are right, above how many windows have that confidence."""
    with plot_style.drawing("reliability"):
        figure = Figure(figsize=(plot_style.WIDTH_IN, 3.7), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        upper.plot([0, 1], [0, 1], color=plot_style.MUTED, linestyle="--", linewidth=1.2, label="perfect calibration")
        upper.plot(
            [found.confidence for found in bins],
            [found.accuracy for found in bins],
            color=plot_style.BLUE,
            marker="o",
            markersize=5,
            label="measured",
        )
        upper.set_ylabel("share that is right")
        upper.set_ylim(-0.02, 1.04)
        upper.set_xlim(-0.02, 1.02)
        upper.grid(visible=True)
        width = min(found.high - found.low for found in bins)
        middles = [(found.low + found.high) / 2 for found in bins]
        lower.bar(middles, [found.windows for found in bins], width=width * 0.9, color=plot_style.BLUE)
        lower.set_yscale("log")
        lower.yaxis.set_major_locator(LogLocator(numticks=4))
        lower.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        lower.yaxis.set_minor_formatter(NullFormatter())
        lower.set_ylim(bottom=0.8)
        lower.set_ylabel("windows")
        lower.set_xlabel("confidence")
        lower.grid(visible=True, axis="y")
        figure.legend(loc="outside upper left", ncols=2)
        return plot_style.svg(figure, "reliability", "Share of right predictions by confidence, and windows a bin")


def wrong_window(window: WrongWindow, triads: Sequence[Triad], rate_hz: float, name: str) -> str:
    """One window's acceleration and angular rate over time, a row a sensor, a line an axis."""
    times = np.arange(window.x.shape[1]) / rate_hz
    lines = ((plot_style.BLUE, "-"), (plot_style.ORANGE, "--"), (plot_style.GREEN, "-."))
    with plot_style.drawing(name):
        figure = Figure(figsize=(plot_style.WIDTH_IN, 0.6 + 1.25 * len(triads)), layout="constrained")
        rows = figure.subplots(len(triads), 1, sharex=True, squeeze=False)[:, 0]
        for axes, triad in zip(rows, triads, strict=True):
            for (place, axis), (colour, line) in zip(triad.channels, lines, strict=False):
                axes.plot(times, window.x[place], color=colour, linestyle=line, linewidth=1.3, label=axis)
            axes.set_title(triad.title, fontsize=9.5, pad=3)
            axes.set_ylabel(text.unit(triad.unit))
            axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
            axes.grid(visible=True)
        rows[-1].set_xlabel("time (s)")
        rows[-1].set_xlim(0, times[-1])
        handles, labels = rows[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), fontsize=8.5)
        title = f"A window of {window.truth} that was answered {window.answer}"
        return plot_style.svg(figure, name, title)
