"""Which parts of the files' names say person, label, session, sensor and placement: a pattern for `files`."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from factory.contracts.errors import RecipeError
from factory.contracts.table import escape
from factory.data.guess.path_files import FileKinds, split_suffix
from factory.data.guess.path_parts import Part, split_parts
from factory.data.guess.path_roles import Reading, columns_of, read_roles
from factory.data.guess.path_words import SESSION_WORDS, SPLIT_WORDS, Kind, plain
from factory.data.intake.members import Member
from factory.data.intake.patterns import compile_pattern, fit

_FURTHER = ("trial", "part", "part_b", "part_c", "part_d", "part_e", "part_f", "part_g")
_ARCHIVES = (".zip", ".xlsx", ".xlsm")
_MOST_TEXTS, _MOST_FORMS = 60, 600
_SHARD = re.compile(r"(?:part|chunk|shard|data)?[-_]?(?:\d+|[0-9a-f-]{32,40}(?:-\d+)?|\d+-[0-9a-f-]{36}.*)")


@dataclass(frozen=True, kw_only=True, slots=True)
class PathGuess:
    """What the names of files say.

    Attributes:
        pattern: Fits every file of recordings; None where there is no such file.
        ignore: Patterns of the other files; none fits a file of recordings.
        fields: Named part of the pattern to the reason for it. Names: label, subject, session, sensor, placement, and
            for further parts of the session: date, trial, part, ...
        session: A template for `columns.session` that, with person, sensor and placement, tells every two files apart,
            for example '{session}_{trial}' or '{label}_{session}'; None where these do so by themselves.
        label_files: Names of files that may hold labels (labels.txt, Annotation.csv): for `guess_intervals`.
        sure: False where another reading is as likely, or files were left out that look like recordings.
        reason: Why, in words; names the other reading.
    """

    pattern: str | None
    ignore: tuple[str, ...]
    fields: dict[str, str]
    session: str | None = None
    label_files: tuple[str, ...] = field(default=())
    sure: bool
    reason: str


@dataclass(frozen=True, slots=True)
class _Field:
    """A varying part with its name; "" where the pattern has '*'."""

    name: str
    texts: tuple[str, ...]


_Piece = str | _Field
_ANYTHING = _Field("", ())


def guess_paths(members: Sequence[Member]) -> PathGuess:
    """Name the varying parts of the files' paths.

    Args:
        members: Every file below the folder, as `list_members` gives them, recordings or not.
    """
    kinds = FileKinds(members)
    labels = tuple(kinds.labels)
    if not kinds.data:
        return PathGuess(
            pattern=None, ignore=kinds.ignore(""), fields={}, label_files=labels, sure=False, reason="no recordings"
        )
    if len(kinds.data) == 1:
        pattern = escape(kinds.data[0])
        ignore, sure = kinds.ignore(pattern), not kinds.unlike
        return PathGuess(pattern=pattern, ignore=ignore, fields={}, label_files=labels, sure=sure, reason="one file")
    return _guess(kinds) or _unnamed(kinds)


def _guess(kinds: FileKinds) -> PathGuess | None:
    """The named parts; None if no pattern names them in every file."""
    if kinds.mixed:
        return None
    parts = _whole_paths(kinds.data)
    columns = columns_of(parts)
    reading = read_roles(columns)
    pieces, fields = _named(parts, reading)
    pattern = _fitting(pieces, kinds.data)
    if pattern is None:
        return None
    named = [piece for piece in pieces if isinstance(piece, _Field) and piece.name]
    return PathGuess(
        pattern=pattern,
        ignore=kinds.ignore(pattern),
        fields=fields,
        session=_session(named, kinds.data),
        label_files=tuple(kinds.labels),
        sure=reading.other is None and not kinds.unlike,
        reason=_reason(kinds, reading, fields),
    )


def _unnamed(kinds: FileKinds) -> PathGuess:
    """A pattern without names, for files that no one layout describes."""
    suffixes = {split_suffix(name)[1] for name in kinds.data}
    end = escape(suffixes.pop()) if len(suffixes) == 1 else ""
    depths = {name.count("/") for name in kinds.data}
    pattern = ("*/" * depths.pop() if len(depths) == 1 else "**/") + "*" + end
    return PathGuess(
        pattern=pattern,
        ignore=kinds.ignore(pattern),
        fields={},
        session="{file}",
        label_files=tuple(kinds.labels),
        sure=False,
        reason=f"{len(kinds.data)} files of no one layout ({kinds.data[0]:.80}, {kinds.data[-1]:.80}): "
        "name the parts of their paths in 'files'",
    )


def _whole_paths(names: Sequence[str]) -> list[Part | None]:
    """Parts of whole paths; None stands for what differs without meaning: suffixes, numbers of shards."""
    stems, suffixes = zip(*map(split_suffix, names), strict=True)
    levels = list(zip(*(stem.split("/") for stem in stems), strict=True))
    parts: list[Part | None] = []
    for depth, level in enumerate(levels):
        parts += [Part(("/",))] if depth else []
        bare = _without_archive(level) if depth < len(levels) - 1 else level
        if depth and depth == len(levels) - 1 and _shards(levels[depth - 1], level):
            parts.append(None)
        else:
            parts += [None if _is_split(part) else part for part in split_parts(bare)]
        parts += [] if bare is level else [None]
    parts.append(Part((suffixes[0],)) if len(set(suffixes)) == 1 else None)
    return _joined(parts)


def _shards(folders: Sequence[str], stems: Sequence[str]) -> bool:
    """Whether the files are pieces of one table: 'user=1/part-0.parquet'."""
    return all("=" in folder for folder in folders) and all(_SHARD.fullmatch(plain(stem)) for stem in stems)


def _is_split(part: Part) -> bool:
    """Whether it says 'train' or 'test', 'labelled' or 'unlabelled'."""
    return not part.fixed and all(plain(text) in SPLIT_WORDS for text in part.texts)


def _without_archive(level: Sequence[str]) -> Sequence[str]:
    """Folders that are archives in part, without '.zip'."""
    found = [next((s for s in _ARCHIVES if name.lower().endswith(s)), "") for name in level]
    if len(set(found)) < 2:
        return level
    return [name[: len(name) - len(suffix)] for name, suffix in zip(level, found, strict=True)]


def _joined(parts: Sequence[Part | None]) -> list[Part | None]:
    """Neighbouring fixed texts as one."""
    joined: list[Part | None] = []
    for part in parts:
        last = joined[-1] if joined else None
        if part is not None and part.texts == ("",):
            continue
        if part is not None and part.fixed and last is not None and last.fixed:
            joined[-1] = Part((last.texts[0] + part.texts[0],))
        else:
            joined.append(part)
    return joined


def _named(parts: Sequence[Part | None], reading: Reading) -> tuple[list[_Piece], dict[str, str]]:
    """The pieces of the pattern, and the reason of each named one."""
    pieces: list[_Piece] = []
    fields: dict[str, str] = {}
    names = iter(_names(parts, reading))
    reasons = iter(reading.reasons)
    for part in parts:
        if part is None:
            pieces.append(_ANYTHING)
        elif part.fixed:
            pieces.append(part.texts[0])
        else:
            name, why = next(names), next(reasons)
            pieces.append(_Field(name, part.texts))
            fields |= {name: why} if name else {}
    return _absorbed(pieces), fields


def _names(parts: Sequence[Part | None], reading: Reading) -> list[str]:
    """A name for each varying part; "" for one that repeats another."""
    varying = [part for part in parts if part is not None and not part.fixed]
    dated = [all(kind is Kind.STAMP for kind in part.kinds) for part in varying]
    sessions = [index for index, role in enumerate(reading.roles) if role == "session"]
    main = next((index for index in sessions if dated[index]), sessions[0] if sessions else None)
    names: list[str] = []
    for index, role in enumerate(reading.roles):
        if role == "again":
            names.append("")
        elif role != "session" or index == main:
            names.append(role)
        else:
            names.append(next(name for name in _FURTHER if name not in names))
    return names


def _absorbed(pieces: list[_Piece]) -> list[_Piece]:
    """Codes as people say them: 'P1' is the person, not '1'; 'trial_1' the session where it is a whole file's name."""
    found: list[_Piece] = []
    for index, piece in enumerate(pieces):
        before = found[-1] if found and isinstance(found[-1], str) else ""
        if isinstance(piece, _Field) and piece.name and (code := _code(before, pieces[index + 1 :], piece)):
            found[-1:] = [before[: -len(code)]] if before != code else []
            piece = _Field(piece.name, tuple(code + text for text in piece.texts))
        found.append(piece)
    return found


