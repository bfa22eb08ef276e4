"""The model card: what a model is for, what it was made of and how good it is, as Markdown for people and model hubs.

The front matter follows the Hugging Face hub's model cards (https://huggingface.co/docs/hub/model-cards).
"""

import json
from collections.abc import Iterator
from statistics import median

from factory.contracts.artifact import Artifact, Precision
from factory.contracts.manifest import Accuracy, Manifest, Outcome, Verification


def model_card(manifest: Manifest, version: str, terms: str, licence: str, cite: str, command: str = "") -> str:
    """README.md of a published model.

    Args:
        manifest: Of its build.
        version: As published.
        terms: Of the recordings, in one line.
        licence: Their identifier on the hub, or 'other'.
        cite: The publication to cite; may be empty.
        command: What made the build; may be empty.
    """
    sections = (
        _front_matter(manifest, licence),
        [f"# {manifest.name} {version}", "", markdown_cell(" ".join(manifest.recipe.summary.split()))],
        _use(manifest, version),
        _contract(manifest),
        _data(manifest, terms, cite),
        _figures(manifest),
        _robustness(manifest),
        _files(manifest),
        _cost(manifest),
        _limits(manifest),
        _provenance(manifest, command),
    )
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _front_matter(manifest: Manifest, licence: str) -> list[str]:
    best = _reference(manifest)
    lines = ["---", f"license: {licence}"]
    if licence == "other":
        lines.append("license_name: terms-of-the-recordings")
    lines += [
        "library_name: smldist-factory",
        "pipeline_tag: tabular-classification",
        "tags:",
        *(f"- {tag}" for tag in ("human-activity-recognition", "imu", "knowledge-distillation", *_targets(manifest))),
        "metrics:",
        "- f1",
        "- accuracy",
        "model-index:",
        f"- name: {manifest.name}",
        "  results:",
        "  - task:",
        "      type: tabular-classification",
        "      name: human activity recognition",
        "    dataset:",
        f"      type: {manifest.recipe.data.source}",
        f"      name: {_quoted(manifest.recipe.data.source)}",
        "      split: test",
        "    metrics:",
    ]
    for kind, name, value in (("f1", "macro-F1", best.macro_f1), ("accuracy", "accuracy", best.accuracy)):
        lines += [f"    - type: {kind}", f"      name: {name}", f"      value: {value:.4f}"]
    return [*lines, "---"]


def _use(manifest: Manifest, version: str) -> list[str]:
    spec = manifest.contract
    places = ", ".join(sorted({channel.placement for channel in spec.channels}))
    reference = f"{manifest.name}@{version}"
    feeds = "A phone can feed it." if not manifest.phone_obstacles else "A phone cannot feed it: see the limits."
    return [
        "## Intended use",
        "",
        f"Tells {_listed(spec.labels)} apart, from {spec.window_s:.2f} s of motion sensors (place: {places}). "
        f"It answers one of these {len(spec.labels)} classes whatever happens. {feeds}",
        "",
        "```console",
        f"factory pull {reference} --from STORE --into {manifest.name}",
        f"factory predict {manifest.name} recording.csv --target {manifest.artifacts[0].target} "
        f"--precision {manifest.artifacts[0].precision}",
        "```",
    ]


def _contract(manifest: Manifest) -> list[str]:
    spec = manifest.contract
    rows = [
        f"| {channel.name} | {channel.quantity} | {channel.unit} | {'yes' if channel.gravity else 'no'} |"
        for channel in spec.channels
    ]
    return [
        "## What it takes",
        "",
        f"Windows of {spec.length} samples at {spec.rate_hz:g} Hz, a new one every {spec.hop} samples. "
        f"Axes: {markdown_cell(spec.axes)}. Raw values in SI units; normalisation is part of the model.",
        "",
        "| channel | quantity | unit | holds gravity |",
        "|---|---|---|---|",
        *rows,
    ]


