"""What a bench found: Markdown tables for documents, and the critical-difference picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from factory.contracts.bench_result import BenchSummary, Difference, MethodSummary
from factory.contracts.files import atomic_write
from factory.reporting import plot_style

_LEAST_BLOCKS = 3
_INCH_A_METHOD = 0.22


def tables(summary: BenchSummary) -> str:
    """One table a data set, one of ranks, one of stresses where there were any; Markdown, without a heading."""
    data = dict.fromkeys(method.data for method in summary.methods)
    parts = [_table(name, [m for m in summary.methods if m.data == name], summary) for name in data]
    if summary.ranks:
        parts.append(_ranks(summary))
    parts += [text for name in data if (text := _stress([m for m in summary.methods if m.data == name]))]
    return "\n\n".join([_head(summary), *parts, _foot(summary)])


def rank_picture(blocks: Mapping[str, Sequence[float]], summary: BenchSummary, out_png: Path) -> bool:
    """Draw average ranks, and join those that a Nemenyi test does not tell apart; whether it could be drawn.

    Needs scikit-posthocs (extra `bench`), three methods and three blocks.

    Raises:
        StorageError: The disk is full or not writable.
    """
    if len(blocks) < _LEAST_BLOCKS or summary.blocks < _LEAST_BLOCKS:
        return False
    try:
        import scikit_posthocs
    except ModuleNotFoundError:
        return False
    import pandas as pd

    with plot_style.drawing("bench"), atomic_write(out_png) as temporary:
        figure, axes = plot_style.canvas(1.2 + _INCH_A_METHOD * len(blocks))
        scores = pd.DataFrame(blocks)
        apart = scikit_posthocs.posthoc_nemenyi_friedman(scores)
        apart.index = apart.columns = scores.columns
        scikit_posthocs.critical_difference_diagram(summary.ranks, apart, ax=axes)
        with temporary.open("wb") as handle:
            figure.savefig(handle, format="png", dpi=200, facecolor="white", metadata={"Software": None})
    return True


def _head(summary: BenchSummary) -> str:
    of = f" of {summary.expected}" if summary.expected else ""
    unfinished = ": *not finished*" if summary.expected > summary.done else ""
    return f"{summary.name}, {summary.done}{of} cells{unfinished}. Control: {summary.control}."


def _table(data: str, methods: Sequence[MethodSummary], summary: BenchSummary) -> str:
    """Columns that are empty for all methods are left out."""
    mixed = any(method.mixed_p is not None for method in methods)
    lead = any(method.lead_pp is not None for method in methods)
    tuned = any(method.tuning_cpu_s for method in methods)
    sizes = len({method.parameters for method in methods if method.parameters}) > 1
    head = [data, "cells", "macro-F1", "by fold, pp", "p", "by person, pp", "p", "better"]
    head += ["p, mixed"] * mixed + ["worst person"] + ["lead, pp"] * lead + ["parameters", "MACs"] * sizes
    head += ["CPU s", "teacher"] + ["tuning"] * tuned
    lines = [_line(head), "|" + "---|" * len(head)]
    for method in methods:
        cells = [method.method, str(method.cells), _spread(method)]
        cells += [*_difference(method.by_fold), *_difference(method.by_person), _better(method.by_person)]
        cells += [_p(method.mixed_p)] * mixed + [f"{method.worst_macro_f1:.3f} ({method.worst_person})"]
        cells += [_lead(method)] * lead + [f"{method.parameters or ''}", f"{method.macs or ''}"] * sizes
        cells += [f"{method.cpu_s:.0f}", f"{method.teacher_cpu_s:.0f}"] + [f"{method.tuning_cpu_s:.0f}"] * tuned
        lines.append(_line(cells))
    return "\n".join(lines)


def _ranks(summary: BenchSummary) -> str:
    ordered = sorted(summary.ranks.items(), key=lambda item: item[1])
    lines = [_line(["method", f"average rank over {summary.blocks} folds"]), "|---|---|"]
    return "\n".join([*lines, *(_line([name, f"{rank:.2f}"]) for name, rank in ordered)])


def _stress(methods: Sequence[MethodSummary]) -> str:
    names = list(dict.fromkeys(name for method in methods for name in method.stress))
    if not names:
        return ""
    lines = [_line([f"{methods[0].data} under stress", "as recorded", *names]), "|" + "---|" * (len(names) + 2)]
    for method in methods:
        figures = [f"{method.stress[name]:.3f}" if name in method.stress else "" for name in names]
        lines.append(_line([method.method, f"{method.macro_f1:.3f}", *figures]))
    return "\n".join(lines)


def _foot(summary: BenchSummary) -> str:
    friedman = f" Friedman's test that all rank alike: p = {_p(summary.friedman_p)}." * (summary.friedman_p is not None)
    codes = f" *{summary.codes} versions of the code trained these cells.*" * (summary.codes > 1)
    return (
        "macro-F1: mean over folds, and deviation over them. Differences to the control are paired, seeds averaged "
        "first; in brackets 95 % by Student's t; p of a sign-flip test; better: people. CPU seconds a cell, the "
        f"teacher's once for all cells that share it.{friedman}{codes}"
    )


def _spread(method: MethodSummary) -> str:
    return f"{method.macro_f1:.3f}" + (f" ± {method.deviation:.3f}" if method.deviation is not None else "")


def _difference(found: Difference | None) -> tuple[str, str]:
    if found is None:
        return "", ""
    interval = f" [{found.low_pp:+.1f}, {found.high_pp:+.1f}]" if found.low_pp is not None else ""
    return f"{found.mean_pp:+.1f}{interval}", _p(found.p)


def _better(found: Difference | None) -> str:
    return f"{found.better} of {found.count}" if found is not None else ""


def _lead(method: MethodSummary) -> str:
    if method.lead_pp is None:
        return ""
    return f"{method.lead_pp:+.1f}" + (f", {method.distilled:.0%} distilled" if method.distilled < 1 else "")


def _p(p: float | None) -> str:
    if p is None:
        return ""
    return "< .001" if p < 0.001 else f"{p:.3f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
