"""The tables a command ends with."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from factory.contracts.artifact import Artifact
from factory.contracts.manifest import Check, DeviceRun, Manifest, OnDevice, Outcome, Verification
from factory.contracts.recipe import UNTAUGHT

_COLOURS = {Outcome.PASSED: "green", Outcome.FAILED: "red", Outcome.NOT_RUN: "yellow"}


def print_build(manifest: Manifest, report: Path) -> None:
    """Artifacts with their figures and gates, every gate that did not pass, and where the report is."""
    console = Console()
    print_artifacts(console, manifest.artifacts, manifest.verifications, manifest.checks)
    print_devices(console, manifest.artifacts, manifest.devices)
    training = manifest.training
    console.print(
        f"student: {training.student_cost.parameters} parameters, head {training.head}; "
        f"teacher: {training.teacher_cost.parameters} parameters{_teacher(manifest)}\n"
        f"macro-F1: {', '.join(_beside(manifest))}\n"
        f"{_tested(manifest)}\n"
        f"report: {report}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _beside(manifest: Manifest) -> Iterator[str]:
    """The student's macro-F1 and what it must be seen beside."""
    student = next((step.accuracy for step in manifest.conversion if step.accuracy is not None), None)
    if student is not None:
        between = ""
        if student.macro_f1_low is not None and student.macro_f1_high is not None:
            between = f" [{student.macro_f1_low:.4f}, {student.macro_f1_high:.4f}]"
        yield f"student {student.macro_f1:.4f}{between}"
    yield f"teacher {manifest.training.teacher.macro_f1:.4f}"
    if manifest.training.cross_entropy is not None:
        yield f"cross-entropy {manifest.training.cross_entropy.macro_f1:.4f}"
    baseline = manifest.baseline
    yield f"baseline ({baseline.kind.replace('_', ' ')}) {baseline.accuracy.macro_f1:.4f}"
    yield f"majority class {baseline.majority.macro_f1:.4f}"


def _teacher(manifest: Manifest) -> str:
    """What the student saves beside it, what it alone saw, for whom it answered, and how far it led."""
    training, data = manifest.training, manifest.data
    savings, parts = training.savings, ""
    if savings is not None:
        parts += (
            f"\nstudent against teacher: parameters {-savings.parameters:+.1%}, multiply-accumulates "
            f"{-savings.macs:+.1%}, {savings.speedup:.1f} times faster"
        )
    if training.teacher_channels:
        parts += f"\nthe teacher alone saw {len(training.teacher_channels)} further channels"
    if training.method not in UNTAUGHT and (answered := data.windows.get("unlabelled")):
        people = len(data.unlabelled_subjects)
        parts += f"\nthe teacher answered {answered} windows that nobody labelled; {people} people have no label at all"
    return parts if training.lead is None else f"{parts}\n{training.lead.verdict}"


def _tested(manifest: Manifest) -> str:
    """On whom, and what accuracy becomes with the windows that purity leaves out."""
    people, windows = len(manifest.data.test_subjects), manifest.data.windows["test"]
    line = f"tested on {windows} windows of {people} unseen people"
    if manifest.mixed is None:
        return line
    mixed = manifest.mixed
    return (
        f"{line}; with {mixed.windows} windows of mixed labels (mean purity {mixed.mean_purity:.2f}) "
        f"accuracy is {mixed.accuracy.accuracy:.4f}"
    )


