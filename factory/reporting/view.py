"""A manifest as the report shows it: rows of ready text. Figures are looked up, never computed anew."""

from dataclasses import dataclass
from typing import Literal

from factory.contracts.artifact import Artifact, Precision
from factory.contracts.errors import ArtifactError
from factory.contracts.manifest import Accuracy, Check, Manifest, Outcome, Verification
from factory.reporting import text

MISSING = "not available"


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """An artifact, what it is called in the report, and what was measured of it."""

    name: str
    precision: Precision
    artifact: Artifact
    verification: Verification | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The banner: what failed comes first, then what could not run."""

    level: Literal["passed", "failed", "unverified"]
    headline: str
    failed: tuple[Check, ...]
    not_run: tuple[Check, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tile:
    """One large figure with what it means."""

    label: str
    value: str
    note: str = ""


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


def measured(manifest: Manifest) -> tuple[Measured, ...]:
    """Artifacts in the manifest's order, each with its verification where there is one."""
    found = {verification.subject: verification for verification in manifest.verifications}
    several = len({artifact.target for artifact in manifest.artifacts}) > 1
    return tuple(
        Measured(
            name=_name(artifact, several),
            precision=artifact.precision,
            artifact=artifact,
            verification=found.get(artifact.path),
        )
        for artifact in manifest.artifacts
    )


def _name(artifact: Artifact, several: bool) -> str:
    parts = (artifact.target if several else "", artifact.precision, artifact.variant)
    return " ".join(part for part in parts if part)


def shipped(items: tuple[Measured, ...]) -> Measured | None:
    """The artifact the headline speaks of: the first target's int8_static, or else the last that was verified."""
    return next(iter(shipped_each(items)), None)


def shipped_each(items: tuple[Measured, ...]) -> tuple[Measured, ...]:
    """One artifact a target, in the manifest's order: its plain int8_static, or else the last that was verified."""
    by_target: dict[str, list[Measured]] = {}
    for item in items:
        if item.verification:
            by_target.setdefault(item.artifact.target, []).append(item)
    chosen = []
    for own in by_target.values():
        static = [i for i in own if i.precision is Precision.INT8_STATIC and not i.artifact.variant]
        chosen.append((static or own[-1:])[0])
    return tuple(chosen)


def with_accuracy(items: tuple[Measured, ...]) -> list[tuple[Measured, Accuracy]]:
    """Those whose accuracy was measured, the shipped one first."""
    first = shipped(items)
    ordered = sorted(items, key=lambda item: item is not first)
    return [(i, i.verification.accuracy) for i in ordered if i.verification and i.verification.accuracy]


def verdict(manifest: Manifest) -> Verdict:
    """What the gates say. A build without a single passed gate is unverified, not passed."""
    by_outcome = {o: tuple(check for check in manifest.checks if check.outcome is o) for o in Outcome}
    failed, not_run, passed = (by_outcome[o] for o in (Outcome.FAILED, Outcome.NOT_RUN, Outcome.PASSED))
    level: Literal["passed", "failed", "unverified"]
    if failed:
        level, headline = "failed", f"{len(failed)} of {_gates(len(manifest.checks))} failed"
    elif passed:
        level, headline = "passed", f"All {_gates(len(passed))} that ran passed" if not_run else "All gates passed"
    else:
        level, headline = "unverified", "No gate was checked"
    return Verdict(level=level, headline=headline, failed=failed, not_run=not_run)


def _gates(number: int) -> str:
    return f"{number} gate" if number == 1 else f"{number} gates"


def gate_of(manifest: Manifest, item: Measured) -> tuple[Outcome | None, str]:
    """The worst outcome over an artifact's gates, in words; None where it has none."""
    kind = (item.artifact.target, item.precision, item.artifact.variant)
    mine = [check for check in manifest.checks if (check.target, check.precision, check.variant) == kind]
    for outcome, words in ((Outcome.FAILED, "failed"), (Outcome.NOT_RUN, "not run")):
        if number := sum(check.outcome is outcome for check in mine):
            return outcome, f"{number} {words}"
    return (Outcome.PASSED, "passed") if mine else (None, "no gate")


def tiles(item: Measured) -> list[Tile]:
    """The headline figures of an artifact that was verified."""
    found = item.verification
    assert found is not None
    result = []
    if accuracy := found.accuracy:
        lowest = accuracy.per_subject_f1.get(accuracy.worst_subject)
        worst = f"worst subject {accuracy.worst_subject}: {lowest:.3f}" if lowest is not None else ""
        result.append(
            Tile(label="Accuracy", value=text.percent(accuracy.accuracy), note=f"{accuracy.windows:,} windows")
        )
        result.append(Tile(label="Macro-F1", value=f"{accuracy.macro_f1:.3f}", note=worst))
    result.append(Tile(label="File size", value=text.size(item.artifact.size_bytes), note=item.name))
    if found.latency:
        result.append(
            Tile(
                label="Latency, median",
                value=text.duration(found.latency.median_us),
                note=f"one thread, {found.runner}",
            )
        )
    agreement = f"{found.parity.flips} of {found.parity.windows} windows differ from the reference"
    result.append(Tile(label="Agreement", value=text.percent(found.parity.top1_agreement), note=agreement))
    return result


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
