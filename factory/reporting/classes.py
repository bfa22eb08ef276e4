"""A model class by class: its confusion matrix, precision and recall, and how the classes are balanced."""

from dataclasses import dataclass

from factory.contracts.errors import ArtifactError
from factory.contracts.manifest import Accuracy, DataSummary
from factory.reporting.view import Measured

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One count of a confusion matrix; `heat` in 0..10 is its share of the row, in tenths."""

    count: int
    heat: int
    right: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Confusion:
    """A confusion matrix of one artifact: (truth, cells) rows, and its largest errors as (truth, guess, count)."""

    name: str
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    worst: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassRow:
    """One class on the test split; shares in [0, 1], None where nothing could be divided."""

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """Windows of one class in one part, and their share of the part."""

    windows: int
    share: float


def confusion(item: Measured, accuracy: Accuracy, labels: tuple[str, ...]) -> Confusion:
    """A confusion matrix as cells.

    Raises:
        ArtifactError: The matrix does not fit the labels.
    """
    if len(accuracy.confusion) != len(labels) or any(len(row) != len(labels) for row in accuracy.confusion):
        raise ArtifactError(
            f"manifest: confusion matrix of {item.artifact.path} is not {len(labels)} x {len(labels)} as the "
            "contract's labels ask: build again"
        )
    rows = []
    for truth, counts in enumerate(accuracy.confusion):
        total = max(sum(counts), 1)
        cells = tuple(
            Cell(count=count, heat=_heat(count / total), right=truth == guess) for guess, count in enumerate(counts)
        )
        rows.append((labels[truth], cells))
    return Confusion(name=item.name, rows=tuple(rows), worst=_worst(accuracy.confusion, labels))


def _worst(matrix: tuple[tuple[int, ...], ...], labels: tuple[str, ...]) -> tuple[tuple[str, str, int], ...]:
    pairs = [
        (labels[truth], labels[guess], count)
        for truth, counts in enumerate(matrix)
        for guess, count in enumerate(counts)
        if truth != guess and count
    ]
    return tuple(sorted(pairs, key=lambda pair: -pair[2])[:5])


def _heat(share: float) -> int:
    """Tenths, but never 0 for a cell that holds something: a single confusion must be visible."""
    return max(round(share * 10), 1) if share > 0 else 0


def class_rows(accuracy: Accuracy, labels: tuple[str, ...]) -> tuple[ClassRow, ...]:
    """Precision, recall, F1 and support of each class, from the confusion matrix.

    A class without a test window has neither recall nor F1; one that is never answered has no precision.
    """
    predicted = [sum(column) for column in zip(*accuracy.confusion, strict=True)]
    rows = []
    for place, label in enumerate(labels):
        support, hits = sum(accuracy.confusion[place]), accuracy.confusion[place][place]
        rows.append(
            ClassRow(
                label=label,
                precision=hits / predicted[place] if predicted[place] else None,
                recall=hits / support if support else None,
                f1=2 * hits / (support + predicted[place]) if support else None,
                support=support,
            )
        )
    return tuple(rows)


def balance(data: DataSummary, labels: tuple[str, ...]) -> list[tuple[str, tuple[Share, ...]]]:
    """Windows of each class in each part; empty where the manifest does not hold them."""
    if not data.classes:
        return []
    totals = {part: max(sum(data.classes.get(part, {}).values()), 1) for part in PARTS}
    return [(label, tuple(_share(data, part, label, totals[part]) for part in PARTS)) for label in labels]


def _share(data: DataSummary, part: str, label: str, total: int) -> Share:
    windows = data.classes.get(part, {}).get(label, 0)
    return Share(windows=windows, share=windows / total)