def print_artifacts(
    console: Console, artifacts: Sequence[Artifact], verifications: Sequence[Verification], checks: Sequence[Check]
) -> None:
    """One row an artifact (size, accuracy, macro-F1, parity, latency, gate), then each gate that did not pass."""
    table = Table(
        Column("artifact", no_wrap=True), box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True
    )
    for title in ("kB", "accuracy", "macro-F1", "top-1", "error", "us"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("gate", no_wrap=True)
    last = [list(own)[-1] for _, own in groupby(artifacts, key=lambda artifact: artifact.target)]
    seen = {verification.subject: verification for verification in verifications}
    for artifact in artifacts:
        own = [check for check in checks if _kind(check) == _kind(artifact)]
        table.add_row(
            _name(artifact),
            _short(artifact.size_bytes / 1000),
            *_figures(seen.get(artifact.path)),
            gate(own),
            end_section=artifact in last,
        )
    console.print(table)
    for sentence in _sentences(checks):
        console.print(sentence, soft_wrap=True)


def print_devices(console: Console, artifacts: Sequence[Artifact], runs: Sequence[DeviceRun]) -> None:
    """One row an artifact and device: instructions, time where it is real, accuracy, what differs from the host."""
    if not runs:
        return
    timed = any(seen.latency is not None for run in runs for seen in run.artifacts)
    table = Table(
        Column("artifact", no_wrap=True), box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True
    )
    table.add_column("device", no_wrap=True)
    for title in ("instructions", *(("us",) if timed else ()), "accuracy", "differ", "flips"):
        table.add_column(title, justify="right", no_wrap=True)
    for artifact in artifacts:
        for run in runs:
            for seen in run.artifacts:
                if seen.subject == artifact.path:
                    table.add_row(_name(artifact), run.device, *_device_figures(seen, timed))
    console.print(table)


def _device_figures(seen: OnDevice, timed: bool) -> Iterator[str]:
    found = seen.difference
    yield f"{seen.instructions:,}" if seen.instructions is not None else "-"
    if timed:
        yield _short(seen.latency.median_us) if seen.latency is not None else "-"
    yield f"{seen.accuracy.accuracy:.4f}" if seen.accuracy is not None else "-"
    yield f"{round((1 - found.equal) * found.windows)}/{found.windows}"
    yield str(found.flips)


def gate(checks: Sequence[Check]) -> str:
    """What a row says of its gates."""
    if any(check.outcome is Outcome.FAILED for check in checks):
        return "[red]FAILED[/]"
    if any(check.outcome is Outcome.PASSED for check in checks):
        return "[green]passed[/]"
    return "[yellow]not run[/]"


def _sentences(checks: Sequence[Check]) -> Iterator[Text]:
    """Each check that did not pass; those without a figure share a line if they share the reason."""
    alike: dict[tuple[Outcome, str], list[Check]] = {}
    for check in checks:
        if check.outcome is not Outcome.PASSED:
            alone = "" if check.value is None else f"{_name(check)} {check.gate}: "
            alike.setdefault((check.outcome, alone + check.note), []).append(check)
    for (outcome, _), group in alike.items():
        first = group[0]
        files = ", ".join(dict.fromkeys(_name(check) for check in group))
        gates = ", ".join(dict.fromkeys(c.gate for c in group))
        figure = f" {first.value:.4g}, expected {first.relation} {first.limit:.4g}" if first.value is not None else ""
        line = f" {files}: {gates}{figure}: {first.note}".rstrip(": ")
        yield Text.assemble((outcome.value.replace("_", " "), _COLOURS[outcome]), line)


def _kind(of: Artifact | Check) -> tuple[str, str | None, str]:
    """What an artifact and its checks have in common."""
    return of.target, of.precision, of.variant


def _name(of: Artifact | Check) -> str:
    return " ".join(part for part in _kind(of) if part)


def _short(value: float) -> str:
    """Three digits or more, so that a row of every target fits 80 columns."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def _figures(seen: Verification | None) -> tuple[str, ...]:
    if seen is None:
        return ("-",) * 5
    accuracy = f"{seen.accuracy.accuracy:.4f}" if seen.accuracy else "-"
    macro_f1 = f"{seen.accuracy.macro_f1:.4f}" if seen.accuracy else "-"
    latency = _short(seen.latency.median_us) if seen.latency else "-"
    return accuracy, macro_f1, f"{seen.parity.top1_agreement:.1%}", f"{seen.parity.max_abs:.2g}", latency
