"""Which column of a table of labels is what: by the words of a header, or by comparing with the recordings."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations

import numpy as np

from factory.contracts.table import TimeUnit
from factory.data.guess.label_times import RecordingSpan, read_times
from factory.data.guess.path_words import LABEL_WORDS, PERSON_WORDS, plain
from factory.data.intake.intervals import same_name
from factory.data.intake.sheet import is_number

_START = ("start", "begin", "from", "onset", "starttime", "begintime", "starts", "begins", "tstart", "anfang", "beginn",
          "debut", "inicio", "first", "t0", "von")  # fmt: skip
_END = ("end", "stop", "finish", "to", "offset", "until", "endtime", "stoptime", "ends", "tend", "tstop", "ende", "fin",
        "final", "last", "t1", "bis")  # fmt: skip
_LABEL = ("label", "activity", "annotation", "class", "text", "event", "action", "gesture", "marker", "tag",
          "behaviour", "behavior", "exercise", "movement", "task", "posture", "code", "category", "name", "value",
          "description", "comment", "type")  # fmt: skip
_SESSION = ("session", "recording", "record", "trial", "experiment", "exp", "run", "file", "filename", "take", "bout",
            "sequence", "id")  # fmt: skip
_TIME = ("timestamp", "time", "datetime", "date", "seconds", "elapsed", "t", "ts", "sample", "index", "ms", "frame")
LENGTH_WORDS = ("duration", "length", "dauer")
_SENSOR = re.compile(
    r"(?:.*[^a-z])?(?:acc|accel|accelero|accelerometer|acceleration|gyro|gyroscope|gyr|mag|magnetometer|a|g|m)?"
    r"[-_ .]?[xyz](?:[^a-z].*)?",
    re.IGNORECASE,
)
_MOST_LABELS = 200
_IN_ORDER = 0.6
"""Share of rows that begin after the one before ended, from which on two columns are taken for start and end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordingContext:
    """What is known of the recordings that the labels are for.

    Attributes:
        recordings: Every recording, or a sample of them.
        unit: Of `first` and `last`.
        pattern: Of the recordings' paths; the labels' file may share its folders.
        session: The template in `columns.session`, if it is made of the path's fields.
    """

    recordings: tuple[RecordingSpan, ...]
    unit: TimeUnit
    pattern: str | None = None
    session: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Which column is what, and why; None where no column is."""

    start: str
    end: str | None
    label: str
    subject: str | None
    session: str | None
    told: dict[str, str]


def is_axis(name: str) -> bool:
    """Whether a column's name is a sensor's axis: 'acc_x'."""
    return _SENSOR.fullmatch(name) is not None


def by_name(table: dict[str, list[str]]) -> list[Columns]:
    """Columns by the words of a header; several where several could be the start."""
    free = list(table)
    start, end = _named(free, _START), _named(free, _END)
    if start and end and start != end:
        free = [name for name in free if name not in (start, end)]
        starts: list[tuple[str, str | None]] = [(start, end)]
    else:
        timed = [name for name in free if name == start or has_word(name, _TIME)]
        timed = [name for name in timed if not has_word(name, LENGTH_WORDS) and _rises(table[name])]
        free = [name for name in free if name not in timed]
        starts = [(name, None) for name in timed]
    label = _named(free, (*_LABEL, *LABEL_WORDS)) or _only_text(table, free)
    if label is None or len(set(table[label])) > _MOST_LABELS:
        return []
    free = [name for name in free if name != label]
    subject = _named(free, tuple(PERSON_WORDS - {"id", "name"}))
    session = _named([name for name in free if name != subject], _SESSION)
    subject = subject or (session if session and has_word(session, ("id",)) else None)
    session = None if session == subject else session
    named = {"start": start, "end": end, "label": label, "subject": subject, "session": session}
    told = {role: f"the column's name '{name}'" for role, name in named.items() if name}
    return [
        Columns(start=first, end=last, label=label, subject=subject, session=session,
                 told=told | {"start": f"the column's name '{first}'"})
        for first, last in starts
    ]  # fmt: skip


def has_word(name: str, vocabulary: Collection[str]) -> bool:
    """Whether a column's name has one of the words."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    parts = [plain(part) for part in re.findall(r"[^\W\d_]+\d*|\d+", spaced)]
    return bool({*parts, "".join(parts), plain(name)} & set(vocabulary))


