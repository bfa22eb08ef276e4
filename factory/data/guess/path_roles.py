"""Which varying part of paths says person, label, session, sensor and placement: by words first, then by counts."""

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from factory.data.guess import path_words as known
from factory.data.guess.path_parts import Part
from factory.data.guess.path_words import Kind, plain

Role = Literal["subject", "label", "session", "sensor", "placement", "again"]
ROLES: tuple[Role, ...] = ("subject", "label", "session", "sensor", "placement")

_ONCE = ("subject", "label", "sensor", "placement")
_MOST_COLUMNS = 7
_MISSING = {"subject": 1.0, "label": 0.8}
"""What it costs to leave nobody, or no activity, in the path."""
_FIRST = 0.4
"""How much likelier a person stands before a session than behind it."""
_SURE = 0.7
"""Distance between the best and the second best reading, in the units of the tables below."""
_KINDS = (Kind.WORD, Kind.NUMBER, Kind.LABEL, Kind.STAMP, Kind.SENSOR, Kind.PLACE)
_TEXT: dict[Role, tuple[float, ...]] = {
    "subject": (1.5, 0.8, -6, -3, -5, -4),
    "label": (1.2, 0, 6, -5, -3, -2),
    "session": (0, 1.5, -4, 5, -4, -4),
    "sensor": (-2, -2, -5, -5, 7, -2),
    "placement": (-2, -3, -5, -5, -2, 6),
}
"""What each of `_KINDS` says for a role."""
_WORDS: dict[Role, tuple[Collection[str], float]] = {
    "subject": (known.PERSON_WORDS, 5.0),
    "label": (known.LABEL_WORDS, 4.0),
    "session": (known.SESSION_WORDS, 4.0),
    "sensor": (known.SENSOR_WORDS, 5.0),
    "placement": (known.PLACE_WORDS, 5.0),
}
_LETTERS: dict[Role, dict[str, float]] = {
    "subject": known.PERSON_LETTERS,
    "label": known.LABEL_LETTERS,
    "session": known.SESSION_LETTERS,
}
_OTHER_WORD, _OTHER_LETTER = -3.0, -0.5
_NAMES = {"subject": "person", "label": "label", "session": "session", "sensor": "sensor", "placement": "placement"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A varying part and the word in front of it.

    Attributes:
        part: Its texts.
        marker: The letters that stand directly before it: 'sub' in 'sub_1'; "" if none do.
    """

    part: Part
    marker: str

    def share(self, kind: Kind) -> float:
        """Of its different texts that are of a kind."""
        pairs = set(zip(self.part.texts, self.part.kinds, strict=True))
        return sum(of is kind for _, of in pairs) / len(pairs)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What each column says.

    Attributes:
        roles: Per column.
        reasons: Per column, in words.
        other: The second best reading where it is about as likely, in words; None where it is not.
    """

    roles: tuple[Role, ...]
    reasons: tuple[str, ...]
    other: str | None


def columns_of(parts: Sequence[Part | None]) -> list[Column]:
    """The varying parts of whole paths, with the words before them; None is what has no meaning."""
    found: list[Column] = []
    before = ""
    for part in parts:
        if part is None:
            before = ""
        elif part.fixed:
            before += part.texts[0]
        else:
            found.append(Column(part=part, marker=_marker(before, part)))
            before = ""
    return found


def read_roles(columns: Sequence[Column]) -> Reading:
    """The likeliest role of each column; 'again' for one that repeats an earlier one."""
    first = {index: _earlier(columns, index) for index in range(len(columns))}
    own = [index for index, earlier in first.items() if earlier is None][:_MOST_COLUMNS]
    asked = [_with_markers(columns, index, first) for index in own]
    readings = sorted(_readings(asked), key=lambda reading: -reading[0])
    score, best = readings[0]
    roles: list[Role] = ["again" if first[index] is not None else "session" for index in range(len(columns))]
    for index, role in zip(own, best, strict=True):
        roles[index] = role
    rival = next((roles for other, roles in readings[1:] if score - other < _SURE and _differs(best, roles)), None)
    return Reading(
        roles=tuple(roles),
        reasons=tuple(_reason(column, role) for column, role in zip(columns, roles, strict=True)),
        other=_unfounded(asked, best) if rival is None else _both(asked, best, rival),
    )


def _marker(before: str, part: Part) -> str:
    found = re.search(r"([^\W\d_]+)[-_=. #/]*$", before)
    if found:
        return plain(found[1])
    coded = [re.fullmatch(r"([^\W\d_]{1,2})\d+", text) for text in set(part.texts)]
    letters = {plain(code[1]) if code else "" for code in coded}
    return letters.pop() if len(letters) == 1 else ""


def _earlier(columns: Sequence[Column], index: int) -> int | None:
    """The column before it that holds the same texts."""
    texts = [plain(text) for text in columns[index].part.texts]
    return next((i for i in range(index) if [plain(text) for text in columns[i].part.texts] == texts), None)


def _with_markers(columns: Sequence[Column], index: int, first: dict[int, int | None]) -> Column:
    """A column with the most telling word of those before it and before its repetitions."""
    alike = [columns[index], *(columns[i] for i, earlier in first.items() if earlier == index)]
    told = [column for column in alike if any(column.marker in words for words, _ in _WORDS.values())]
    return Column(part=columns[index].part, marker=(told or alike)[0].marker)


def _readings(columns: Sequence[Column]) -> list[tuple[float, tuple[Role, ...]]]:
    """Every way to give each column a role, with its score."""
    scores = [_scores(columns, index) for index in range(len(columns))]
    found = []
    for roles in product(ROLES, repeat=len(columns)):
        if any(roles.count(role) > 1 for role in _ONCE):
            continue
        score = sum(scores[index][role] for index, role in enumerate(roles))
        score -= sum(cost for role, cost in _MISSING.items() if role not in roles)
        if "subject" in roles and "session" in roles and roles.index("subject") < roles.index("session"):
            score += _FIRST
        elif "subject" in roles and "label" in roles and roles.index("subject") < roles.index("label"):
            score += _FIRST / 2
        found.append((score, roles))
    return found


def _scores(columns: Sequence[Column], index: int) -> dict[Role, float]:
    column = columns[index]
    scores = {
        role: sum(worth * column.share(kind) for kind, worth in zip(_KINDS, _TEXT[role], strict=True)) for role in ROLES
    }
    for role in ROLES:
        scores[role] += _told(column.marker, role)
    numbered = _numbered(column)
    scores["session"] += 1.5 * numbered
    scores["label"] -= numbered
    if column.part.distinct > 60:
        scores["label"] -= 1.5
    crossing = _crossing(columns, index)
    if crossing is not None:
        scores["subject"] += 3 * (crossing - 0.5)
        scores["session"] += 0.5 * (crossing < 0.5)
    return scores


def _told(marker: str, role: Role) -> float:
    """What the word before a column says for a role."""
    words, worth = _WORDS[role]
    if marker in words:
        return worth
    if len(marker) == 1:
        others = any(marker in letters for other, letters in _LETTERS.items() if other != role)
        return _LETTERS.get(role, {}).get(marker, _OTHER_LETTER if others else 0.0)
    return _OTHER_WORD if any(marker in words for words, _ in _WORDS.values()) else 0.0


def _numbered(column: Column) -> float:
    """Share of texts that are words with a number behind them: 'ADL1'; a single letter is a code."""
    texts = {text for text, kind in zip(column.part.texts, column.part.kinds, strict=True) if kind is Kind.WORD}
    return sum(bool(re.search(r"[^\W\d_]{2}[-_ ]?\d+$", text)) for text in texts) / column.part.distinct


def _crossing(columns: Sequence[Column], index: int) -> float | None:
    """Share of a column's texts that stand beside several activities; people do, recordings mostly do not.

    None where no other column holds activities, or every text stands in one file only.
    """
    labels = [c for i, c in enumerate(columns) if i != index and (c.share(Kind.LABEL) >= 0.5 or c.marker == "activity")]
    if not labels or labels[0].part.distinct < 2 or columns[index].share(Kind.LABEL) >= 0.5:
        return None
    beside: defaultdict[str, set[str]] = defaultdict(set)
    for text, label in zip(columns[index].part.texts, labels[0].part.texts, strict=True):
        beside[text].add(label)
    return sum(len(found) > 1 for found in beside.values()) / len(beside)


def _differs(best: Sequence[Role], other: Sequence[Role]) -> bool:
    """Whether two readings disagree on who, or on what was done."""
    return any(
        (role in best) != (role in other) or (role in best and best.index(role) != other.index(role))
        for role in ("subject", "label")
    )


def _unfounded(columns: Sequence[Column], roles: Sequence[Role]) -> str | None:
    """What is doubtful of a person whom no word names and no known activity stands beside."""
    if "subject" not in roles:
        return None
    person = columns[roles.index("subject")]
    beside = columns[roles.index("label")] if "label" in roles else None
    if _told(person.marker, "subject") > 1 or (beside and (beside.share(Kind.LABEL) > 0 or beside.marker)):
        return None
    return f"{_shown(person)} is the person here, but no word says so"


def _both(columns: Sequence[Column], best: Sequence[Role], rival: Sequence[Role]) -> str:
    """The second reading in words, next to the first."""
    told = []
    for column, one, other in zip(columns, best, rival, strict=True):
        if one != other:
            told.append(f"{_shown(column)} is the {_NAMES[one]} here, but may be the {_NAMES[other]}")
    return "; ".join(told)


def _shown(column: Column) -> str:
    texts = list(dict.fromkeys(text for text in column.part.texts if text))
    return ", ".join(f"'{text:.30}'" for text in texts[:3]) + (", ..." if len(texts) > 3 else "")


def _reason(column: Column, role: Role) -> str:
    """Why a column has its role."""
    what = f"{_shown(column)} ({column.part.distinct} different)"
    if role == "again":
        return f"{what}: said before in the path"
    words, _ = _WORDS[role]
    if column.marker in words or (len(column.marker) == 1 and _LETTERS.get(role, {}).get(column.marker, 0) >= 1):
        return f"{what}: stands behind '{column.marker}'"
    kinds: dict[Role, Kind] = {
        "label": Kind.LABEL, "sensor": Kind.SENSOR, "placement": Kind.PLACE, "session": Kind.STAMP
    }  # fmt: skip
    if role in kinds and column.share(kinds[role]) > 0:
        named = {"label": "activities", "sensor": "sensors", "placement": "places", "session": "dates or identifiers"}
        return f"{what}: {named[role]}"
    if role == "subject":
        return f"{what}: names or numbers that no other part explains"
    return f"{what}: the part that is left"
