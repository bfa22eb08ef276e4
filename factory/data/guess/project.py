"""The files of a project: which hold recordings, how each is read, and what their names say."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from factory.contracts.errors import DataError
from factory.contracts.table import Reading, escape
from factory.data.formats import FORMATS, open_format
from factory.data.guess.check import Check
from factory.data.guess.path_guess import PathGuess, guess_paths
from factory.data.intake.detect import detect, open_sheet
from factory.data.intake.members import Member, fit_members, list_members
from factory.data.intake.patterns import fields_of, fit
from factory.data.names import listed

_DETECTED = 48
"""Files that are looked into before all are taken to be alike."""
_NOT_DATA = (
    ".py", ".md", ".pdf", ".html", ".htm", ".png", ".jpg", ".jpeg", ".gif", ".mp4", ".mov", ".avi", ".ipynb", ".toml",
    ".yaml", ".yml", ".xml", ".m", ".r", ".doc", ".docx", ".ini", ".rtf", ".svg", ".zip", ".cff", ".bib",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """What the command line says of files.

    Attributes:
        pattern: Instead of the guessed one.
        names: Of columns, where no header names them.
        labels: A file of label intervals.
        format: How to read all of them.
    """

    pattern: str | None = None
    names: tuple[str, ...] | None = None
    labels: Path | None = None
    format: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """Files of recordings.

    Attributes:
        folder: What the description calls `folder`.
        files: Patterns below it.
        ignore: Patterns of what holds no recordings.
        members: The recordings' files, with the parts of their paths.
        readings: How they are read.
        label_files: Files that may hold labels.
        session: Template that tells files of one person and sensor apart; None where there is one.
        reason: Why this pattern.
        checks: What a person must look at.
    """

    folder: Path
    files: tuple[str, ...]
    ignore: tuple[str, ...]
    members: tuple[Member, ...]
    readings: tuple[Reading, ...]
    label_files: tuple[Member, ...]
    session: str | None
    reason: str
    checks: tuple[Check, ...]

    def line(self, file: str, row: int) -> str:
        """A row of a file, in words for a person."""
        member = next(member for member in self.members if member.name == file)
        return open_sheet(member, self.readings).line(row).removeprefix(f"{self.folder}/")


def find_project(paths: Sequence[Path], told: Files) -> Project:
    """Look at files, folders and archives.

    Raises:
        DataError: Nothing is there, or no file can be read as a table; says what they are instead.
        RecipeError: The pattern cannot be used.
    """
    for path in paths:
        if not path.exists():
            raise DataError(f"{path} does not exist: name files, folders or zip archives of recordings")
    folder, everything = _listed(paths)
    if not everything:
        raise DataError(f"{folder} holds no files: name files, folders or zip archives of recordings")
    labels = _labels_member(told.labels, folder, everything)
    rest = [member for member in everything if labels is None or member.name != labels.name]
    if len(rest) == 1:
        only = rest[0]
        found = fit_members(rest, (told.pattern or escape(only.name),))
        if told.pattern and not found:
            raise DataError(f"--pattern {told.pattern} does not fit {only.name}: parts are written as {{name}}")
        readings = (_detected(only, told),)
        return Project(
            folder=folder, files=(told.pattern or escape(only.name),), ignore=(), members=tuple(found),
            readings=readings, label_files=(labels,) if labels else (), session=None, reason="", checks=(),
        )  # fmt: skip
    return _several(folder, rest, labels, told)


def _several(folder: Path, members: list[Member], labels: Member | None, told: Files) -> Project:
    beside = _beside(members, told)
    recorded = [member for member in members if not any(fit(one, member.name) is not None for one in beside)]
    guess = guess_paths(_recordings_first(recorded))
    pattern = told.pattern or guess.pattern
    if pattern is None:
        raise DataError(
            f"{folder}: no file of recordings among {listed([member.name for member in members])}: name the files "
            "themselves, or say --pattern '{subject}/{label}.csv'"
        )
    files = (pattern,)
    ignore = (*beside, *(() if told.pattern else guess.ignore))
    found = fit_members(members, files, ignore)
    if not found:
        raise DataError(f"{folder}: no file fits --pattern {pattern}: parts are written as {{name}}, ** is any folder")
    readings, refused = _readings(found, told)
    unread: tuple[Check, ...] = ()
    if refused:
        ignore = (*ignore, *(escape(member.name) for member in refused))
        found = [member for member in found if member not in refused]
        unread = (_unread(refused),)
    ignore = tuple(
        one for one in ignore if any(fit(pattern, m.name) is not None for m in members if fit(one, m.name) is not None)
    )
    by_name = {member.name: member for member in members}
    named = [by_name[name] for name in guess.label_files if name in by_name]
    return Project(
        folder=folder,
        files=files,
        ignore=ignore,
        members=tuple(found),
        readings=readings,
        label_files=(labels,) if labels else tuple(named),
        session=guess.session if told.pattern is None else _template(pattern, found),
        reason="named with --pattern" if told.pattern else guess.reason,
        checks=unread if told.pattern else (*unread, *_path_checks(guess, pattern)),
    )


def _beside(members: Sequence[Member], told: Files) -> tuple[str, ...]:
    """Patterns of what the named formats among the files put beside recordings; none where nothing else is there."""
    named = {member.name.rpartition("/")[2]: member for member in _recordings_first(list(members))}
    step = max(1, len(named) // _DETECTED)
    found, _ = _detect_all(list(named.values())[::step], told)
    formats = dict.fromkeys(reading.format for reading in found.values() if reading.format in FORMATS)
    beside = [one for name in formats for one in open_format(name).auxiliary]
    if all(any(fit(one, member.name) is not None for one in beside) for member in members):
        return ()
    return tuple(beside)


def _template(pattern: str, members: Sequence[Member]) -> str | None:
    """The parts of a pattern that, with person and sensor, tell every two files apart."""
    parts = [name for name in fields_of(pattern) if name not in ("subject", "sensor", "placement")]
    own = [name for name in ("subject", "sensor", "placement") if name in fields_of(pattern)]
    for chosen in ([], [name for name in parts if name != "label"], parts):
        keys = {tuple(member.fields[name] for name in (*own, *chosen)) for member in members}
        if len(keys) == len(members):
            return "_".join(f"{{{name}}}" for name in chosen) or None
    return "{parent}" if {"sensor", "placement"} & set(own) else "{file}"


def _unread(refused: Sequence[Member]) -> Check:
    try:
        detect(refused[0])
        why = ""
    except DataError as error:
        why = f" ({str(error).removeprefix(str(refused[0])).strip(' :').partition(':')[0]})"
    message = f"{listed([member.name for member in refused])} cannot be read as a table and is left out{why}"
    return Check(code="files.unread", key="files", message=message)


def _path_checks(guess: PathGuess, pattern: str) -> tuple[Check, ...]:
    said = "; ".join(f"{{{name}}}: {reason}" for name, reason in guess.fields.items())
    if not guess.fields:
        return ()
    message = f"paths are read as {pattern} ({said}){'' if guess.sure else f'; {guess.reason}'}"
    return (Check(code="files.pattern", key="files", message=message),)


def _recordings_first(members: list[Member]) -> list[Member]:
    return [member for member in members if member.suffix not in _NOT_DATA]


def _listed(paths: Sequence[Path]) -> tuple[Path, list[Member]]:
    """The folder that names are relative to, and every file."""
    if len(paths) == 1:
        path = paths[0]
        members = list_members(path)
        if path.is_file() and len(members) == 1 and members[0].inner is None:
            return path.parent, members
        return path, members
    folder = Path(os.path.commonpath([path.resolve().parent for path in paths]))
    members = []
    for path in paths:
        above = path.resolve().relative_to(folder).as_posix()
        for member in list_members(path):
            bare = path.is_file() and member.inner is None
            members.append(replace(member, name=above if bare else f"{above}/{member.name}"))
    return folder, members


def _labels_member(labels: Path | None, folder: Path, members: Sequence[Member]) -> Member | None:
    if labels is None:
        return None
    if not labels.is_file():
        raise DataError(f"--labels {labels} does not exist: name the file of label intervals")
    there = next((member for member in members if member.path.resolve() == labels.resolve()), None)
    if there is not None:
        return there
    relative = os.path.relpath(labels.resolve(), folder.resolve()).replace(os.sep, "/")
    if relative.startswith(".."):
        raise DataError(f"--labels {labels} lies outside {folder}: copy it there, the description is relative to it")
    return Member(path=labels, inner=None, name=relative)


def _detected(member: Member, told: Files) -> Reading:
    reading = detect(member, told.format)
    if told.names is not None:
        reading = reading.model_copy(update={"names": told.names})
    return reading


def _readings(members: Sequence[Member], told: Files) -> tuple[tuple[Reading, ...], list[Member]]:
    """One reading a dialect, and the files that nothing reads."""
    step = max(1, len(members) // _DETECTED)
    found, refused = _detect_all(members[::step], told)
    if step > 1 and (len(set(map(_key, found.values()))) > 1 or refused):
        found, refused = _detect_all(members, told)
    if not found:
        detect(members[0], told.format)  # raises what it is instead
        raise DataError(f"{members[0]} cannot be read as a table: name the files of recordings")
    kinds = Counter(_key(reading) for reading in found.values())
    (main, _), *others = kinds.most_common()
    readings = []
    for kind, _ in others:
        mine = [name for name, reading in found.items() if _key(reading) == kind]
        rest = [name for name, reading in found.items() if _key(reading) != kind]
        example = found[mine[0]]
        readings += [example.model_copy(update={"files": pattern}) for pattern in _patterns(mine, rest)]
    last = next(reading for reading in found.values() if _key(reading) == main)
    return (*readings, last), refused


def _key(reading: Reading) -> str:
    return reading.model_dump_json()


def _detect_all(members: Sequence[Member], told: Files) -> tuple[dict[str, Reading], list[Member]]:
    found: dict[str, Reading] = {}
    refused: list[Member] = []
    for member in members:
        try:
            found[member.name] = _detected(member, told)
        except DataError:
            refused.append(member)
    return found, refused


def _patterns(mine: Sequence[str], rest: Sequence[str]) -> list[str]:
    """A pattern that fits these names and none of the rest, or each name by itself."""
    for sign in (".", "/"):
        ends = {sign + name.rsplit(sign, 1)[-1] for name in mine}
        if len(ends) == 1 and not any(name.endswith(tuple(ends)) for name in rest):
            return [f"**{escape(end)}" for end in ends]
    return [escape(name) for name in mine]


def without(project: Project, strangers: Sequence[Member]) -> Project:
    """A project that leaves files out which have none of the sensors' columns, and says so."""
    if not strangers:
        return project
    message = f"{listed([member.name for member in strangers])} has none of the sensors' columns and is left out"
    return replace(
        project,
        ignore=(*project.ignore, *(escape(member.name) for member in strangers)),
        members=tuple(member for member in project.members if member not in strangers),
        checks=(Check(code="files.other_columns", key="files", message=message), *project.checks),
    )


def formats_that_say(readings: Sequence[Reading]) -> list[str]:
    """Titles of the named formats among the readings."""
    return [open_format(reading.format).title for reading in readings if reading.format in FORMATS]