def _data(manifest: Manifest, terms: str, cite: str) -> list[str]:
    data, windows = manifest.data, manifest.data.windows
    parts = [("train", data.train_subjects), ("validation", data.validation_subjects), ("test", data.test_subjects)]
    if "unlabelled" in windows:
        parts.append(("unlabelled", data.unlabelled_subjects))
    lines = [
        "## Data and terms",
        "",
        f"Recordings: `{manifest.recipe.data.source}`. Terms: {terms}.",
    ]
    if cite:
        lines.append(f"Cite: {cite}")
    counts = [f"| {part} | {len(people)} | {windows.get(part.partition(',')[0], 0)} |" for part, people in parts]
    return [*lines, "", "| part | people | windows |", "|---|---|---|", *counts, "", "Nobody stands in two parts."]


def _figures(manifest: Manifest) -> list[str]:
    best, base = _reference(manifest), manifest.baseline
    lines = [
        "## How good it is",
        "",
        f"On {best.windows} windows of {len(best.per_subject_f1)} people who took no part in training; the network "
        "before conversion:",
        "",
        "| | macro-F1 | accuracy |",
        "|---|---|---|",
        f"| this model{_between(best)} | {best.macro_f1:.4f} | {best.accuracy:.4f} |",
        f"| teacher | {manifest.training.teacher.macro_f1:.4f} | {manifest.training.teacher.accuracy:.4f} |",
        f"| baseline, {base.kind.replace('_', ' ')} | {base.accuracy.macro_f1:.4f} | {base.accuracy.accuracy:.4f} |",
        f"| commonest class | {base.majority.macro_f1:.4f} | {base.majority.accuracy:.4f} |",
        "",
        f"Worst person: {markdown_cell(best.worst_subject)}, macro-F1 {best.per_subject_f1[best.worst_subject]:.4f}. "
        f"Expected calibration error {best.ece:.4f}.",
        "",
        "| class | F1 |",
        "|---|---|",
    ]
    return lines + [f"| {markdown_cell(label)} | {value:.4f} |" for label, value in best.per_class_f1.items()]


def _robustness(manifest: Manifest) -> list[str]:
    best = _reference(manifest)
    of_people = sorted(best.per_subject_f1.values())
    lines = [
        "## Robustness",
        "",
        f"- Over {len(of_people)} people, macro-F1 is {of_people[0]:.4f} at worst, {of_people[-1]:.4f} at best and "
        f"{median(of_people):.4f} in the median.",
    ]
    if manifest.mixed is not None:
        lines.append(
            f"- The figures leave out {manifest.mixed.windows} windows in which the activity changes; with them "
            f"accuracy is {manifest.mixed.accuracy.accuracy:.4f}."
        )
    agreement = {seen.subject: seen.split_agreement for seen in manifest.verifications}
    flips = [
        f"{_kind(artifact)} {100 * (1 - found.agreement):.2f} %"
        for artifact in manifest.artifacts
        if artifact.precision is not Precision.FP32 and (found := agreement.get(artifact.path)) is not None
    ]
    if flips:
        lines.append(f"- Test windows that a smaller file labels otherwise than the network: {', '.join(flips)}.")
    return [*lines, "- Not measured: a sensor worn turned or elsewhere, lost samples, another rate or device."]


def _cost(manifest: Manifest) -> list[str]:
    cost = manifest.training.student_cost
    names = {artifact.path for artifact in manifest.artifacts}
    rows = [
        f"| {seen.subject} | {markdown_cell(run.device)}{' (emulated)' if run.emulated else ''} | "
        f"{_count(seen.instructions)} | {f'{seen.latency.median_us:.1f}' if seen.latency is not None else '-'} |"
        for run in manifest.devices
        for seen in run.artifacts
        if seen.subject in names
    ]
    lines = [
        "## Cost on a device",
        "",
        f"One window: {cost.macs} multiply-accumulates, {cost.parameters} parameters, "
        f"{cost.peak_activation_bytes / 1000:.1f} kB of float activations at most.",
    ]
    if not rows:
        return [*lines, "No other processor than the host above was asked."]
    return [*lines, "", "| file | device | instructions | median us |", "|---|---|---|---|", *rows]


