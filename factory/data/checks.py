"""`factory data check`: recordings, the windows a recipe cuts from them, and their split, in one report.

Only what cannot be read at all is raised; everything else is a finding, so that one run shows all problems.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from factory.contracts.dataset import UNLABELLED, Ints, Split, WindowSet
from factory.contracts.errors import DataError, LeakageError, RecipeError, TrainingError
from factory.contracts.progress import Progress
from factory.contracts.recipe import DataRecipe, Recipe
from factory.contracts.report import (
    ClassReport,
    DataReport,
    Finding,
    Place,
    Severity,
    SplitReport,
    SubjectReport,
)
from factory.contracts.table import UNKNOWN_AXES, UNKNOWN_PLACEMENT
from factory.data.counts import class_counts
from factory.data.findings import in_order, judge, rate_finding
from factory.data.leakage import copies_in_training, near_duplicates, parts_of
from factory.data.names import recordings_as_people
from factory.data.near_copies import NearCopy
from factory.data.preparation import cleaned, plan_classes, prepare
from factory.data.refusals import declared_units
from factory.data.sources import Source, open_source
from factory.data.splits import make_split, require_trainable
from factory.data.survey import Survey, WindowPlan
from factory.data.windows import choose_channels

_MUCH_CLEANED = 0.05
"""Share of rows changed by the cleaning plan, above which somebody should look at the files."""


def check(recipe: Recipe, folder: Path | None, cache: Path, progress: Progress, base: Path | None = None) -> DataReport:
    """Look at a recipe's data from the raw samples to the split.

    Args:
        recipe: What to read, how to cut and to split it.
        folder: Where the recordings lie.
        cache: Folder of prepared windows.
        progress: Told of each step.
        base: Folder that `recipe.data.description` is relative to.

    Raises:
        RecipeError: The recipe does not fit the source.
        DataError: The recordings cannot be read.
    """
    source = open_source(recipe.data.source, recipe.data.description, base)
    survey = survey_source(source, recipe.data, folder, progress)
    problems = [*_unsaid(source), *_cleaned(source, survey)]
    windows, split = None, None
    try:
        windows = prepare(recipe.data, folder, cache, progress, base, judged=not survey.judge.refusals())
        split = make_split(windows, recipe.split, recipe.seed)
        require_trainable(windows, split, recipe)
    except TrainingError as error:
        problems.append(_error("split.too_small", "data", str(error)))
    except LeakageError as error:
        problems.append(_error("leakage.split", "data", str(error)))
    except DataError as error:
        problems.append(_error("window.none" if windows is None else "split.impossible", "data", str(error)))
    except RecipeError as error:
        if windows is None or set(windows.subject.tolist()) == set(survey.subjects):
            raise  # the recipe's own fault, not that of somebody without windows
        problems.append(_error("split.impossible", "data", str(error)))
    if windows is not None and split is not None and not survey.twins:
        problems += _copies(survey, copies_in_training(windows, split))
    return report_on(recipe, survey, windows, split, problems)


def survey_source(source: Source, recipe: DataRecipe, folder: Path | None, progress: Progress) -> Survey:
    """One pass over a source's recordings, the recipe's channels and labels only.

    Raises:
        RecipeError: A channel or label that the source does not have.
        DataError: The recordings cannot be read.
    """
    columns = choose_channels([channel.name for channel in source.channels], recipe.channels)
    plan = WindowPlan(
        length_s=recipe.window / recipe.rate_hz,
        hop_s=recipe.hop / recipe.rate_hz,
        purity=recipe.purity,
        max_gap_s=recipe.max_gap_s,
    )
    labels = plan_classes(recipe, source, folder)
    channels = [source.channels[column] for column in columns]
    survey = Survey(channels, labels, plan, columns, declared_units(source))
    with progress.track("survey", None, "recordings") as bar:
        for recording in source.recordings(folder, progress):
            survey.add(recording)
            bar.advance(note=f"subject {recording.subject}")
    return survey


def report_on(
    recipe: Recipe, survey: Survey, windows: WindowSet | None, split: Split | None, problems: Iterable[Finding]
) -> DataReport:
    """The report on a survey, and on windows and split where there are any; `problems` are findings made before."""
    problems = tuple(problems)
    report = _report(recipe, survey, windows, split).model_copy(update={"findings": problems})
    rate = rate_finding(report.timing.rate_hz, recipe.data.rate_hz)
    explained = survey.judge.units.explained()
    general = (
        f for f in judge(report, recipe.data) if not (f.where in explained and f.code.startswith(("unit.", "gravity.")))
    )
    found = (
        *survey.judge.findings(),
        *survey.judge.rates.findings(survey.labels),
        *survey.zeros.findings(),
        *survey.directions.findings(survey.labels),
    )
    findings = [*found, *problems, *_recording_problems(survey), *([rate] if rate else []), *general]
    return report.model_copy(update={"findings": in_order(survey.places.pinned(findings))})


def _recording_problems(survey: Survey) -> Iterator[Finding]:
    """What is wrong with recordings as a whole: copies, labels that no class stands for."""
    for twin in survey.twins:
        where = f"recordings {_recording(twin.first)} and {_recording(twin.second)}"
        message = "leakage: the same samples under two subjects, so training would see the test: remove one"
        if twin.same_subject:
            message = "holds the same samples: remove one of the two"
        yield Finding(
            severity=Severity.WARNING if twin.same_subject else Severity.ERROR,
            code="recording.copy" if twin.same_subject else "leakage.recording",
            where=where,
            message=message,
            places=(twin.first, twin.second),
        )
    yield from _recordings_as_people(survey)
    if survey.unknown_labels:
        message = f"{survey.unknown_labels} samples carry a label that the source does not list: correct its labels"
        yield _error("label.unknown", "data", message)


def _recordings_as_people(survey: Survey) -> Iterator[Finding]:
    """Where each subject has one recording, and the names are those of recordings."""
    if any(tally.recordings > 1 for tally in survey.subjects.values()):
        return
    suspected = recordings_as_people(list(survey.subjects))
    if suspected:
        several = f"recordings of {len(suspected)} people" if len(suspected) > 1 else "recordings, not people"
        named = "; ".join(f"{who} ({', '.join(names[:4])})" for who, names in list(suspected.items())[:4])
        message = (
            f"look like {several}: {named}: if so, name the column of people as subject and this one as session, or "
            "one person stands in training and in test"
        )
        yield Finding(severity=Severity.WARNING, code="subject.recordings", where="subjects", message=message)


def _copies(survey: Survey, copies: Iterable[NearCopy]) -> Iterator[Finding]:
    """Each pair of people once."""
    seen: set[frozenset[str]] = set()
    for copy in copies:
        pair = frozenset((copy.subject, copy.other))
        if pair not in seen:
            seen.add(pair)
            message = (
                "leakage: recordings of one hold near copies of the other's, and another split would train on what it "
                "tests: remove one of them, or give both the same name"
            )
            yield Finding(
                severity=Severity.ERROR,
                code="leakage.copy",
                where=f"subjects {copy.other} and {copy.subject}",
                message=message,
                places=tuple(survey.judge.units.places((copy.subject, copy.other))),
            )


def _unsaid(source: Source) -> Iterator[Finding]:
    """What `factory init` could not know and nobody filled in, though the contract passes it on to every app."""
    said = {"placement": all(c.placement != UNKNOWN_PLACEMENT for c in source.channels)}
    said["axes"] = source.axes != UNKNOWN_AXES
    for key in (key for key, is_said in said.items() if not is_said):
        message = f"'{key}' is as factory init left it: fill it in, an app can only reproduce what the contract says"
        yield Finding(severity=Severity.WARNING, code=f"contract.{key}", where="data", message=message)


def _cleaned(source: Source, survey: Survey) -> Iterator[Finding]:
    """What the description's cleaning plan did, so that nobody loses rows without knowing."""
    rows = max(1, survey.timing().samples)
    for what, number in cleaned(source).items():
        share = number / rows
        message = f"{number} {what} ({share:.2%} of all rows): cleaning in the description says so"
        severity = Severity.WARNING if share > _MUCH_CLEANED else Severity.INFO
        yield Finding(severity=severity, code="cleaning.done", where="data", message=message)


