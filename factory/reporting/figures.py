"""Which plots a build has: those whose figures were measured. A plot without figures is None."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from factory.contracts.artifact import Precision
from factory.contracts.errors import ArtifactError
from factory.contracts.manifest import Accuracy, Manifest, Training
from factory.reporting import plot_style, plots, view
from factory.reporting.comparison import compare
from factory.reporting.epochs import Epoch, read_epochs


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """Inline SVG, or None where the build holds no such figures."""

    comparison: str | None
    tradeoff: str | None
    classes: str | None
    subjects: str | None
    reliability: str | None
    teacher_loss: str | None
    student_loss: str | None
    search_loss: str | None
    search: str | None
    train_accuracy: str | None
    parity: str | None


def draw(build: Path, manifest: Manifest) -> Figures:
    """Every plot of a build.

    Raises:
        ArtifactError: A history or a figure of the manifest contradicts itself.
    """
    items, compared = view.measured(manifest), compare(manifest)
    teacher = read_epochs(build / "teacher" / "epochs.jsonl")
    student = read_epochs(build / "student" / "epochs.jsonl")
    everything = (*teacher, *student)
    return Figures(
        comparison=plots.comparison(compared) if compared else None,
        tradeoff=_tradeoff(items),
        classes=_classes(view.with_accuracy(items), manifest.contract.labels),
        subjects=_subjects(view.with_accuracy(items)),
        reliability=_reliability(view.with_accuracy(items)),
        teacher_loss=_loss([row for row in everything if row.phase == "teacher"], "teacher"),
        student_loss=_loss([row for row in everything if row.phase == "student"], "student"),
        search_loss=_loss([row for row in everything if row.phase == "search"], "head search"),
        search=_search(everything, manifest.training),
        train_accuracy=_train_accuracy(everything),
        parity=_parity(items),
    )


def _tradeoff(items: Sequence[view.Measured]) -> str | None:
    """A mark a precision, or where there are several targets, a mark a target."""
    targets = list(dict.fromkeys(item.artifact.target for item in items))
    marks = list(plot_style.PRECISION_MARK.values())
    points = [
        plots.Point(
            name=item.name,
            precision=item.precision,
            mark=marks[targets.index(item.artifact.target) % len(marks)]
            if len(targets) > 1
            else plot_style.PRECISION_MARK[item.precision],
            accuracy=found.accuracy.accuracy,
            median_us=found.latency.median_us,
            size_bytes=item.artifact.size_bytes,
        )
        for item in items
        if (found := item.verification) and found.accuracy and found.latency
    ]
    return plots.tradeoff(points) if points else None


def _classes(known: list[tuple[view.Measured, Accuracy]], labels: Sequence[str]) -> str | None:
    """The shipped artifact beside its target's float one; more bars than two a class are hard to read."""
    target = known[0][0].artifact.target if known else ""
    single = [p for p in known[1:] if p[0].precision is Precision.FP32 and p[0].artifact.target == target]
    chosen = known[:1] + single[:1]
    series: dict[str, tuple[Precision, Mapping[str, float]]] = {
        item.name: (item.precision, accuracy.per_class_f1) for item, accuracy in reversed(chosen)
    }
    drawn = [label for label in labels if all(label in scores for _, scores in series.values())]
    return plots.class_bars(series, drawn) if series and drawn else None


def _subjects(known: Sequence[tuple[view.Measured, Accuracy]]) -> str | None:
    if not known or not known[0][1].per_subject_f1:
        return None
    item, accuracy = known[0]
    return plots.subject_bars(accuracy.per_subject_f1, accuracy.worst_subject, item.name)


def _reliability(known: Sequence[tuple[view.Measured, Accuracy]]) -> str | None:
    return plots.reliability(known[0][1].reliability) if known and known[0][1].reliability else None


def _loss(rows: Sequence[Epoch], who: str) -> str | None:
    return plots.loss_curves(rows, who) if rows else None


def _search(rows: Sequence[Epoch], training: Training) -> str | None:
    """Curves where several epochs were judged, bars of the final judgement where only that was made."""
    curves: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        if row.phase == "search" and row.validation_macro_f1 is not None:
            found = row.validation_macro_f1
            for name, value in (found if isinstance(found, dict) else {"macro-F1": found}).items():
                curves.setdefault(name, []).append((row.epoch, value))
    if any(len(points) > 1 for points in curves.values()):
        return plots.score_curves(curves, "search", "validation macro-F1")
    return plots.head_bars(training.head_search, training.head) if training.head_search else None


def _train_accuracy(rows: Sequence[Epoch]) -> str | None:
    curves = {
        phase: [
            (row.epoch, row.train_accuracy) for row in rows if row.phase == phase and row.train_accuracy is not None
        ]
        for phase in ("teacher", "student")
    }
    drawn = {phase: points for phase, points in curves.items() if points}
    return plots.score_curves(drawn, "train-accuracy", "accuracy") if drawn else None


def _parity(items: Sequence[view.Measured]) -> str | None:
    drawn = []
    for item in items:
        if item.verification and item.verification.parity.histogram_counts:
            parity = item.verification.parity
            if len(parity.histogram_edges) != len(parity.histogram_counts) + 1:
                raise ArtifactError(
                    f"manifest: parity histogram of {item.artifact.path} has {len(parity.histogram_edges)} edges for "
                    f"{len(parity.histogram_counts)} counts, expected one more: verify the build again"
                )
            drawn.append((item.name, item.precision, parity))
    return plots.parity_histograms(drawn) if drawn else None