def _files(manifest: Manifest) -> list[str]:
    seen = {verification.subject: verification for verification in manifest.verifications}
    rows = [_file(artifact, seen.get(artifact.path)) for artifact in manifest.artifacts]
    return [
        "## Files",
        "",
        f"Latency of one window, one thread, on {markdown_cell(manifest.provenance.machine)}.",
        "",
        "| file | precision | kB | macro-F1 | median us |",
        "|---|---|---|---|---|",
        *rows,
    ]


def _file(artifact: Artifact, seen: Verification | None) -> str:
    f1 = f"{seen.accuracy.macro_f1:.4f}" if seen is not None and seen.accuracy is not None else "-"
    latency = f"{seen.latency.median_us:.1f}" if seen is not None and seen.latency is not None else "-"
    kind = " ".join(filter(None, (artifact.precision, artifact.variant)))
    return f"| {artifact.path} | {kind} | {artifact.size_bytes / 1000:.1f} | {f1} | {latency} |"


def _limits(manifest: Manifest) -> list[str]:
    best = _reference(manifest)
    weakest = min(best.per_class_f1, key=lambda label: best.per_class_f1[label])
    people = len(manifest.data.train_subjects)
    lines = [
        "## Limits",
        "",
        f"- Made from {people} people's recordings. Other people, devices, places on the body and activities were not "
        "tested, nor was anything for which an error would harm somebody.",
        f"- The weakest class is {markdown_cell(weakest)} (F1 {best.per_class_f1[weakest]:.4f}).",
        "- It knows no 'none of these': another activity gets one of its labels.",
    ]
    lines += [f"- On a phone: {obstacle}." for obstacle in manifest.phone_obstacles]
    missing = sorted({check.target for check in manifest.checks if check.outcome is Outcome.NOT_RUN})
    if missing:
        lines.append(f"- Some checks were not run for: {', '.join(missing)}; manifest.json says which and why.")
    return lines


def _provenance(manifest: Manifest, command: str) -> list[str]:
    made = manifest.provenance
    return [
        "## Made by",
        "",
        f"SMLDist Model Factory {made.factory}, commit {made.git}, {made.created}. `manifest.json` holds every check "
        "with its figure, the recipe and the versions of all tools.",
        *(("", "```console", command, "```") if command else ()),
    ]


def _kind(artifact: Artifact) -> str:
    return " ".join(filter(None, (artifact.target, artifact.precision, artifact.variant)))


def _count(number: int | None) -> str:
    return str(number) if number is not None else "-"


def _reference(manifest: Manifest) -> Accuracy:
    """The network's accuracy; a build always measures it."""
    found = next((step.accuracy for step in manifest.conversion if step.accuracy is not None), None)
    assert found is not None
    return found


def _between(seen: Accuracy) -> str:
    if seen.macro_f1_low is None or seen.macro_f1_high is None:
        return ""
    return f" (95 % interval over people {seen.macro_f1_low:.3f} to {seen.macro_f1_high:.3f})"


def _targets(manifest: Manifest) -> Iterator[str]:
    yield from dict.fromkeys(artifact.target for artifact in manifest.artifacts)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(markdown_cell(name) for name in names[:-1]) + f" and {markdown_cell(names[-1])}"


def markdown_cell(text: str) -> str:
    """Text in a table or sentence: nobody's name becomes markup."""
    return "".join(f"\\{sign}" if sign in "|*`[]<>\\" else sign for sign in text)


def _quoted(text: str) -> str:
    """A YAML string: JSON's are."""
    return json.dumps(text)