def _named(names: Sequence[str], vocabulary: Sequence[str]) -> str | None:
    """The first column whose name has a word of the vocabulary, by the vocabulary's order."""
    return next((name for word in vocabulary for name in names if has_word(name, (word,))), None)


def _rises(texts: Sequence[str]) -> bool:
    """Whether a column holds times, and not at an even pace, as samples do."""
    times = read_times([text for text in texts if text], None)
    if times is None or not len(times.start):
        return False
    steps = np.diff(times.start)
    return len(steps) < 50 or float(np.mean(np.isclose(steps, np.median(steps), rtol=0.02))) < 0.9


def _only_text(table: dict[str, list[str]], names: Sequence[str]) -> str | None:
    texts = [name for name in names if not any(is_number(text) for text in table[name])]
    return texts[0] if len(texts) == 1 else None


def by_content(table: dict[str, list[str]], context: RecordingContext) -> list[Columns]:
    """Columns without names: start and end rise together, the others are told by the recordings."""
    pair = _start_and_end(table)
    if pair is None:
        return []
    rest = [name for name in table if name not in pair]
    texts = [name for name in rest if not any(is_number(text) for text in table[name])]
    if len(texts) > 1 or not rest:
        return []
    best = max(_assignments(rest, texts), key=lambda roles: _known(table, roles, context))
    label, subject, session = best
    why = f"of columns {', '.join(rest)}, this choice names recordings that exist"
    told = dict.fromkeys(("label", "subject", "session"), why)
    told |= dict.fromkeys(("start", "end"), "each row begins after the one before ended")
    return [Columns(start=pair[0], end=pair[1], label=label, subject=subject, session=session, told=told)]


def _start_and_end(table: dict[str, list[str]]) -> tuple[str, str] | None:
    """Neighbouring columns of which the second is never smaller, and rows follow one another."""
    found: list[tuple[float, tuple[str, str]]] = []
    names = list(table)
    for first, second in pairwise(names):
        times = read_times(table[first], table[second])
        if times is None or not (times.start <= times.end).all() or (times.start == times.end).all():
            continue
        rising = times.start[1:] >= times.start[:-1]  # where it falls, another recording begins
        follows = (times.start[1:] >= times.end[:-1])[rising]
        found.append((float(follows.mean()) if len(follows) else _IN_ORDER, (first, second)))
    best = max(found, default=None)
    return best[1] if best and best[0] >= _IN_ORDER else None


def _assignments(rest: Sequence[str], texts: Sequence[str]) -> list[tuple[str, str | None, str | None]]:
    """Label, subject and session of the columns that are left; as HAPT has them first."""
    others: list[str | None] = [*rest, None, None]
    choices = [
        (label, subject, session)
        for session, subject, label in permutations(others, 3)
        if label is not None and (not texts or label == texts[0])
    ]
    return list(dict.fromkeys(choices))


def _known(
    table: dict[str, list[str]], roles: tuple[str, str | None, str | None], context: RecordingContext
) -> tuple[float, int]:
    """Share of rows whose subject and session exist, and how many columns say so."""
    label, subject, session = roles
    pairs = {(same_name(span.subject), same_name(span.session)) for span in context.recordings}
    whole = {(who if subject else "", which if session else "") for who, which in pairs}
    count = len(table[label])
    said = [
        (same_name(table[subject][i]) if subject else "", same_name(table[session][i]) if session else "")
        for i in range(count)
    ]
    labels = len(set(table[label])) > 1 or count == 1
    return sum(pair in whole for pair in said) / count + labels, (subject is not None) + (session is not None)
