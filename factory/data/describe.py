"""data.toml and recipe.toml of a user's table, each guess with its reason as a comment."""

import os
import re
from pathlib import Path
from typing import Any

import tomli_w

from factory.contracts.table import UNKNOWN_AXES, UNKNOWN_PLACEMENT
from factory.contracts.window import Quantity
from factory.data.guess import SensorGuess, TableGuess

_CHECK = "PLEASE CHECK: "
_SHOWN = 12


def description_toml(guess: TableGuess, folder: Path) -> str:
    """The `TableDescription` of a guess, for a TOML in `folder`."""
    roles, clock = guess.roles, guess.clock
    lines = [
        "# What this table of recordings holds, as guessed by: factory init",
        "# Read every line; the comments say why it was guessed. Then: factory data check recipe.toml",
        "",
        *_entry("file", os.path.relpath(guess.file, folder).replace(os.sep, "/"), "relative to this file"),
        *_entry("timestamp_unit", clock.unit, clock.reason),
        *_entry("rate_hz", clock.rate_hz, "from the median interval; time stamps rule"),
        *_entry("placement", _placement(guess), _CHECK + "where on the body the sensor sits, for example wrist"),
        *_entry("axes", UNKNOWN_AXES, _CHECK + "the frame of the axes in words, for example Android's device axes"),
        *_entry("labels", list(guess.labels), f"in the order of the model's outputs; rows: {_tally(guess.labels)}"),
        *_entry("unlabelled", list(guess.unlabelled), "texts that mean: no label"),
        "",
        "[columns]",
        *_entry("subject", roles.subject.column, f"{roles.subject.reason}; {len(guess.subjects)} people"),
        *_session(guess),
        *_entry("timestamp", roles.time.column, roles.time.reason),
        *_entry("label", roles.label.column, roles.label.reason),
    ]
    for sensor in guess.sensors:
        lines += _sensor(sensor)
    if roles.left_out:
        lines += ["", *_comment(f"left out: {', '.join(roles.left_out)}")]
    return "\n".join(lines) + "\n"


def recipe_toml(guess: TableGuess, description: str) -> str:
    """A recipe that trains on the table that the file `description` describes."""
    gap = max(0.1, round(5 / guess.rate_hz, 3))
    seconds = guess.window / guess.rate_hz
    lines = [
        "# How to train on these recordings. All keys: factory schema recipe",
        "# Then: factory build recipe.toml",
        "",
        *_entry("name", _slug(guess.file.stem), "names the build folder"),
        *_entry("summary", f"{guess.file.name}: {len(guess.labels)} classes, {len(guess.subjects)} people"[:200], ""),
        "",
        "[data]",
        *_entry("source", "table", ""),
        *_entry("description", description, "what the file holds; relative to this recipe"),
        *_entry("rate_hz", guess.rate_hz, f"recorded at {guess.clock.rate_hz:g} Hz; phones deliver 50 Hz reliably"),
        *_entry("window", guess.window, f"{seconds:.2f} s: long enough for two steps; a power of two"),
        *_entry("hop", guess.window // 2, "half a window"),
        *_entry("max_gap_s", gap, "a longer silence splits a recording"),
        "",
        "[split]",
        *_entry("kind", "groups", "by person: whoever tests never trains"),
        *_entry("groups", guess.groups, f"of {len(guess.subjects)} people; group `fold` tests"),
        *_entry("fold", 0, ""),
    ]
    return "\n".join(lines) + "\n"


def _sensor(sensor: SensorGuess) -> list[str]:
    lines: list[str] = []
    for axis, column in sensor.axes.columns.items():
        first = axis == "x"
        lines += ["", "[[channels]]"]
        lines += _entry("column", column, "")
        lines += _entry("name", f"{sensor.axes.name}_{axis}", "")
        lines += _entry("quantity", sensor.quantity.value, "")
        lines += _entry("axis", axis, "")
        lines += _entry("unit", sensor.unit, ("" if sensor.sure else _CHECK) + sensor.reason if first else "")
        if sensor.quantity is Quantity.ACCELEROMETER:
            lines += _entry("gravity", bool(sensor.gravity), "")
        if sensor.axes.placement:
            lines += _entry("placement", sensor.axes.placement, "from its name" if first else "")
    return lines


def _session(guess: TableGuess) -> list[str]:
    found = guess.roles.session
    if found is not None:
        return _entry("session", found.column, found.reason)
    if guess.clock.backwards:
        return _comment(f"{_CHECK}time falls within a subject: name the column of recordings here, session = '...'")
    return _comment("no session: all rows of a subject are one recording")


def _placement(guess: TableGuess) -> str:
    named = {sensor.axes.placement for sensor in guess.sensors}
    only = next(iter(named)) if len(named) == 1 else None
    return only or UNKNOWN_PLACEMENT


def _tally(labels: dict[str, int]) -> str:
    shown = [f"{label} {rows}" for label, rows in list(labels.items())[:_SHOWN]]
    return ", ".join(shown) + (", ..." if len(labels) > _SHOWN else "")


def _slug(stem: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")
    return slug[:64] if slug[:1].isalpha() else f"table_{slug}"[:64].rstrip("_")


def _entry(key: str, value: Any, reason: str) -> list[str]:
    return [*(_comment(reason) if reason else ()), tomli_w.dumps({key: value}).rstrip("\n")]


def _comment(text: str) -> list[str]:
    """One comment line; whatever a column's name holds, it cannot end the comment."""
    return ["# " + "".join(sign if sign.isprintable() else " " for sign in text)]