def _code(before: str, after: Sequence[_Piece], piece: _Field) -> str:
    """What of the fixed text before a part belongs to it."""
    letter = re.search(r"(?<![^\W_])([A-Z])$", before)
    if letter and all(text[:1].isdigit() for text in piece.texts):
        return letter[1]
    word = re.search(r"(?:^|/)(([^\W\d_]+)[-_ ])$", before)
    ends = not after or (isinstance(after[0], str) and after[0][0] in "./") or after[0] == _ANYTHING
    if piece.name == "session" and word and plain(word[2]) in SESSION_WORDS and ends:
        return word[1]
    return ""


def _fitting(pieces: Sequence[_Piece], names: Sequence[str]) -> str | None:
    """The simplest pattern that names the parts of every file as they were split; None if none does."""
    named = [piece for piece in pieces if isinstance(piece, _Field) and piece.name]
    wanted = [
        dict(zip([f.name for f in named], texts, strict=True)) for texts in zip(*(f.texts for f in named), strict=True)
    ]
    wanted = wanted or [{} for _ in names]
    for forms in _forms(pieces):
        pattern = _render(pieces, forms)
        try:
            compile_pattern(pattern)
        except RecipeError:
            continue
        if all(fit(pattern, name) == parts for name, parts in zip(names, wanted, strict=True)):
            return pattern
    return None


