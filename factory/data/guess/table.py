"""`factory init`: what a user's recordings most likely are, each guess with its reason for them to check."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from factory.contracts.errors import DataError
from factory.contracts.progress import Progress
from factory.contracts.table import Cleaning, SourceUnit
from factory.contracts.window import WindowSpec
from factory.data.guess.check import Check
from factory.data.guess.cleaning import faulty_rows, guess_cleaning
from factory.data.guess.clock import Clock, guess_clock, resampled_rate
from factory.data.guess.columns import find_roles
from factory.data.guess.continuation import joined_session
from factory.data.guess.for_model import as_expected
from factory.data.guess.intervals import LabelFile, read_label_files
from factory.data.guess.labels import LabelGuess, guess_labels
from factory.data.guess.order import in_time_order, scan_in_time_order
from factory.data.guess.people import LEAST_PEOPLE, PeopleGuess, guess_people
from factory.data.guess.project import Files, Project, find_project, formats_that_say, without
from factory.data.guess.proposal import WindowProposal, propose_window
from factory.data.guess.roles import Chosen, Found, Roles
from factory.data.guess.rows import scan, wanted_columns
from factory.data.guess.sample import ColumnStream, Sample, take_sample
from factory.data.guess.sensors import (
    SensorGuess,
    choose_sensors,
    gathered,
    gravity_unit,
    guess_sensors,
    lengths_in,
    name_by_values,
)
from factory.data.guess.triads import Axes, distinct_names
from factory.data.guess.units import judge
from factory.data.guess.unlabelled import LabelledGuess, guess_labelled
from factory.data.intake.members import Member
from factory.data.intake.patterns import is_template
from factory.data.names import listed

_GROUPS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class TableGuess:
    """Everything `factory init` writes down.

    Attributes:
        project: The files.
        roles: Which column is what.
        clock: Time stamps.
        sensors: Units and gravity.
        labels: What label texts mean.
        label_file: Labels in a file of their own.
        people: Who.
        labelled: Who of them is labelled.
        cleaning: What is done about odd rows.
        rate_hz: What the recipe resamples to.
        window: Its windows.
        groups: Subject groups of the split.
        left_out: Sensors and columns that are not used, and why.
        checks: What a person must look at, the gravest first.
        model: What a model takes that is to answer the recordings; None where they train one.
    """

    project: Project
    roles: Roles
    clock: Clock
    sensors: tuple[SensorGuess, ...]
    labels: LabelGuess
    label_file: LabelFile | None
    people: PeopleGuess
    labelled: LabelledGuess
    cleaning: Cleaning
    rate_hz: float
    window: WindowProposal
    groups: int
    left_out: dict[str, str]
    checks: tuple[Check, ...]
    model: WindowSpec | None


def guess_table(paths: Sequence[Path], chosen: Chosen, files: Files, progress: Progress) -> TableGuess:
    """Look at files of recordings.

    Raises:
        DataError: They cannot be read, a column cannot be found, time stamps fit no unit, people are too few, or a
            model is to answer them that expects another sensor.
        RecipeError: A pattern or a format cannot be used.
    """
    project = find_project(paths, files)
    sample = take_sample(project.members, project.readings)
    roles = _roles(sample, project, chosen)
    ordered = in_time_order(sample, roles)
    sample = ordered or sample
    sensors, clock, left_out, unnamed = _sensors_and_clock(sample, roles, chosen)
    wanted = wanted_columns(roles, clock, sensors)
    apart = roles.sensor is not None and is_template(roles.sensor.column)
    needed = () if apart else [column for axes in sensors for column in axes.columns.values()]
    stream = ColumnStream(
        members=project.members, readings=project.readings, wanted=wanted, needed=needed, progress=progress
    )
    rows = (scan_in_time_order if ordered else scan)(stream, roles, clock, sensors)
    project = without(project, stream.strangers)
    trains = chosen.model is None
    label_file = read_label_files(project, roles, rows, clock) if roles.label is None and trains else None
    people = guess_people(rows, roles.subject, _where(project, stream.strangers), LEAST_PEOPLE if trains else 1)
    tally = Counter(label_file.rows) if label_file else rows.labels
    labels = guess_labels(tally, rows, label_file.names if label_file else {})
    column = roles.label.column if roles.label is not None and trains else None
    if trains:
        _require_classes(labels, roles, project)
    if label_file and label_file.rename:
        people = replace(people, rename=people.rename | label_file.rename)
    told = label_file.people if label_file else None
    labelled = guess_labelled(rows, people, labels, column, stream.lacking[column] if column else (), told)
    judged, unit_checks = guess_sensors(sensors, rows.of_people(people.rename), chosen)
    if chosen.model is not None:
        judged, not_taken = as_expected(judged, chosen.model)
        left_out |= not_taken
    formats = formats_that_say(project.readings)
    cleaning, row_checks = guess_cleaning(rows, clock, roles.session is not None, project.line, formats)
    row_checks += faulty_rows(stream.dropped)
    rate_hz = resampled_rate(clock.rate_hz)
    stretches = label_file.stretches_s if label_file else rows.filled if labels.fill else rows.stretches
    if any(check.code == "recording.interleaved" for check in row_checks):
        clock = replace(clock, checks=tuple(check for check in clock.checks if check.code != "time.coarse"))
    return TableGuess(
        project=project,
        roles=roles,
        clock=clock,
        sensors=tuple(judged),
        labels=labels,
        label_file=label_file,
        people=people,
        labelled=labelled,
        cleaning=cleaning,
        rate_hz=rate_hz,
        window=propose_window(_of_classes(stretches, labels), rate_hz),
        groups=min(_GROUPS, len(labelled.people)),
        left_out=left_out,
        checks=(
            *row_checks, *people.checks, *labelled.checks, *unit_checks, *unnamed, *clock.checks, *labels.checks,
            *roles.checks, *(label_file.checks if label_file else ()), *project.checks,
        ),
        model=chosen.model,
    )  # fmt: skip


def _where(project: Project, strangers: Sequence[Member]) -> str:
    """The recordings in a message, with what was left out of them."""
    if not strangers:
        return str(project.folder if len(project.members) > 1 else project.members[0])
    named = listed([member.name for member in strangers])
    return f"{project.folder} (without {named}, which has none of the sensors' columns)"


def _roles(sample: Sample, project: Project, chosen: Chosen) -> Roles:
    """Columns and fields of the path; files of labels stand in where no column holds them."""
    try:
        roles = find_roles(sample, chosen)
    except DataError:
        if not project.label_files or chosen.label is not None:
            raise
        roles = find_roles(sample, replace(chosen, intervals=True))
    if chosen.session is None and project.session is not None and len(project.members) > 1:
        template, reason = project.session, "files of one person are recordings of their own"
        joined = joined_session(project, roles, template)
        if joined is not None:
            template, reason = joined, "files follow each other without a gap, so their number is no recording"
        session = Found(column=template, reason=reason) if template else None
        roles = replace(roles, session=session)
    return roles


def _sensors_and_clock(
    sample: Sample, roles: Roles, chosen: Chosen
) -> tuple[list[Axes], Clock, dict[str, str], list[Check]]:
    """One sensor of each kind and place, its time, what is left out, and sensors without names."""
    clock = guess_clock(sample, roles, chosen, ())
    candidates, checks = [], []
    seen = [(axes, lengths_in(sample, axes, roles, clock.rate_hz)) for axes in roles.triads]
    units = [gravity_unit(list(lengths.values())) for _, lengths in seen]
    known: SourceUnit | None = "m/s^2" if "m/s^2" in units else None
    for axes, lengths in seen:
        named, check = name_by_values(axes, lengths, known)
        checks += [check] if check else []
        assert named.quantity is not None
        candidates.append((named, judge(list(lengths.values()), named.quantity)))
    checks = gathered(checks)
    kept, left = choose_sensors(candidates, chosen)
    clock = guess_clock(sample, roles, chosen, tuple(kept))
    return distinct_names(kept), clock, {**left, **roles.left_out}, checks


def _require_classes(labels: LabelGuess, roles: Roles, project: Project) -> None:
    if len(labels.order) < 2:
        where = f"column '{roles.label.column}'" if roles.label else f"{project.label_files[0]}"
        raise DataError(
            f"{project.folder}: {where} holds {len(labels.order)} labels: at least 2 are needed; "
            "name another column with --label COLUMN"
        )


def _of_classes(stretches: dict[str, list[float]], labels: LabelGuess) -> dict[str, list[float]]:
    """Lengths by class, under their final names."""
    found: dict[str, list[float]] = {}
    for text, lengths in stretches.items():
        name = labels.rename.get(text, text)
        if name in labels.order:
            found.setdefault(name, []).extend(lengths)
    return found
