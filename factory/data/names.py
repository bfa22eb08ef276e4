"""One person or label under several spellings: `Anna` and `anna `, `1` and `1.0`.

Two spellings of a person stand on both sides of a split, and two of a label become two classes.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

_WHOLE = re.compile(r"([+-]?\d+)\.0*")
_SEPARATORS = re.compile(r"[\s_-]+")
_BEFORE_NUMBER = re.compile(r"(?<=[^\W\d_]) (?=\d)")
_NUMBERED = re.compile(r"(?P<who>.*[^\W_]|\d+(?=[\s_.-]))[\s_.-]*?(?<!\d)\d+")
_PARTED = re.compile(r".*[^\W_][\s_.-]+\d+")
_RECORDING = re.compile(r"(rec|record|recording|session|trial|run|file|take|log|measurement|experiment|exp|sample)")
_LEADING_ZEROS = re.compile(r"(?<![\d.])0+(?=\d)")


def listed(names: Sequence[str], most: int = 6) -> str:
    """Names for a message: 'a, b, c and 4 more'."""
    shown = ", ".join(names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def normal_name(text: str) -> str:
    """The one form of all spellings of a name that surely mean the same.

    Outer blanks are dropped, inner ones become one, letters lose their case and width (Unicode NFKC), signs that nobody
    sees (a byte order mark between joined files) are dropped, and `1.0` is `1`. Leading zeros stay: `01` and `1` may be
    two people.
    """
    seen = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
    plain = " ".join(folded.split())
    whole = _WHOLE.fullmatch(plain)
    return whole[1].removeprefix("+") if whole else plain


def loose_name(text: str) -> str:
    """The one form of spellings that may mean the same: `01` and `1`, `P_1` and `p1`, `walk-up` and `walk up`."""
    spaced = _SEPARATORS.sub(" ", normal_name(text)).strip()
    return _LEADING_ZEROS.sub("", _BEFORE_NUMBER.sub("", spaced)) or normal_name(text)


def spelled_twice(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Groups of different spellings that surely mean the same (`normal_name`), in the order of `names`."""
    return _groups(names, normal_name)


def spelled_alike(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Groups of names that may mean the same (`loose_name`), but not surely; one of each that surely do."""
    surely = {normal_name(name): name for name in reversed(list(names))}
    return _groups(reversed(surely.values()), loose_name)


def recordings_as_people(names: Sequence[str]) -> dict[str, list[str]]:
    """The people whom `names` stand for, if they look like recordings of people: `1_1`, `1_2`, `2_1`, `2_2`.

    Several names must share their first part, of at least half of the first parts; or all say what they are, as
    `rec_03` does. Empty where they look like people.
    """
    people: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        found = _NUMBERED.fullmatch(name.strip())
        people[found["who"] if found else name].append(name)
    several = [who for who, own in people.items() if len(own) > 1]
    if len(names) > 1 and len(several) == 1 and len(people) == 1:
        return dict(people) if _RECORDING.fullmatch(several[0].casefold()) else {}
    parted = all(_PARTED.fullmatch(name.strip()) for who in several for name in people[who])
    enough = 2 if parted else 3  # control1, control2, patient1, patient2 are people
    return dict(people) if len(several) >= enough and 2 * len(several) >= len(people) else {}


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts 's2' before 's10'."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name) if part]


def _groups(names: Iterable[str], form: Callable[[str], str]) -> list[tuple[str, ...]]:
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for name in names:
        found[form(name)][name] = None
    return [tuple(spellings) for spellings in found.values() if len(spellings) > 1]
