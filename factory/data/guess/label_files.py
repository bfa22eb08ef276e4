"""Whether a small table holds labels as intervals or start markers, and how they are meant."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from factory.contracts.table import Intervals, escape
from factory.data.guess.label_columns import (
    LENGTH_WORDS,
    Columns,
    RecordingContext,
    by_content,
    by_name,
    has_word,
    is_axis,
)
from factory.data.guess.label_times import Meaning, RecordingSpan, Times, guess_meaning, read_times, unit_of
from factory.data.guess.path_files import split_suffix
from factory.data.intake.intervals import same_name
from factory.data.intake.patterns import fields_of, fit, is_template
from factory.data.intake.sheet import is_number

__all__ = ["IntervalsGuess", "RecordingContext", "RecordingSpan", "code_names", "guess_intervals"]

_MOST_COLUMNS, _LOOKED_AT = 12, 2000
_LABEL_TAIL = re.compile(
    r"[-_. ]?(?:labels?|annotations?|annotated|intervals?|markers?|events?|groundtruth|gt)$", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalsGuess:
    """Labels in a file of their own.

    Attributes:
        intervals: For `labels.intervals` of the description, without `reading`: that is the caller's.
        reasons: Field of `intervals` to the reason for it.
        header: Whether the names given are a header's; False: they are c1, c2, ...
        sure: False where a person must look.
    """

    intervals: Intervals
    reasons: dict[str, str]
    header: bool
    sure: bool


def guess_intervals(
    names: Sequence[str], rows: Sequence[Sequence[str]], member_name: str, context: RecordingContext
) -> IntervalsGuess | None:
    """How a table labels stretches of recordings, or None if it does not.

    Args:
        names: Its columns: of its header, or c1, c2, ... where it has none.
        rows: Of texts, at least the first few dozen.
        member_name: Path of its file below the description's folder.
        context: The recordings.
    """
    table = {name: [row[at].strip() for row in rows[:_LOOKED_AT]] for at, name in enumerate(names) if _fits(rows, at)}
    header = not all(re.fullmatch(r"c\d+", name) for name in names)
    if not table or len(names) > _MOST_COLUMNS or (header and sum(map(is_axis, names)) >= 3):
        return None
    path = _Path(member_name, context)
    guesses = [
        guess
        for columns in (by_name(table) if header else by_content(table, context))
        if (guess := _judged(table, _of_people(columns, table, context), path, context, header)) is not None
    ]
    return max(guesses, key=lambda guess: guess[0])[1] if guesses else None


def code_names(rows: Sequence[Sequence[str]]) -> dict[str, str] | None:
    """Names of codes, from rows like '1 WALKING' or 'WALKING,1': code to name; None if the rows are no such table.

    For `labels.rename` of the description.
    """
    pairs = [_pair([cell.strip() for cell in row if cell.strip()]) for row in rows if any(cell.strip() for cell in row)]
    if pairs and pairs[0] is None:
        pairs = pairs[1:]
    found = [pair for pair in pairs if pair is not None]
    if len(found) < 2 or len(found) < len(pairs):
        return None
    named = dict(found)
    return named if len(named) == len(set(named.values())) == len(found) else None


def _pair(cells: list[str]) -> tuple[str, str] | None:
    """Code and name, in this order."""
    if len(cells) == 1:
        cells = [cell for cell in re.split(r"\s*[,;:=\t]\s*|\s+", cells[0], maxsplit=1) if cell]
    if len(cells) != 2:
        return None
    first, second = cells
    if re.fullmatch(r"-?\d+", first) and not is_number(second):
        return first, second
    return (second, first) if re.fullmatch(r"-?\d+", second) and not is_number(first) else None


def _of_people(columns: Columns, table: dict[str, list[str]], context: RecordingContext) -> Columns:
    """A column 'file' or 'recording' that holds people's names says the person, where nothing else does."""
    if columns.session is None or columns.subject is not None:
        return columns
    people = {same_name(span.subject) for span in context.recordings}
    if not people or {same_name(text) for text in table[columns.session] if text} - people:
        return columns
    told = {**columns.told, "subject": f"'{columns.session}' holds the people's names"}
    return replace(columns, subject=columns.session, session=None, told=told)


def _fits(rows: Sequence[Sequence[str]], at: int) -> bool:
    return bool(rows) and all(len(row) > at for row in rows[:_LOOKED_AT])


class _Path:
    """What the label file's own path says: its pattern, and whose labels it holds."""

    def __init__(self, name: str, context: RecordingContext) -> None:
        self.pattern, self.subject, self.session = escape(name), None, None
        for candidate in _patterns(name, context.pattern):
            found = fit(candidate, name)
            if not found or "subject" not in found:
                continue
            if same_name(found["subject"]) in {same_name(span.subject) for span in context.recordings}:
                self.pattern, self.subject = candidate, "{subject}"
                self.session = _template(context.session, found)
                break

    subject: str | None
    session: str | None


