"""Labels in a file of their own, with what their codes mean."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import PurePosixPath

from factory.contracts.errors import DataError
from factory.contracts.table import SECONDS, Intervals, Reading, TimeUnit
from factory.data.guess.check import Check
from factory.data.guess.clock import Clock
from factory.data.guess.label_files import RecordingContext, RecordingSpan, code_names, guess_intervals
from factory.data.guess.project import Project
from factory.data.guess.roles import Roles
from factory.data.guess.rows import Scan
from factory.data.intake.detect import detect, open_sheet
from factory.data.intake.members import Member
from factory.data.intake.patterns import fill, is_template
from factory.data.names import listed

_ROWS = 200_000


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelFile:
    """A file of label intervals.

    Attributes:
        intervals: For the description.
        reasons: Key to why.
        rows: Label to labelled samples, about.
        stretches_s: Label to lengths of intervals, seconds.
        names: Code to the activity that a list beside it gives.
        people: Those whose names stand in it; None where it names nobody, and may hold for everybody.
        rename: Name of a person's only file, as it stands in it, to the person.
        checks: What a person must look at.
    """

    intervals: Intervals
    reasons: dict[str, str]
    rows: dict[str, int]
    stretches_s: dict[str, list[float]]
    names: dict[str, str] = field(default_factory=dict)
    people: frozenset[str] | None = None
    rename: dict[str, str] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()


def read_label_files(project: Project, roles: Roles, scan: Scan, clock: Clock) -> LabelFile:
    """The first of the project's files of labels that holds intervals, and the names of its codes.

    Raises:
        DataError: None does.
    """
    if not project.label_files:
        raise DataError(f"{project.folder}: no file holds labels: name it with --labels FILE")
    context = RecordingContext(
        recordings=tuple(
            RecordingSpan(
                subject=who, session=session, first=first / clock.seconds, last=last / clock.seconds, rows=rows
            )
            for (who, session), (first, last, rows) in scan.spans.items()
        ),
        unit=clock.unit,
        pattern=project.files[0],
    )
    found: LabelFile | None = None
    names: dict[str, str] = {}
    files = _only_files(project, roles)
    for member in project.label_files:
        reading = detect(member, dated=True)
        columns, rows = _rows(member, reading)
        rename = _rename(rows, files)
        guess = None if found else guess_intervals(columns, rows, member.name, context)
        if guess is not None:
            if not guess.header and reading.header:
                reading = reading.model_copy(update={"header": False})
                columns, rows = _rows(member, reading)
            intervals = guess.intervals.model_copy(update={"reading": reading})
            checks = () if guess.sure else (_check(intervals, guess.reasons),)
            found = replace(_counted(intervals, guess.reasons, columns, rows, clock, checks), rename=rename)
        else:
            names = names or code_names([columns, *rows] if not reading.header else rows) or {}
    if found is None:
        raise DataError(
            f"{project.folder}: {listed([m.name for m in project.label_files])} holds no label intervals: expected "
            "columns for start, end and label; name the file with --labels FILE"
        )
    return replace(found, names={code: name for code, name in names.items() if code in found.rows})


def _only_files(project: Project, roles: Roles) -> dict[str, str]:
    """Name of a file, with and without what follows its last dot, to the person of whom it is the only one."""
    if not is_template(roles.subject.column):
        return {}
    of = [(PurePosixPath(member.name), fill(roles.subject.column, member.fields)) for member in project.members]
    files = Counter(who for _, who in of)
    return {name: who for path, who in of if files[who] == 1 for name in (path.name, path.stem) if name != who}


def _rename(rows: list[list[str]], files: Mapping[str, str]) -> dict[str, str]:
    """Put people in the place of their files' names, in the first column that holds nothing else; what was put."""
    for place in range(min(map(len, rows), default=0)):
        told = {row[place] for row in rows}
        if told <= files.keys():
            for row in rows:
                row[place] = files[row[place]]
            return {name: files[name] for name in sorted(told)}
    return {}


def _check(intervals: Intervals, reasons: Mapping[str, str]) -> Check:
    said = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    return Check(
        code="label.intervals", key="labels.intervals", message=f"labels are read from {intervals.file} ({said})"
    )


def _rows(member: Member, reading: Reading) -> tuple[list[str], list[list[str]]]:
    sheet = open_sheet(member, (reading.model_copy(update={"files": "**"}),))
    names = list(sheet.names)
    rows: list[list[str]] = []
    for batch in sheet.batches(dict.fromkeys(names, "text"), drop_faulty=True):
        columns = [["" if text is None else str(text) for text in batch.column(name).to_pylist()] for name in names]
        rows += [list(row) for row in zip(*columns, strict=True)]
        if len(rows) > _ROWS:
            break
    return names, list(islice(rows, _ROWS))


def _counted(
    intervals: Intervals,
    reasons: dict[str, str],
    columns: list[str],
    rows: list[list[str]],
    clock: Clock,
    checks: tuple[Check, ...],
) -> LabelFile:
    place = {name: index for index, name in enumerate(columns)}
    tally: Counter[str] = Counter()
    stretches: dict[str, list[float]] = {}
    for row, after in zip(rows, [*rows[1:], None], strict=True):
        label = fill(intervals.label, {}) if is_template(intervals.label) else row[place[intervals.label]]
        seconds = _length_s(intervals, place, row, after, clock)
        tally[label] += max(1, round(seconds * clock.rate_hz))
        stretches.setdefault(label, []).append(seconds)
    who = intervals.subject
    return LabelFile(
        intervals=intervals,
        reasons=reasons,
        rows=dict(tally),
        stretches_s=stretches,
        people=frozenset(row[place[who]] for row in rows) if who is not None and not is_template(who) else None,
        checks=checks,
    )


def _length_s(
    intervals: Intervals, place: Mapping[str, int], row: list[str], after: list[str] | None, clock: Clock
) -> float:
    unit: TimeUnit = intervals.unit
    second = 1 / clock.rate_hz if unit == "samples" else SECONDS[unit]
    if intervals.end is None:
        end = after[place[intervals.start]] if after is not None else row[place[intervals.start]]
    else:
        end = row[place[intervals.end]]
    if unit == "iso":
        import pyarrow as pa

        from factory.data.intake.dates import parse_dates

        both = parse_dates(pa.array([row[place[intervals.start]], end]), intervals.timestamp_format)
        return max(0.0, float(both[1] - both[0]) * 1e-9)
    try:
        return max(0.0, (float(end) - float(row[place[intervals.start]])) * second)
    except ValueError:
        return 0.0
