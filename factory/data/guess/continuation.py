"""Files that continue each other: the step over the border between two is like a step inside one."""

import re

import numpy as np

from factory.contracts.progress import Silent
from factory.data.guess.project import Project
from factory.data.guess.roles import Roles
from factory.data.guess.sample import ColumnStream
from factory.data.guess.triads import AXES
from factory.data.intake.members import Member
from factory.data.intake.patterns import is_template
from factory.data.intake.sheet import Kind
from factory.data.statistics import Doubles

_PAIRS = 12
_LIKE_INSIDE = 3.0
"""Median step over a border in median steps inside a file, up to which files continue each other."""
_SEGMENTS = ("part", "trial", "session")


def joined_session(project: Project, roles: Roles, template: str) -> str | None:
    """The template without the part that numbers pieces of one recording; None where files stand for themselves.

    Empty where a person's files are all one recording.
    """
    if roles.times:
        return None
    for name in _SEGMENTS:
        field = f"{{{name}}}"
        if field in template:
            pairs = _pairs(project, name)
            if pairs and _continue(project, roles, pairs):
                rest = re.sub(r"^[_-]|[_-]$|(?<=[_-])[_-]", "", template.replace(field, ""))
                label = roles.label.column if roles.label is not None and is_template(roles.label.column) else ""
                return rest if label in rest else "_".join(filter(None, (label, rest)))
    return None


def _pairs(project: Project, segment: str) -> list[tuple[Member, Member]]:
    """Neighbours that differ in that part only, spread over all files."""
    found = []
    for first, second in zip(project.members, project.members[1:], strict=False):
        own = [{k: v for k, v in one.fields.items() if k not in (segment, "file", "stem")} for one in (first, second)]
        if own[0] == own[1]:
            found.append((first, second))
    step = max(1, len(found) // _PAIRS)
    return found[::step][:_PAIRS]


def _continue(project: Project, roles: Roles, pairs: list[tuple[Member, Member]]) -> bool:
    columns = tuple(dict.fromkeys(axes.columns[axis] for axes in roles.triads for axis in AXES))
    ratios = []
    for first, second in pairs:
        before, after = _values(project, first, columns), _values(project, second, columns)
        if len(before) > 2 and len(after):
            inside = np.median(np.abs(np.diff(before, axis=0)), axis=0)
            over = np.abs(after[0] - before[-1])
            ratios.append(float(np.median(over[inside > 0] / inside[inside > 0])) if (inside > 0).any() else np.inf)
    return len(ratios) >= min(3, len(pairs)) and float(np.median(ratios)) <= _LIKE_INSIDE


def _values(project: Project, member: Member, columns: tuple[str, ...]) -> Doubles:
    wanted: dict[str, Kind] = dict.fromkeys(columns, "number")
    parts = []
    for _, batch in ColumnStream(members=(member,), readings=project.readings, wanted=wanted, progress=Silent()):
        arrays = [np.asarray(batch.column(name).to_numpy(zero_copy_only=False), np.float64) for name in columns]
        parts.append(np.stack(arrays, axis=1))
    return np.concatenate(parts) if parts else np.empty((0, len(columns)))
