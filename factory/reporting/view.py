"""A manifest as the report shows it: rows of ready text, and the verdict with its rules."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from factory.contracts.artifact import Artifact, Precision
from factory.contracts.manifest import Accuracy, Baseline, Check, Manifest, OnDevice, Outcome, Verification
from factory.reporting import text

MISSING = "not available"
TEACHER_LEAD_PP = 5.0
"""A distilled student may lose this much of its teacher's accuracy or macro-F1 before the verdict turns amber."""
NOT_RUN_SHARE = 0.25
"""Of all gates: from here on too little was seen of the device to call the build passed."""

Level = Literal["passed", "doubtful", "failed", "unverified"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """An artifact, what it is called in the report, and what was measured of it."""

    name: str
    precision: Precision
    artifact: Artifact
    verification: Verification | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The banner: what failed comes first, then what speaks against the model, then what could not run."""

    level: Level
    headline: str
    failed: tuple[Check, ...]
    doubts: tuple[str, ...]
    not_run: tuple[Check, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tile:
    """One large figure with what it means."""

    label: str
    value: str
    note: str = ""


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


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceRow:
    """One artifact on one device, as the report shows it."""

    name: str
    device: str
    seen: OnDevice
    differing: int


def device_rows(manifest: Manifest) -> tuple[DeviceRow, ...]:
    """Artifacts in the manifest's order, each with every device that answered it."""
    names = {item.artifact.path: item.name for item in measured(manifest)}
    return tuple(
        DeviceRow(
            name=name,
            device=run.device,
            seen=seen,
            differing=round((1 - seen.difference.equal) * seen.difference.windows),
        )
        for path, name in names.items()
        for run in manifest.devices
        for seen in run.artifacts
        if seen.subject == path
    )


def _name(artifact: Artifact, several: bool) -> str:
    parts = (artifact.target if several else "", artifact.precision, artifact.variant)
    return " ".join(part for part in parts if part)


def shipped(items: tuple[Measured, ...]) -> Measured | None:
    """The artifact the headline speaks of: of those to ship the one with the lowest macro-F1, on a tie the first."""
    return min(shipped_each(items), key=_macro_f1, default=None)


def _macro_f1(item: Measured) -> float:
    found = item.verification and item.verification.accuracy
    return found.macro_f1 if found else 1.0


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
    """What the gates say, and what `doubts` adds. A build without a single passed gate is unverified, not passed."""
    by_outcome = {o: tuple(check for check in manifest.checks if check.outcome is o) for o in Outcome}
    failed, not_run, passed = (by_outcome[o] for o in (Outcome.FAILED, Outcome.NOT_RUN, Outcome.PASSED))
    found = doubts(manifest)
    level: Level
    if failed:
        level, headline = "failed", f"{len(failed)} of {_gates(len(manifest.checks))} failed"
    elif passed:
        level, headline = "passed", f"All {_gates(len(passed))} that ran passed" if not_run else "All gates passed"
        if found:
            against = "1 finding speaks" if len(found) == 1 else f"{len(found)} findings speak"
            level, headline = "doubtful", f"{headline}, but {against} against shipping"
    else:
        level, headline = "unverified", "No gate was checked"
    return Verdict(level=level, headline=headline, failed=failed, doubts=found, not_run=not_run)


def doubts(manifest: Manifest) -> tuple[str, ...]:
    """What speaks against shipping although no gate failed, a sentence each.

    The rules, for the artifact of `shipped`:

    1. its accuracy was not measured;
    2. a class with test windows, none of which is recognised;
    3. accuracy or macro-F1 below that of the majority class or of the baseline;
    4. an interval of macro-F1 over people that reaches down to the macro-F1 of one of these two;
    5. more than TEACHER_LEAD_PP percentage points of accuracy or macro-F1 below the teacher;
    6. NOT_RUN_SHARE or more of all gates not run.
    """
    found: list[str] = []
    known = with_accuracy(measured(manifest))
    if known:
        student = known[0][1]
        found += _unrecognised(student, manifest.contract.labels)
        if manifest.baseline:
            found += _not_above(student, "always answering the commonest class", manifest.baseline.majority)
            found += _not_above(student, baseline_name(manifest.baseline), manifest.baseline.accuracy)
        found += _far_below(student, manifest.training.teacher)
    elif manifest.artifacts:
        found.append("The accuracy of no artifact was measured.")
    not_run = sum(check.outcome is Outcome.NOT_RUN for check in manifest.checks)
    if not_run and not_run >= NOT_RUN_SHARE * len(manifest.checks):
        found.append(
            f"{not_run} of {_gates(len(manifest.checks))} did not run: what they would show on the device is unknown."
        )
    return tuple(found)


def baseline_name(baseline: Baseline) -> str:
    """The trees in words."""
    return f"{baseline.kind.replace('_', ' ')} on {baseline.features} statistics a window"


def _unrecognised(student: Accuracy, labels: tuple[str, ...]) -> Iterator[str]:
    missed = [
        f"{label} (0 of {sum(row):,} windows)"
        for place, (label, row) in enumerate(zip(labels, student.confusion, strict=False))
        if sum(row) and not row[place]
    ]
    if missed:
        yield f"Never recognised: {', '.join(missed)}."


def _not_above(student: Accuracy, name: str, other: Accuracy) -> Iterator[str]:
    below = [
        f"{what} {mine:.3f} against {theirs:.3f}"
        for what, mine, theirs in (
            ("accuracy", student.accuracy, other.accuracy),
            ("macro-F1", student.macro_f1, other.macro_f1),
        )
        if mine < theirs
    ]
    if below:
        yield f"Below {name}: {', '.join(below)}."
    elif student.macro_f1_low is not None and student.macro_f1_low <= other.macro_f1:
        yield (
            f"Not clearly above {name}: on other people macro-F1 may be as low as {student.macro_f1_low:.3f} "
            f"(95 % interval), against {other.macro_f1:.3f}."
        )


def _far_below(student: Accuracy, teacher: Accuracy) -> Iterator[str]:
    lead = {"accuracy": teacher.accuracy - student.accuracy, "macro-F1": teacher.macro_f1 - student.macro_f1}
    lost = [f"{100 * value:.1f} pp of {what}" for what, value in lead.items() if 100 * value > TEACHER_LEAD_PP]
    if lost:
        yield f"Far below its teacher: {' and '.join(lost)} lost, more than {TEACHER_LEAD_PP:g} pp."


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
        notes = [note for note in (interval(accuracy), worst) if note]
        result.append(Tile(label="Macro-F1", value=f"{accuracy.macro_f1:.3f}", note="; ".join(notes)))
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


def interval(accuracy: Accuracy) -> str:
    """The 95 % interval of macro-F1 over people; empty where one person cannot give one."""
    if accuracy.macro_f1_low is None or accuracy.macro_f1_high is None:
        return ""
    return f"{accuracy.macro_f1_low:.3f} – {accuracy.macro_f1_high:.3f} over people (95 %)"
