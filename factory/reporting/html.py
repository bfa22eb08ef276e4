"""`report.html`: one self-contained file that needs no network, no script and no font of its own.

Every figure comes from the manifest or from the build's files. Text is escaped by the templates
(labels and names are a user's), and a content policy in the page forbids scripts and loading anyway.
The same manifest gives the same bytes.
"""

from pathlib import Path

import jinja2
from markupsafe import Markup

from factory.contracts.files import atomic_write
from factory.contracts.manifest import Manifest, Outcome
from factory.reporting import figures, text, view
from factory.reporting.operators import read_profiles

OUTCOME_WORDS = {Outcome.FAILED: "✗ failed", Outcome.PASSED: "✓ passed", Outcome.NOT_RUN: "– not run"}
FILTER_WORDS = {
    "median": "median filter",
    "butterworth_lowpass": "Butterworth low-pass",
    "butterworth_highpass": "Butterworth high-pass",
}


def write_report(build: Path, manifest: Manifest, out: Path) -> None:
    """Write the report of a build.

    Args:
        build: The build folder; read are teacher/epochs.jsonl, student/epochs.jsonl and artifacts' profiles,
            where they exist.
        manifest: What was built and measured.
        out: The HTML file, replaced at once or not at all.

    Raises:
        ArtifactError: A history or the manifest contradicts itself.
        StorageError: The disk is full or not writable.
    """
    page = render(build, manifest)
    with atomic_write(out) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


def render(build: Path, manifest: Manifest) -> str:
    """The report as HTML.

    Raises:
        ArtifactError: A history or the manifest contradicts itself.
    """
    items = view.measured(manifest)
    known = view.with_accuracy(items)
    labels = manifest.contract.labels
    drawn = figures.draw(build, manifest)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            m=manifest,
            items=items,
            shipped=view.shipped(items),
            verdict=view.verdict(manifest),
            tiles=[(item, view.tiles(item)) for item in view.shipped_each(items)],
            gates={item.artifact.path: view.gate_of(manifest, item) for item in items},
            confusions=[view.confusion(item, accuracy, labels) for item, accuracy in known],
            absent=[label for label in labels if known and label not in known[0][1].per_class_f1],
            profiles=read_profiles(build, items),
            checks=sorted(manifest.checks, key=lambda check: list(OUTCOME_WORDS).index(check.outcome)),
            figures={name: _safe(getattr(drawn, name)) for name in drawn.__slots__},
            missing=view.MISSING,
            relation_words={"<=": "≤", ">=": "≥", "==": "=", None: ""},
            outcome_words=OUTCOME_WORDS,
            filter_words=FILTER_WORDS,
        )
    )


def _safe(svg: str | None) -> Markup | None:
    """SVG that we drew: its text was escaped by the XML writer."""
    return Markup(svg) if svg is not None else None  # noqa: S704


def _breakable(name: str) -> Markup:
    """Escaped, and allowed to wrap after an underscore: class names are long and phones narrow."""
    return Markup("_<wbr>").join(name.split("_"))


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("factory.reporting", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        breakable=_breakable,
        count=text.count,
        duration=text.duration,
        figure=text.figure,
        percent=text.percent,
        seconds=text.seconds,
        size=text.size,
        small=text.small,
    )
    return environment
