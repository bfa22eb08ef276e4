"""What the texts of labels mean: activities, none of them, nobody said, or the same one spelled twice."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from factory.data.guess.check import Check
from factory.data.guess.rows import Scan
from factory.data.guess.words import NULL, UNLABELLED
from factory.data.intake.sheet import is_number
from factory.data.names import listed, spelled_twice

_THROUGH_ZERO = 0.8
"""Share of the changes of label that go to or come from 0, from which it stands for the pause between activities."""
_WHOLE = re.compile(r"-?\d+(\.0+)?")
_MARKER_ROWS = 0.05
"""Share of the rows that carry a text, below which texts may mark where a label starts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelGuess:
    """The labels of a description.

    Attributes:
        order: Label to rows, in the order of the model's outputs.
        null: Texts that mean none of the activities.
        unlabelled: Texts that mean: nobody said.
        rename: Text in the files to the label it stands for.
        fill: Whether an empty label repeats the one before.
        checks: What a person must look at.
    """

    order: dict[str, int]
    null: tuple[str, ...]
    unlabelled: tuple[str, ...]
    rename: dict[str, str]
    fill: bool
    checks: tuple[Check, ...]


def guess_labels(tally: Mapping[str, int], scan: Scan, names: Mapping[str, str]) -> LabelGuess:
    """Sort the label texts of all rows.

    Args:
        tally: Text to rows.
        scan: All rows.
        names: Code to the activity that a list beside the recordings gives; empty where there is none.
    """
    checks: list[Check] = []
    rename = dict(names) or _whole_numbers(tally) | respelled(Counter(tally), "labels", checks)
    merged: Counter[str] = Counter()
    for text, rows in tally.items():
        merged[rename.get(text, text)] += rows
    unlabelled = [text for text in merged if text.strip().lower() in UNLABELLED]
    null = [text for text in merged if text not in unlabelled and _is_null(text)]
    rest = [text for text in merged if text not in unlabelled and text not in null]
    if len(rest) < 2 and null:
        message = f"{listed(null)} could mean none of the activities; kept as a class, since there would be too few"
        checks.append(Check(code="label.null", key="labels.order", message=message))
        null, rest = [], [text for text in merged if text not in unlabelled]
    elif null:
        message = (
            f"{listed([repr(text) for text in null])} is taken for none of the activities: never trained, kept as "
            "negatives; if it is an activity, move it to order"
        )
        checks.append(Check(code="label.null", key="labels.null", message=message))
    if "0" in rest:
        null, rest = _zero(rest, null, scan, rename, checks)
    fill = _is_markers(merged, unlabelled, scan, rename)
    if fill:
        message = (
            "labels stand in single rows with empty ones between: each is taken to hold until the next (fill); say "
            "fill = false if only those rows are labelled"
        )
        checks.append(Check(code="label.fill", key="labels.fill", message=message))
    return LabelGuess(
        order=_ordered({text: merged[text] for text in rest}),
        null=tuple(null),
        unlabelled=tuple(dict.fromkeys(("", *unlabelled))),
        rename=rename,
        fill=fill,
        checks=tuple(checks),
    )


def _whole_numbers(texts: Iterable[str]) -> dict[str, str]:
    """'1.0' to '1' where every number among labels is whole, as a column of codes with empty cells is written."""
    numbers = [text for text in texts if is_number(text) and text.strip().lower() not in UNLABELLED]
    if not all(_WHOLE.fullmatch(text) for text in numbers):
        return {}
    return {text: text.partition(".")[0] for text in numbers if "." in text}


def respelled(tally: Counter[str], what: str, checks: list[Check]) -> dict[str, str]:
    """Text to the most frequent spelling of the same name; asks for each group."""
    rename: dict[str, str] = {}
    for group in spelled_twice(tally):
        best = max((text for text in group if text.strip() == text), key=lambda text: tally[text], default=group[0])
        best = best.strip()
        rename |= {text: best for text in group if text != best}
        shown = listed([repr(text) for text in group])
        message = f"{shown} are taken for one: '{best}'; take the line out if they are different"
        checks.append(Check(code=f"{what}.spelled_twice", key=f"{what}.rename", message=message))
    for text in tally:
        if text and text.strip() != text and text not in rename:
            rename[text] = text.strip()
    return rename


def _is_null(text: str) -> bool:
    plain = re.sub(r"[\s_-]+", " ", text.strip().lower())
    return plain in NULL or re.sub(r"\s*\(.*\)$", "", plain) in NULL


def _zero(
    rest: list[str], null: list[str], scan: Scan, rename: Mapping[str, str], checks: list[Check]
) -> tuple[list[str], list[str]]:
    """0 among numbers: the pause between activities, or the first of them."""
    others = [text for text in rest if text != "0"]
    if len(others) < 2 or not all(re.fullmatch(r"\d+", text) for text in rest):
        if len(others) >= 2 or all(re.fullmatch(r"\d+", text) for text in rest):
            message = "0 is taken for an activity; if it means none of them, move it to labels.null"
            checks.append(Check(code="label.zero", key="labels.order", message=message))
        return null, rest
    between = [({rename.get(text, text) for text in pair}, number) for pair, number in scan.between.items()]
    changes = sum(number for pair, number in between if "" not in pair)
    through = sum(number for pair, number in between if "0" in pair and "" not in pair)
    if changes and through >= _THROUGH_ZERO * changes:
        message = (
            f"0 is taken for none of the activities: {through} of {changes} changes of label go to it or come from "
            "it, as a pause between activities does; if it is an activity, move it to order"
        )
        checks.append(Check(code="label.zero", key="labels.null", message=message))
        return [*null, "0"], others
    message = (
        f"0 is taken for an activity ({through} of {changes} changes of label touch it); many data sets mean 'none of "
        "them' by it: then move it to labels.null"
    )
    checks.append(Check(code="label.zero", key="labels.order", message=message))
    return null, rest


def _is_markers(merged: Counter[str], unlabelled: list[str], scan: Scan, rename: Mapping[str, str]) -> bool:
    empty = sum(merged[text] for text in unlabelled)
    labelled = sum(merged.values()) - empty
    lone = sum(number for text, number in scan.lone.items() if rename.get(text, text) not in unlabelled)
    return bool(labelled) and labelled < _MARKER_ROWS * empty and lone >= 0.9 * labelled


def _ordered(tally: dict[str, int]) -> dict[str, int]:
    """'2' before '10'."""
    parts = {text: [(len(part), part) for part in re.split(r"(\d+)", text)] for text in tally}
    numbers = all(text.lstrip("-").isdigit() for text in tally if text)
    return dict(sorted(tally.items(), key=lambda item: parts[item[0]] if numbers else [(0, item[0])]))
