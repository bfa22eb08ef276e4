"""One person or label under several spellings: `Anna` and `anna `, `1` and `1.0`.

Two spellings of a person stand on both sides of a split, and two of a label become two classes.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable

_WHOLE = re.compile(r"([+-]?\d+)\.0*")
_SEPARATORS = re.compile(r"[\s_-]+")
_BEFORE_NUMBER = re.compile(r"(?<=[^\W\d_]) (?=\d)")
_LEADING_ZEROS = re.compile(r"(?<![\d.])0+(?=\d)")


def normal_name(text: str) -> str:
    """The one form of all spellings of a name that surely mean the same.

    Outer blanks are dropped, inner ones become one, letters lose their case and width (Unicode NFKC), and `1.0` is
    `1`. Leading zeros stay: `01` and `1` may be two people.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
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


def _groups(names: Iterable[str], form: Callable[[str], str]) -> list[tuple[str, ...]]:
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for name in names:
        found[form(name)][name] = None
    return [tuple(spellings) for spellings in found.values() if len(spellings) > 1]