def _template(session: str | None, fields: dict[str, str]) -> str | None:
    """The recordings' template, if this path has all its parts."""
    if session is None or not is_template(session):
        return None
    return session if all(part in fields for part in re.findall(r"\{([a-z_]+)\}", session)) else None


def _patterns(name: str, recordings: str | None) -> list[str]:
    """The recordings' pattern, turned to fit the label file: in the same folders, or with '_labels' behind its name."""
    if recordings is None or not fields_of(recordings):
        return []
    levels = re.split(r"/(?![^{}]*\})", recordings)
    folder, _, file = name.rpartition("/")
    stem, suffix = split_suffix(file)
    found = ["/".join([*levels[:-1], escape(file)])] if len(levels) > 1 and folder else []
    tail = _LABEL_TAIL.search(stem)
    if tail and tail.start():
        bare = re.sub(r"(\.[A-Za-z0-9]+|\*)+$", "", levels[-1])
        found.append("/".join([*levels[:-1], bare + escape(tail[0] + suffix)]))
    return found


def _judged(
    table: dict[str, list[str]], columns: Columns, path: _Path, context: RecordingContext, header: bool
) -> tuple[float, IntervalsGuess] | None:
    """A choice of columns with unit and zero, and how well it suits the recordings."""
    kept = [i for i, text in enumerate(table[columns.start]) if text]
    start = [table[columns.start][i] for i in kept]
    end = [table[columns.end][i] for i in kept] if columns.end else None
    times = read_times(start, end)
    if times is None or not len(times.start):
        return None
    of = [_spans(table, columns, path, context, i) for i in kept]
    told = unit_of(columns.start) if header else None
    meaning = guess_meaning(times, of, context.unit, told)
    first_sample, why = _first_sample(times, meaning)
    intervals = Intervals(
        file=path.pattern,
        start=columns.start,
        end=columns.end,
        label=columns.label,
        subject=columns.subject or path.subject,
        session=columns.session or path.session,
        unit=meaning.unit,
        timestamp_format=times.form,
        zero=meaning.zero,
        first_sample=first_sample,
    )
    reasons = {"unit": meaning.reason, "zero": meaning.reason, "first_sample": why, **columns.told}
    reasons |= {role: "its file's path" for role in ("subject", "session") if getattr(columns, role) is None}
    reasons["end"] = columns.told.get("end", "none: a label holds until the next one starts")
    reasons["file"] = "its path" if path.pattern == escape(path.pattern) else "the same parts as the recordings' paths"
    length = [name for name in table if header and columns.end is None and has_word(name, LENGTH_WORDS)]
    if length:
        reasons["end"] += f"; the column '{length[0]}' is not used"
    anyone = intervals.subject is None and _at_once(context, meaning)
    if anyone:
        reasons["subject"] = "nothing says whose labels these are, and several people were recorded at these times"
    sure = meaning.sure and not anyone and not (length and "press" not in length[0]) and all(of)
    guess = IntervalsGuess(intervals=intervals, reasons=reasons, header=header, sure=sure)
    return meaning.inside + 0.5 * meaning.covered + 0.01 * (meaning.zero == "clock"), guess


def _at_once(context: RecordingContext, meaning: Meaning) -> bool:
    """Whether a time alone does not tell the person."""
    spans = sorted(context.recordings, key=lambda span: span.first)
    if meaning.zero == "recording":
        return len({same_name(span.subject) for span in spans}) > 1
    return any(one.last > two.first and one.subject != two.subject for one, two in pairwise(spans))


def _spans(
    table: dict[str, list[str]], columns: Columns, path: _Path, context: RecordingContext, row: int
) -> list[RecordingSpan]:
    """The recordings that a row may be of."""
    who = same_name(table[columns.subject][row]) if columns.subject else None
    which = same_name(table[columns.session][row]) if columns.session else None
    return [
        span
        for span in context.recordings
        if who in (None, same_name(span.subject)) and which in (None, same_name(span.session))
    ]


def _first_sample(times: Times, meaning: Meaning) -> tuple[int, str]:
    if meaning.unit != "samples":
        return 0, "times, not numbers of samples"
    least = float(min(times.start.min(), times.end.min()))
    if least == 0:
        return 0, "a label begins at sample 0"
    said = "no label begins at sample 0"
    if len(times.end) > 1 and np.mean(times.end[:-1] == times.start[1:]) > 0.5:
        said += "; labels end at the number at which the next begins: check which of the two has it"
    return 1, said
