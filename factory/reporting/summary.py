"""A verification as Markdown, for the summary of a CI job or a comment on a pull request."""

from collections.abc import Iterator, Sequence

from factory.contracts.artifact import Artifact
from factory.contracts.manifest import Check, Manifest, Outcome, Verification
from factory.reporting.card import markdown_cell
from factory.reporting.junit import figure

_WORDS = {Outcome.PASSED: "passed", Outcome.FAILED: "**broke**", Outcome.NOT_RUN: "not run"}


def summary_of(manifest: Manifest, verifications: Sequence[Verification], checks: Sequence[Check]) -> str:
    """Each file with its figures, then every gate that broke or did not run."""
    lines = [f"## {_verdict(manifest.name, checks)}", "", *_table(manifest, verifications, checks)]
    for outcome, title in ((Outcome.FAILED, "Gates that broke"), (Outcome.NOT_RUN, "Not run")):
        found = [check for check in checks if check.outcome is outcome]
        if found:
            lines += ["", f"### {title}", "", *(_line(check) for check in found)]
    return "\n".join(lines) + "\n"


def failed_summary(name: str, failure: str) -> str:
    """Of a build that could not be verified at all."""
    return f"## {name}: not verified\n\n{markdown_cell(failure)}\n"


def _verdict(name: str, checks: Sequence[Check]) -> str:
    counts = {outcome: sum(check.outcome is outcome for check in checks) for outcome in Outcome}
    broken = counts[Outcome.FAILED]
    said = f"{broken} gate{'s' if broken > 1 else ''} broke" if broken else "every gate that ran held"
    return f"{name}: {said} ({counts[Outcome.PASSED]} passed, {counts[Outcome.NOT_RUN]} not run)"


def _table(manifest: Manifest, verifications: Sequence[Verification], checks: Sequence[Check]) -> Iterator[str]:
    yield "| file | kB | accuracy | macro-F1 | median us | gates |"
    yield "|---|---|---|---|---|---|"
    seen = {verification.subject: verification for verification in verifications}
    for artifact in manifest.artifacts:
        yield _row(artifact, seen.get(artifact.path), checks)


def _row(artifact: Artifact, seen: Verification | None, checks: Sequence[Check]) -> str:
    accuracy = seen.accuracy if seen is not None else None
    latency = seen.latency if seen is not None else None
    kind = (artifact.target, artifact.precision, artifact.variant)
    own = {check.outcome for check in checks if (check.target, check.precision, check.variant) == kind}
    worst = next((one for one in (Outcome.FAILED, Outcome.PASSED) if one in own), Outcome.NOT_RUN)
    cells = (
        " ".join(filter(None, kind)),
        f"{artifact.size_bytes / 1000:.1f}",
        f"{accuracy.accuracy:.4f}" if accuracy is not None else "-",
        f"{accuracy.macro_f1:.4f}" if accuracy is not None else "-",
        f"{latency.median_us:.1f}" if latency is not None else "-",
        _WORDS[worst],
    )
    return f"| {' | '.join(cells)} |"


def _line(check: Check) -> str:
    whose = " ".join(filter(None, (check.target, check.precision, check.variant)))
    told = "; ".join(filter(None, (figure(check), check.note)))
    return f"- {whose}, `{check.gate}`: {markdown_cell(' '.join(told.split()))}"
