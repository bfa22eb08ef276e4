"""What a search found: a picture of macro-F1 against cost, and a student's layout in one line."""

from pathlib import Path
from typing import cast

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from factory.contracts.files import atomic_write
from factory.contracts.recipe import BackboneRecipe, Core
from factory.contracts.search import Bounds, Candidate, SearchResult
from factory.reporting import plot_style

_HEIGHT_IN = 3.2
_NAMES = {"macs": "multiply-accumulates", "kb": "int8_static file (kB)"}


def pareto_picture(result: SearchResult, out_png: Path) -> None:
    """Draw every candidate, the Pareto front, the bound, the winner and the recipe's own student.

    Raises:
        StorageError: The disk is full or not writable.
    """
    with plot_style.drawing("search"), atomic_write(out_png) as temporary:
        figure, axes = plot_style.canvas(_HEIGHT_IN)
        _draw(axes, result)
        with temporary.open("wb") as handle:
            figure.savefig(handle, format="png", dpi=200, facecolor="white", metadata={"Software": None})


def cost_name(objective: str) -> str:
    """An objective in words."""
    return _NAMES.get(objective, f"predicted instructions on {objective}")


def bound_of(bounds: Bounds, objective: str) -> float | None:
    """What a cost may be at most; None where it is not bounded."""
    others = {"macs": bounds.max_macs, "kb": bounds.max_kb}
    return others[objective] if objective in others else bounds.max_instructions.get(cast(Core, objective))


def layout_text(student: BackboneRecipe) -> str:
    """For example 'plain; 16 k9 /4; 32 k5 /2, 64 k5 /2, 2 x 64 k3; 96': stem, stages, features."""
    expands = student.block == "inverted_residual"
    stages = (
        (f"{stage.blocks} x " if stage.blocks > 1 else "")
        + f"{stage.width} k{stage.kernel}"
        + (f" e{stage.expansion}" if expands else "")
        + (f" /{stage.stride}" if stage.stride > 1 else "")
        for stage in student.stages
    )
    stem = f"{student.stem} k{student.stem_kernel} /{student.stem_stride}"
    return f"{student.block}; {stem}; {', '.join(stages)}; {student.features}"


def _draw(axes: Axes, result: SearchResult) -> None:
    front = [result.candidate(number) for number in result.pareto]
    winner, own = result.candidate(result.winner), result.candidate(0)

    def place(candidates: list[Candidate]) -> tuple[list[float], list[float]]:
        return [c.cost.figure(result.objective) for c in candidates], [c.macro_f1 for c in candidates]

    axes.scatter(*place(list(result.candidates[1:])), s=14, color=plot_style.MUTED, label="student")
    axes.step(*place(front), where="post", color=plot_style.BLUE, label="Pareto front")
    axes.scatter(*place([own]), s=42, marker="s", color=plot_style.ORANGE, label="the recipe's own")
    axes.scatter(*place([winner]), s=64, marker="*", color=plot_style.RED, label="winner", zorder=3)
    bound = bound_of(result.plan.bounds, result.objective)
    if bound is not None:
        axes.axvline(bound, color=plot_style.TEXT, linestyle=":", label="bound")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(cost_name(result.objective))
    axes.set_ylabel("validation macro-F1")
    axes.grid(visible=True)
    axes.legend(loc="lower right")
