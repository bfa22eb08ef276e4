"""The tables a command ends with."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from factory.contracts.artifact import Artifact
from factory.contracts.manifest import Check, Manifest, Outcome, Verification

_COLOURS = {Outcome.PASSED: "green", Outcome.FAILED: "red", Outcome.NOT_RUN: "yellow"}


def print_build(manifest: Manifest, report: Path) -> None:
    """Artifacts with their figures and gates, other gates that did not pass, and where the report is."""
    console = Console()
    console.print(artifact_table(manifest.artifacts, manifest.verifications, manifest.checks))
    shown = {(artifact.target, artifact.precision) for artifact in manifest.artifacts}
    print_checks(console, [c for c in manifest.checks if (c.target, c.precision) not in shown])
    subjects = len(manifest.data.test_subjects)
    console.print(
        f"student {manifest.training.student_cost.parameters} parameters, head {manifest.training.head}; "
        f"teacher macro-F1 {manifest.training.teacher.macro_f1:.4f}; "
        f"measured on {manifest.data.windows['test']} windows of {subjects} unseen subjects",
        highlight=False,
    )
    console.print(f"report: {report}", highlight=False, markup=False, soft_wrap=True)


def artifact_table(
    artifacts: Sequence[Artifact], verifications: Sequence[Verification], checks: Sequence[Check]
) -> Table:
    """One row an artifact: size, accuracy, macro-F1, parity, latency, gate."""
    table = Table("artifact")
    for title in ("kB", "accuracy", "macro-F1", "parity top-1", "max error", "latency us"):
        table.add_column(title, justify="right")
    table.add_column("gate")
    seen = {verification.subject: verification for verification in verifications}
    for artifact in artifacts:
        own = [c for c in checks if (c.target, c.precision) == (artifact.target, artifact.precision)]
        table.add_row(artifact.path, f"{artifact.size_bytes / 1000:.1f}", *_figures(seen.get(artifact.path)), gate(own))
    return table


def gate(checks: Sequence[Check]) -> str:
    """What a row says of its gates: the failed ones by name, else how many passed and were not run."""
    failed = [check.gate for check in checks if check.outcome is Outcome.FAILED]
    if failed:
        return f"[red]FAILED {', '.join(failed)}[/]"
    missing = sum(check.outcome is Outcome.NOT_RUN for check in checks)
    passed = len(checks) - missing
    if not passed:
        return "[yellow]not run[/]"
    return f"[green]passed[/] ({passed})" + (f", [yellow]{missing} not run[/]" if missing else "")


def print_checks(console: Console, checks: Sequence[Check]) -> None:
    """One line each for checks that failed or were not run."""
    for check in checks:
        if check.outcome is not Outcome.PASSED:
            colour = _COLOURS[check.outcome]
            state = check.outcome.value.replace("_", " ")
            console.print(f"[{colour}]{state}[/] {check.target} {check.gate}: ", end="", highlight=False)
            console.print(check.note, highlight=False, markup=False)


def _figures(seen: Verification | None) -> tuple[str, ...]:
    if seen is None:
        return ("-",) * 5
    accuracy = f"{seen.accuracy.accuracy:.4f}" if seen.accuracy else "-"
    macro_f1 = f"{seen.accuracy.macro_f1:.4f}" if seen.accuracy else "-"
    latency = f"{seen.latency.median_us:.1f}" if seen.latency else "-"
    return accuracy, macro_f1, f"{seen.parity.top1_agreement:.1%}", f"{seen.parity.max_abs:.2g}", latency