def _forms(pieces: Sequence[_Piece]) -> Iterator[dict[str, str]]:
    """Regular expressions for some of the parts, the fewest first; lists of texts, which no new file fits, last."""
    choices: dict[str, list[str]] = {}
    for index, piece in enumerate(pieces):
        if isinstance(piece, _Field) and piece.name:
            choices[piece.name] = _expressions(piece, pieces[index + 1] if index + 1 < len(pieces) else "/")
    names = list(choices)
    closed = [[form for form in found if "|" in form] for found in choices.values()]
    open_ones = [[form for form in found if "|" not in form] for found in choices.values()]
    for offered in (open_ones, list(choices.values())):
        rows = sorted(product(*(range(len(found) + 1) for found in offered)), key=_effort)
        for row in rows[:_MOST_FORMS]:
            yield {name: found[at - 1] for name, found, at in zip(names, offered, row, strict=True) if at}
    yield {name: found[0] for name, found in zip(names, closed, strict=True) if found}


def _effort(row: Sequence[int]) -> tuple[int, int]:
    return sum(at > 0 for at in row), sum(row)


def _expressions(piece: _Field, following: _Piece) -> list[str]:
    """Forms that all texts of a part have, the plainest first."""
    texts = sorted(set(piece.texts), key=lambda text: (-len(text), text))
    filled = [text for text in texts if text]
    if len(filled) < len(texts):
        signs = {text[0] for text in filled}
        body = r"\d+" if all(text[1:].isdecimal() and text.isascii() for text in filled) else "[^/]+"
        return [f"(?:{_escaped(signs.pop())}{body})?"] if len(signs) == 1 and not signs & set("{}") else []
    found = []
    if all(text.isdecimal() and text.isascii() for text in texts):
        found.append(r"\d+")
    code = re.match(r"[^\W\d_]+", texts[0])
    if code and all(re.fullmatch(re.escape(code[0]) + r"\d+", text) for text in texts):
        found.append(re.escape(code[0]) + r"\d+")
    stop = _stop(following)
    if stop and stop not in "/{}" and not any(stop in text for text in texts):
        found.append(f"[^{_in_set(stop)}/]+")
    if not any(sign.isdigit() for text in texts for sign in text):
        found.append(r"[^\d/]+")
    if len(texts) <= _MOST_TEXTS and not any(sign in "{}" for text in texts for sign in text):
        found.append("|".join(map(_escaped, texts)))
    return found


