"""Accuracy against instructions, one mark a network and recipe."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from factory.contracts.files import atomic_write
from factory.reporting import plot_style
from tests.benchmarks.peers.networks import STUDENT
from tests.benchmarks.peers.results import CORES, PeerResults, PeerRow


def draw(results: PeerResults, path: Path) -> None:
    """Write a PNG, a panel a recipe; the same results give the same bytes."""
    recipes = list(dict.fromkeys(row.recipe for row in results.rows))
    with plot_style.drawing("peers"), atomic_write(path) as temporary:
        figure = Figure(figsize=(5.6 * len(recipes), 3.6), layout="constrained")
        for axes, recipe in zip(figure.subplots(1, len(recipes), squeeze=False)[0], recipes, strict=True):
            rows = [row for row in results.rows if row.recipe == recipe]
            axes.set_title(f"{recipe}, {rows[0].epochs} epochs of cross-entropy")
            _panel(axes, rows)
        with temporary.open("wb") as handle:
            figure.savefig(handle, format="png", dpi=150, facecolor="white", metadata={"Software": None})


def _panel(axes: object, rows: Sequence[PeerRow]) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    for row in rows:
        ours = row.network == STUDENT
        place = (row.cheapest.instructions[CORES[0]], row.cheapest.macro_f1)
        axes.scatter(*place, s=60, color=plot_style.RED if ours else plot_style.BLUE, marker="D" if ours else "o")
        name = "our student" if ours else row.network
        axes.annotate(name, place, xytext=(8, -4), textcoords="offset points")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    axes.margins(x=0.3, y=0.2)
    axes.grid(visible=True)
    axes.set_xlabel(f"instructions of one inference, {CORES[0]}")
    axes.set_ylabel("macro-F1, test subjects")
