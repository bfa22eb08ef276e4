"""The student beside what it must be compared with: chance, the majority class, trees, its teacher."""

from dataclasses import dataclass

from factory.contracts.manifest import Accuracy, Manifest
from factory.reporting import view


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """One row; figures are shares in [0, 1], all None where it was not measured, which `note` explains."""

    name: str
    note: str
    accuracy: float | None = None
    macro_f1: float | None = None
    low: float | None = None
    high: float | None = None
    student: bool = False


def compare(manifest: Manifest) -> tuple[Compared, ...]:
    """The student first, then what it is compared with from strong to weak; empty without a measured student."""
    known = view.with_accuracy(view.measured(manifest))
    if not known:
        return ()
    item, student = known[0]
    training, baseline = manifest.training, manifest.baseline
    unknown = "not measured in this build"
    return (
        _row("Student", f"{item.name}, as shipped", student, student=True),
        _row("Teacher", "what the student was distilled from", training.teacher),
        _row("Cross-entropy control", "the same student without a teacher", training.cross_entropy)
        if training.cross_entropy
        else Compared(name="Cross-entropy control", note="not measured: factory benchmark trains it"),
        _row("Baseline", view.baseline_name(baseline), baseline.accuracy)
        if baseline
        else Compared(name="Baseline", note=unknown),
        _row("Majority class", "always the commonest class of training", baseline.majority)
        if baseline
        else Compared(name="Majority class", note=unknown),
        _chance(student),
    )


def _row(name: str, note: str, accuracy: Accuracy, *, student: bool = False) -> Compared:
    return Compared(
        name=name,
        note=note,
        accuracy=accuracy.accuracy,
        macro_f1=accuracy.macro_f1,
        low=accuracy.macro_f1_low,
        high=accuracy.macro_f1_high,
        student=student,
    )


def _chance(student: Accuracy) -> Compared:
    """Uniform guessing: a class of share p has precision p and recall 1 / K, so F1 is 2 p / (K p + 1)."""
    support = [sum(row) for row in student.confusion]
    classes, windows = len(support), max(sum(support), 1)
    scores = [2 * count / (classes * count + windows) for count in support if count]
    return Compared(
        name="Chance",
        note=f"a uniform guess among {classes} classes",
        accuracy=1 / classes,
        macro_f1=sum(scores) / max(len(scores), 1),
    )