def _recording(place: Place) -> str:
    return f"{place.subject} / {place.session}"


def _error(code: str, where: str, message: str) -> Finding:
    return Finding(severity=Severity.ERROR, code=code, where=where, message=message)


def _report(recipe: Recipe, survey: Survey, windows: WindowSet | None, split: Split | None) -> DataReport:
    return DataReport(
        source=recipe.data.source,
        recipe=recipe.name,
        timing=survey.timing(),
        channels=survey.channel_reports(),
        sensors=survey.sensor_reports(),
        classes=_classes(survey, windows),
        subjects=_subjects(survey, windows, split),
        boundaries=survey.boundary_report() if recipe.data.anchor == "grid" else None,
        lost=dict(windows.lost) if windows else {},
        split=_split(windows, split) if windows and split else None,
        findings=(),
    )


def _classes(survey: Survey, windows: WindowSet | None) -> tuple[ClassReport, ...]:
    samples = survey.class_samples()
    counts = class_counts(windows.y, len(survey.labels)) if windows else None
    return tuple(
        ClassReport(
            label=label,
            samples=int(samples[index]),
            seconds=float(survey.class_seconds[index]),
            windows=int(counts[index]) if counts is not None else None,
            subjects=sum(bool(tally.samples[index]) for tally in survey.subjects.values()),
            median_s=survey.stretches.median_s(index),
            longest_s=survey.stretches.longest_s(index),
        )
        for index, label in enumerate(survey.labels)
    )