def _escaped(text: str) -> str:
    """For a regular expression; blanks and hyphens stay as they are."""
    return re.escape(text).replace("\\-", "-").replace("\\ ", " ")


def _in_set(sign: str) -> str:
    return re.escape(sign) if sign in "\\^]" else sign


def _stop(following: _Piece) -> str:
    """The sign at which what follows a part begins; "" if it may be any."""
    if isinstance(following, str):
        return following[0]
    signs = {text[0] for text in following.texts if text}
    if following.name and "" in following.texts and len(signs) == 1:
        return signs.pop()
    return "" if following.name else "."


def _render(pieces: Sequence[_Piece], forms: dict[str, str]) -> str:
    parts = []
    for piece in pieces:
        if isinstance(piece, str):
            parts.append(escape(piece))
        elif not piece.name:
            parts.append("*")
        else:
            parts.append(f"{{{piece.name}:{forms[piece.name]}}}" if piece.name in forms else f"{{{piece.name}}}")
    return "".join(parts)


def _session(named: Sequence[_Field], names: Sequence[str]) -> str | None:
    """The fewest parts that, with person, sensor and placement, tell all files apart."""
    texts = {piece.name: piece.texts for piece in named}
    folders, stems = zip(
        *((name.rpartition("/")[0], split_suffix(name.rpartition("/")[2])[0]) for name in names), strict=True
    )
    count = len(set(folders)) if _shards([folder.rpartition("/")[2] for folder in folders], stems) else len(names)
    fixed = [texts[name] for name in ("subject", "sensor", "placement") if name in texts]
    parts = [piece.name for piece in named if piece.name not in ("subject", "sensor", "placement", "label")]
    label = ["label"] if "label" in texts else []
    choices = [["session"], parts, label + parts] if parts else [[], label]
    for chosen in choices:
        columns = fixed + [texts[name] for name in chosen]
        told = all(any(row) for row in zip(*(texts[name] for name in chosen), strict=True))
        if len(set(zip(*columns, strict=True))) == count and told:
            return "_".join(f"{{{name}}}" for name in chosen) or None
    return "_".join(f"{{{name}}}" for name in label + parts) or None if "sensor" in texts else "{file}"


def _tables(names: Sequence[str]) -> int:
    """Number of files, or of folders where files are shards."""
    folders = [name.rpartition("/")[0] for name in names]
    stems = [split_suffix(name.rpartition("/")[2])[0] for name in names]
    return len(set(folders)) if _shards([folder.rpartition("/")[2] for folder in folders], stems) else len(names)


def _reason(kinds: FileKinds, reading: Reading, fields: dict[str, str]) -> str:
    told = [f"{len(kinds.data)} files"]
    told += [reading.other] if reading.other else []
    told += ["no part says the person"] if "subject" not in fields else []
    if kinds.unlike:
        shown = ", ".join(kinds.unlike[:3]) + (", ..." if len(kinds.unlike) > 3 else "")
        told.append(f"left out, for they lie elsewhere or are of another type: {shown}")
    return "; ".join(told)
