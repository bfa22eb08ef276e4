"""Names of a model and its classes in Kotlin, Java and Maven."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

GROUP = "dev.smldist.models"
_RESERVED = frozenset(
    re.findall(
        r"\w+",
        """
    abstract as assert boolean break byte case catch char class const continue default do double else enum extends
    false final finally float for fun goto if implements import in instanceof int interface is long native new null
    object package private protected public return short static strictfp super switch synchronized this throw throws
    transient true try typealias typeof val var void volatile when while
    """,
    )
)
_IN_DEX = re.compile("[\u00a1-\u1fff\u2c00-\u2fef\u3001-\ud7ff]")
"""Letters beyond ASCII are taken from here: what lies in between are signs, or not allowed in an app's code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelNames:
    """What the parts of a model's AAR are called.

    Attributes:
        package: Of its classes, which is also the AAR's namespace.
        model: Class of the object.
        activity: Class of the enum.
        constants: Of the enum, in the order of the labels.
    """

    package: str
    model: str
    activity: str
    constants: tuple[str, ...]


def names_of(name: str, labels: Sequence[str]) -> ModelNames:
    """Names for a model of that name with these classes."""
    camel = "".join(word[:1].upper() + word[1:] for word in name.split("_"))
    own = f"{name}_" if name in _RESERVED else name
    return ModelNames(
        package=f"{GROUP}.{own}", model=f"{camel}Model", activity=f"{camel}Activity", constants=constants_of(labels)
    )


def constants_of(labels: Sequence[str]) -> tuple[str, ...]:
    """A constant for each label: letters and digits in capitals, all else `_`; a number where two would be the same.

    A label of no letter and no digit is ACTIVITY, one that begins with a digit begins with `_`.
    """
    plain = [_constant(label) for label in labels]
    taken = set(plain)
    found: list[str] = []
    for name in plain:
        chosen, number = name, 2
        while chosen in found or (chosen != name and chosen in taken):
            chosen, number = f"{name}_{number}", number + 1
        found.append(chosen)
    return tuple(found)


def _constant(label: str) -> str:
    signs = unicodedata.normalize("NFC", label.upper())
    name = re.sub("_+", "_", "".join(sign if _usable(sign) else "_" for sign in signs)).strip("_")
    if not name:
        return "ACTIVITY"
    return name if name[0].isalpha() else f"_{name}"


def _usable(sign: str) -> bool:
    if sign.isascii():
        return sign.isalnum()
    return _IN_DEX.fullmatch(sign) is not None and unicodedata.category(sign) in {"Lu", "Ll", "Lo", "Lm", "Lt", "Nd"}
