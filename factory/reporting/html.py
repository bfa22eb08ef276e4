"""`report.html`: one self-contained file that needs no network, no script and no font of its own.

Every figure comes from the manifest or from the build's files. Text is escaped by the templates
(labels and names are a user's), and a content policy in the page forbids scripts and loading anyway.
The same manifest gives the same bytes.
"""

from pathlib import Path

import jinja2
from markupsafe import Markup

from factory.contracts.files import atomic_write
from factory.contracts.manifest import Accuracy, Manifest, Outcome
from factory.reporting import classes, figures, plots, text, view
from factory.reporting.comparison import compare
from factory.reporting.golden_errors import WrongWindow, read_errors, triads
from factory.reporting.operators import read_profiles
from factory.reporting.trailer import trailer

OUTCOME_WORDS = {Outcome.FAILED: "✗ failed", Outcome.PASSED: "✓ passed", Outcome.NOT_RUN: "– not run"}
FILTER_WORDS = {
    "median": "median filter",
    "butterworth_lowpass": "Butterworth low-pass",
    "butterworth_highpass": "Butterworth high-pass",
}


def write_report(build: Path, manifest: Manifest, out: Path) -> None:
    """Write the report of a build.

    Args:
        build: The build folder; read are teacher/epochs.jsonl, student/epochs.jsonl, golden.npz and artifacts'
            profiles, where they exist.
        manifest: What was built and measured.
        out: The HTML file, replaced at once or not at all.

    Raises:
        ArtifactError: A history, the golden pack or the manifest contradicts itself.
        StorageError: The disk is full or not writable.
    """
    page = render(build, manifest)
    with atomic_write(out) as temporary:
        temporary.write_text(page + trailer(page, manifest), encoding="utf-8", newline="\n")


def render(build: Path, manifest: Manifest) -> str:
    """The report as HTML.

    Raises:
        ArtifactError: A history, the golden pack or the manifest contradicts itself.
    """
    items = view.measured(manifest)
    known = view.with_accuracy(items)
    labels = manifest.contract.labels
    confusions = [classes.confusion(item, accuracy, labels) for item, accuracy in known]
    drawn = figures.draw(build, manifest)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            m=manifest,
            items=items,
            shipped=view.shipped(items),
            verdict=view.verdict(manifest),
            tiles=[(item, view.tiles(item)) for item in view.shipped_each(items)],
            gates={item.artifact.path: view.gate_of(manifest, item) for item in items},
            device_rows=view.device_rows(manifest),
            compared=compare(manifest),
            accuracy=known[0][1] if known else None,
            interval=view.interval,
            confusions=confusions,
            class_rows=classes.class_rows(known[0][1], labels) if known else (),
            balance=classes.balance(manifest.data, labels),
            wrong=_wrong_windows(build, manifest),
            reference=_reference(manifest),
            absent=[label for label in labels if known and label not in known[0][1].per_class_f1],
            profiles=read_profiles(build, items),
            check_targets=list(dict.fromkeys(check.target for check in manifest.checks)),
            unmatched=_unmatched(manifest),
            checks=sorted(manifest.checks, key=lambda check: list(OUTCOME_WORDS).index(check.outcome)),
            figures={name: _safe(getattr(drawn, name)) for name in drawn.__slots__},
            missing=view.MISSING,
            relation_words={"<=": "≤", ">=": "≥", "==": "=", None: ""},
            outcome_words=OUTCOME_WORDS,
            filter_words=FILTER_WORDS,
        )
    )


def _unmatched(manifest: Manifest) -> list[tuple[Outcome, int | None]]:
    """Choices of the checks' filter that leave no row: an outcome, with a target's place or with all (None)."""
    targets = list(dict.fromkeys(check.target for check in manifest.checks))
    there = {(check.outcome, check.target) for check in manifest.checks}
    choices = (Outcome.FAILED, Outcome.NOT_RUN)
    return [
        (outcome, place)
        for outcome in choices
        for place, target in ((None, None), *enumerate(targets))
        if not any(found is outcome and target in (None, own) for found, own in there)
    ]


def _reference(manifest: Manifest) -> Accuracy | None:
    """What the trained network itself reaches on the test split, before any conversion."""
    return next((step.accuracy for step in manifest.conversion if step.subject == "eager"), None)


def _wrong_windows(build: Path, manifest: Manifest) -> list[tuple[WrongWindow, Markup | None]] | None:
    """Windows that the reference network gets wrong, drawn; None where the build has no golden pack."""
    spec = manifest.contract
    tested = _reference(manifest)
    found = read_errors(build / "golden.npz", spec, tested.confusion if tested else None)
    if found is None:
        return None
    sensors = triads(spec)
    return [
        (window, _safe(plots.wrong_window(window, sensors, spec.rate_hz, f"window-{place}")))
        for place, window in enumerate(found)
    ]


def _safe(svg: str | None) -> Markup | None:
    """SVG that we drew: its text was escaped by the XML writer."""
    return Markup(svg) if svg is not None else None  # noqa: S704


def environment() -> jinja2.Environment:
    """How the pages' templates are read, and the filters that they have."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("factory.reporting", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        breakable=text.breakable,
        count=text.count,
        duration=text.duration,
        figure=text.figure,
        percent=text.percent,
        seconds=text.seconds,
        size=text.size,
        small=text.small,
        unit=text.unit,
    )
    return environment