def _subjects(survey: Survey, windows: WindowSet | None, split: Split | None) -> tuple[SubjectReport, ...]:
    part_of: dict[str, str] = {}
    if windows is not None and split is not None:
        members = reversed(_members(windows, split).items())  # who trains, and has windows without a label, trains
        part_of = {name: part for part, names in members for name in names}
    reports = []
    for subject in sorted(survey.subjects, key=_short_first):
        tally = survey.subjects[subject]
        per_class: dict[str, int] = {}
        unlabelled = 0
        if windows is not None:
            y = windows.y[windows.subject == subject]
            unlabelled = int((y == UNLABELLED).sum())
            per_class = dict(zip(survey.labels, class_counts(y, len(survey.labels)).tolist(), strict=True))
        reports.append(
            SubjectReport.model_validate(
                {
                    "subject": subject,
                    "part": part_of.get(subject),
                    "recordings": tally.recordings,
                    "seconds": tally.seconds,
                    "windows": sum(per_class.values()) if windows is not None else None,
                    "windows_per_class": per_class,
                    "unlabelled": unlabelled,
                }
            )
        )
    return tuple(reports)


def _short_first(name: str) -> tuple[int, str]:
    """'2' before '10'."""
    return len(name), name


def _members(windows: WindowSet, split: Split) -> dict[str, tuple[str, ...]]:
    """Subjects by part."""
    return {
        part: tuple(sorted(np.unique(windows.subject[rows]).tolist(), key=_short_first))
        for part, rows in _parts(split).items()
    }


def _parts(split: Split) -> dict[str, Ints]:
    """The labelled parts, and the windows without a label where there are any."""
    return parts_of(split) | ({"unlabelled": split.unlabelled} if len(split.unlabelled) else {})


def _split(windows: WindowSet, split: Split) -> SplitReport:
    return SplitReport(
        windows={part: len(rows) for part, rows in _parts(split).items()},
        subjects=_members(windows, split),
        near_duplicates=near_duplicates(windows, split),
    )
