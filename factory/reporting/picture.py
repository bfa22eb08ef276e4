"""One picture of one or several builds for a README: size, latency and accuracy, and a confusion matrix."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from factory.contracts.artifact import Precision
from factory.contracts.errors import ArtifactError
from factory.contracts.files import atomic_write
from factory.contracts.manifest import Accuracy, Manifest
from factory.reporting import plot_style, text, view

LABEL_LIMIT = 18
COMPARED_LINES: dict[str, Literal["--", ":"]] = {"baseline": "--", "majority class": ":"}
Figures = Callable[[view.Measured], float | None]


def summary_picture(manifests: Sequence[Manifest], out_png: Path) -> None:
    """Draw every precision of every build beside baseline and majority class, and the first build's confusion matrix.

    Args:
        manifests: One or more builds; the first is shown in detail.
        out_png: The picture, about 1800 pixels wide; the same manifests give the same bytes.

    Raises:
        ArtifactError: No build, or the first has no measured accuracy.
        StorageError: The disk is full or not writable.
    """
    known = view.with_accuracy(view.measured(manifests[0])) if manifests else []
    if not known:
        raise ArtifactError("a picture needs a build whose accuracy was measured: run factory build or factory verify")
    with plot_style.drawing("summary"), atomic_write(out_png) as temporary:
        figure = _compose(manifests, *known[0])
        with temporary.open("wb") as handle:
            figure.savefig(handle, format="png", dpi=150, facecolor="white", metadata={"Software": None})


def _compose(manifests: Sequence[Manifest], item: view.Measured, accuracy: Accuracy) -> Figure:
    labels = manifests[0].contract.labels
    side = max(4.2, 0.42 * len(labels) + 1.6)
    figure = Figure(figsize=(12.4, max(side, 1.6 + 1.05 * len(manifests))), layout="constrained")
    bars, matrix = figure.subfigures(1, 2, width_ratios=(1.5, 1), wspace=0.03, squeeze=False)[0]
    panels = bars.subplots(1, 3, sharey=True)
    _bars(panels[0], manifests, "file size (kB)", lambda found: found.artifact.size_bytes / 1e3)
    _bars(panels[1], manifests, "median latency (µs)", _median_us)
    _bars(panels[2], manifests, "test accuracy (%)", _accuracy_percent)
    for row, manifest in enumerate(manifests):
        _compared(panels[2], manifest, row)
    used = [p for p in Precision if any(p is item.precision for m in manifests for item in view.measured(m))]
    handles: list[Artist] = [
        Patch(color=plot_style.PRECISION_COLOUR[precision], label=str(precision)) for precision in used
    ]
    if any(manifest.baseline for manifest in manifests):
        handles += [
            Line2D([], [], color=plot_style.TEXT, linestyle=line, label=name) for name, line in COMPARED_LINES.items()
        ]
    bars.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    _matrix(matrix.subplots(), accuracy, labels)
    matrix.suptitle(f"{manifests[0].name}, {item.name}: {text.percent(accuracy.accuracy)} accuracy", fontsize=10.5)
    return figure


def _bars(axes: Axes, manifests: Sequence[Manifest], what: str, figure_of: Figures) -> None:
    for row, manifest in enumerate(manifests):
        items = view.measured(manifest)
        height = 0.84 / max(len(items), 1)
        for index, item in enumerate(items):
            place = row + (index - (len(items) - 1) / 2) * height
            value = figure_of(item)
            if value is None:
                axes.text(0, place, " not available", va="center", fontsize=8.5, color=plot_style.MUTED)
                continue
            axes.barh(place, value, height=height * 0.86, color=plot_style.PRECISION_COLOUR[item.precision])
            axes.text(value, place, f" {value:.1f}", va="center", fontsize=8.5)
    axes.set_yticks(range(len(manifests)), [text.shorten(manifest.name, LABEL_LIMIT) for manifest in manifests])
    axes.set_ylim(len(manifests) - 0.45, -0.55)
    axes.set_xlim(0, axes.get_xlim()[1] * 1.2)
    axes.set_xlabel(what)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x")


def _compared(axes: Axes, manifest: Manifest, row: int) -> None:
    """Lines across one build's bars: what its student must be better than."""
    if manifest.baseline:
        values = (manifest.baseline.accuracy.accuracy, manifest.baseline.majority.accuracy)
        for value, line in zip(values, COMPARED_LINES.values(), strict=True):
            axes.vlines(100 * value, row - 0.47, row + 0.47, color=plot_style.TEXT, linestyle=line, linewidth=1.6)


def _median_us(item: view.Measured) -> float | None:
    return item.verification.latency.median_us if item.verification and item.verification.latency else None


def _accuracy_percent(item: view.Measured) -> float | None:
    return 100 * item.verification.accuracy.accuracy if item.verification and item.verification.accuracy else None


def _matrix(axes: Axes, accuracy: Accuracy, labels: Sequence[str]) -> None:
    counts = np.asarray(accuracy.confusion, dtype=np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [text.shorten(label, LABEL_LIMIT) for label in labels]
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0, labelsize=8.5)
    axes.spines[:].set_visible(False)
    for (truth, guess), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[truth, guess] > 0.55 else plot_style.TEXT
            axes.text(guess, truth, f"{count:.0f}", ha="center", va="center", fontsize=8, color=colour)
    axes.set_xlabel("prediction")
    axes.set_ylabel("truth")
