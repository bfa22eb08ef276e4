"""data.toml and recipe.toml of a user's recordings, each guess with its reason as a comment."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from factory.contracts.base import Contract
from factory.contracts.table import UNKNOWN_AXES, UNKNOWN_PLACEMENT, Cleaning, Reading
from factory.contracts.window import Quantity
from factory.data.guess.sensors import SensorGuess
from factory.data.guess.table import TableGuess
from factory.data.guess.unlabelled import LabelledGuess

_CHECK = "PLEASE CHECK: "
_SHOWN = 12


def description_toml(guess: TableGuess, folder: Path) -> str:
    """The `TableDescription` of a guess, for a TOML in `folder`."""
    return "\n".join(_Description(guess, folder).lines()) + "\n"


class _Description:
    """The description's lines, and which checks are written already."""

    def __init__(self, guess: TableGuess, folder: Path) -> None:
        self.guess, self.folder = guess, folder
        self.checks: dict[str, list[str]] = {}
        for check in guess.checks:
            self.checks.setdefault(check.key, []).append(check.message)

    def lines(self) -> list[str]:
        tables = [
            *self._reading(),
            *self._columns(),
            *self._labels(),
            *self._subjects(),
            *self._cleaning(),
            *self._channels(),
            *self._corrections(),
            *self._left_out(),
        ]
        return [*self._head(), *self._rest(), *tables]

    def _asked(self, key: str) -> list[str]:
        return [line for message in self.checks.pop(key, ()) for line in _comment(_CHECK + message)]

    def _rest(self) -> list[str]:
        """Checks of keys that no line has."""
        shown = ("columns.", "labels.", "subjects.", "cleaning.", "channels.", "reading")
        return [line for key in [key for key in self.checks if not key.startswith(shown)] for line in self._asked(key)]

    def _head(self) -> list[str]:
        project, clock = self.guess.project, self.guess.clock
        where = os.path.relpath(project.folder.resolve(), self.folder.resolve()).replace(os.sep, "/")
        lines = [
            "# What these recordings hold, as guessed by: factory init",
            f"# Read every line; the comments say why it was guessed. Then: {self._then()}",
            "",
            *_entry("version", 2, ""),
            *_entry("folder", where, "relative to this file"),
            *self._asked("files"),
            *_entry("files", list(project.files), self._why_files()),
            *(_entry("ignore", list(project.ignore), "no recordings") if project.ignore else ()),
        ]
        if clock.column is not None:
            lines += [*self._asked("timestamp_unit"), *_entry("timestamp_unit", clock.unit, clock.reason)]
        if clock.form is not None:
            lines += [
                *self._asked("timestamp_format"),
                *_entry("timestamp_format", clock.form, "as in Python's strptime"),
            ]
        rate_reason = "from the median interval; time stamps rule" if clock.unit != "samples" else clock.reason
        return [
            *lines,
            *self._asked("rate_hz"),
            *_entry("rate_hz", clock.rate_hz, clock.reason if clock.coarse_s else rate_reason),
            *_entry("placement", _placement(self.guess), self._why_placement()),
            *self._axes(),
        ]

    def _why_files(self) -> str:
        count = len(self.guess.project.members)
        return f"{count} files; parts in braces are named" if count > 1 else ""

    def _then(self) -> str:
        return "factory data check recipe.toml" if self.guess.model is None else "factory predict MODEL RECORDING"

    def _axes(self) -> list[str]:
        if self.guess.model is not None:
            return _entry("axes", self.guess.model.axes, f"{_CHECK}the model's; are the sensor's axes the same?")
        return _entry(
            "axes", UNKNOWN_AXES, _CHECK + "the frame of the axes in words, for example Android's device axes"
        )

    def _why_placement(self) -> str:
        if self.guess.model is not None:
            return _CHECK + "the model's; was the sensor worn there?"
        named = {sensor.axes.placement for sensor in self.guess.sensors}
        if None not in named and len(named) == 1:
            return "from the names of columns or files"
        if None not in named:
            return "of sensors that do not say their own below"
        return _CHECK + "where on the body the sensor sits, for example wrist"

    def _reading(self) -> list[str]:
        readings = self.guess.project.readings
        if readings == (Reading(),):
            return self._asked("reading")
        lines: list[str] = []
        for reading in readings:
            changed = reading.model_dump(exclude_defaults=True)
            lines += ["", "[[reading]]", *(_comment("how the text is laid out, told from its beginning"))]
            lines += [line for key, value in changed.items() for line in _entry(key, value, "")]
            if not changed:
                lines += _comment("a plain CSV: commas, a header, UTF-8")
        return [*lines, *self._asked("reading")]

    def _columns(self) -> list[str]:
        roles, clock = self.guess.roles, self.guess.clock
        lines = [
            "",
            "[columns]",
            *self._asked("columns.subject"),
            *_entry("subject", roles.subject.column, f"{roles.subject.reason}; {len(self.guess.people.rows)} people"),
            *self._asked("columns.session"),
        ]
        if roles.session is not None:
            lines += _entry("session", roles.session.column, roles.session.reason)
        else:
            lines += _comment("no session: all rows of a subject are one recording")
        lines += self._asked("columns.timestamp")
        if clock.column is not None:
            value = list(clock.column) if isinstance(clock.column, tuple) else clock.column
            lines += _entry("timestamp", value, clock.why)
        else:
            lines += _comment(f"no timestamp: {clock.why}")
        lines += self._asked("columns.label")
        if roles.label is not None:
            lines += _entry("label", roles.label.column, roles.label.reason)
        elif self.guess.model is not None:
            lines += _comment("no label: the model says them")
        else:
            lines += _comment("no label column: labels.intervals says them")
        if roles.sensor is not None:
            lines += _entry("sensor", roles.sensor.column, roles.sensor.reason)
        return lines

    def _labels(self) -> list[str]:
        if self.guess.model is not None:
            return []
        labels = self.guess.labels
        lines = [
            "",
            "[labels]",
            *self._asked("labels.order"),
            *_entry("order", list(labels.order), f"in the order of the model's outputs; rows: {_tally(labels.order)}"),
            *self._asked("labels.null"),
        ]
        if labels.null:
            lines += _entry("null", list(labels.null), "texts that mean: none of the activities")
        if labels.unlabelled != ("",):
            lines += _entry("unlabelled", list(labels.unlabelled), "texts that mean: nobody said what it is")
        lines += self._asked("labels.rename")
        if labels.rename:
            lines += _entry("rename", dict(labels.rename), "text in the files to the label it stands for")
        lines += self._asked("labels.fill")
        if labels.fill:
            lines += _entry("fill", True, "")
        lines += self._asked("labels.optional")
        if self.guess.labelled.optional:
            lines += _entry("optional", True, "")
        return [*lines, *self._intervals()]

    def _intervals(self) -> list[str]:
        file = self.guess.label_file
        if file is None:
            return []
        values = file.intervals.model_dump(mode="json", exclude_defaults=True, exclude={"reading"})
        lines = ["", "[labels.intervals]", *self._asked("labels.intervals")]
        for key, value in values.items():
            lines += _entry(key, value, file.reasons.get(key, ""))
        reading = file.intervals.reading.model_dump(exclude_defaults=True)
        if reading:
            lines += ["", "[labels.intervals.reading]"]
            lines += [line for key, value in reading.items() for line in _entry(key, value, "")]
        return lines

    def _subjects(self) -> list[str]:
        asked = self._asked("subjects.rename")
        rename = self.guess.people.rename
        if not rename:
            return asked
        reason = "name in the files to the person it stands for"
        return ["", "[subjects]", *asked, *_entry("rename", dict(rename), reason)]

    def _cleaning(self) -> list[str]:
        changed = _changed(self.guess.cleaning, Cleaning())
        keys = ("faulty_rows", "order", "time_falls", "equal_stamps")
        if not changed and not any(f"cleaning.{key}" in self.checks for key in keys):
            return []
        lines = ["", "[cleaning]"]
        for key in keys:
            lines += self._asked(f"cleaning.{key}")
            if key in changed:
                lines += _entry(key, changed[key], "")
            elif lines[-1].startswith("#"):
                lines += _comment(f'{key} = "drop"') if key == "faulty_rows" else []
        return lines

    def _channels(self) -> list[str]:
        lines: list[str] = []
        for sensor in self.guess.sensors:
            lines += self._sensor(sensor)
        return lines

    def _sensor(self, sensor: SensorGuess) -> list[str]:
        lines: list[str] = []
        for axis, column in sensor.axes.columns.items():
            first = axis == "x"
            lines += ["", "[[channels]]"]
            lines += _entry("column", column, "")
            if sensor.summed:
                lines += _entry("plus", sensor.axes.plus[axis], "gravity, added to it" if first else "")
            if sensor.axes.sensor is not None:
                lines += _entry("sensor", sensor.axes.sensor, "")
            lines += _entry("name", f"{sensor.axes.name}_{axis}", "")
            lines += _entry("quantity", sensor.quantity.value, "")
            lines += _entry("axis", axis, "")
            lines += self._asked(f"channels.{sensor.axes.name}") if first else []
            lines += _entry("unit", sensor.unit, sensor.reason if first else "")
            if sensor.scale != 1:
                lines += _entry("scale", sensor.scale, "a stored value times this is in the unit" if first else "")
            if sensor.quantity is Quantity.ACCELEROMETER:
                lines += _entry("gravity", bool(sensor.gravity), "")
            if sensor.axes.placement:
                why = "from its name" if self.guess.model is None else "the model's"
                lines += _entry("placement", sensor.axes.placement, why if first else "")
        return lines

    def _corrections(self) -> list[str]:
        lines: list[str] = []
        for sensor in self.guess.sensors:
            for people, unit, scale in sensor.corrections:
                lines += ["", "[[corrections]]", *_comment("people whose values have another unit than the others'")]
                lines += _entry("subjects", list(people), "")
                lines += _entry("channels", [f"{sensor.axes.name}_{axis}" for axis in sensor.axes.columns], "")
                lines += _entry("unit", unit, "")
                lines += _entry("scale", scale, "") if scale != sensor.scale else []
        return lines

    def _left_out(self) -> list[str]:
        if not self.guess.left_out:
            return []
        lines = ["", "# Left out:"]
        for name, reason in self.guess.left_out.items():
            lines += _comment(f"  {name}: {reason}")
        return lines


def recipe_toml(guess: TableGuess, description: str) -> str:
    """A recipe that trains on the recordings that the file `description` describes."""
    gap = max(0.1, round(5 / guess.rate_hz, 3))
    title, window = _title(guess), guess.window
    people, labelled, classes = len(guess.people.rows), guess.labelled, len(guess.labels.order)
    among = f"{len(labelled.people)} with labels" if labelled.without else f"{people} people"
    lines = [
        "# How to train on these recordings. All keys: factory schema recipe",
        "# Then: factory build recipe.toml",
        "",
        *_entry("name", _slug(title), "names the build folder"),
        *_entry("summary", f"{title}: {classes} classes, {people} people"[:200], ""),
        "",
        "[data]",
        *_entry("source", "table", ""),
        *_entry("description", description, "what the files hold; relative to this recipe"),
        *_entry("rate_hz", guess.rate_hz, f"recorded at {guess.clock.rate_hz:g} Hz; phones deliver 50 Hz reliably"),
        *_entry("window", window.window, window.reason),
        *_entry("hop", window.hop, "half a window"),
        *(_entry("purity", window.purity, "share of a window that must carry its label") if window.purity < 1 else ()),
        *(_entry("anchor", window.anchor, "windows begin where labels begin") if window.anchor != "grid" else ()),
        *_entry("max_gap_s", gap, "a longer silence splits a recording"),
        *_unlabelled(labelled),
        "",
        "[split]",
        *_entry("kind", "groups", "by person: whoever tests never trains"),
        *_entry("groups", guess.groups, f"of {among}; group `fold` tests"),
        *_entry("fold", 0, ""),
    ]
    return "\n".join(lines) + "\n"


def _unlabelled(labelled: LabelledGuess) -> list[str]:
    known, silent = len(labelled.people), len(labelled.without)
    if labelled.answered:
        return _entry("unlabelled", True, f"a teacher trained on {known} people answers for {silent} without labels")
    return _comment(f"unlabelled = true would have a teacher answer for {silent} without labels") if silent else []


def _title(guess: TableGuess) -> str:
    members = guess.project.members
    return members[0].path.stem if len(members) == 1 else guess.project.folder.resolve().stem


def _placement(guess: TableGuess) -> str:
    named = {sensor.axes.placement for sensor in guess.sensors}
    only = next(iter(named)) if len(named) == 1 else None
    return only or UNKNOWN_PLACEMENT


def _changed(value: Contract, default: Contract) -> Mapping[str, Any]:
    given, plain = value.model_dump(mode="json"), default.model_dump(mode="json")
    return {key: one for key, one in given.items() if one != plain[key]}


def _tally(labels: Mapping[str, int]) -> str:
    shown = [f"{label} {rows}" for label, rows in list(labels.items())[:_SHOWN]]
    return ", ".join(shown) + (", ..." if len(labels) > _SHOWN else "")


def _slug(stem: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")
    return slug[:64].rstrip("_") if slug[:1].isalpha() else f"table_{slug}"[:64].rstrip("_")


def _entry(key: str, value: Any, reason: str) -> list[str]:
    if isinstance(value, dict):
        inline = ", ".join(f"{_quoted(name)} = {_quoted(text)}" for name, text in value.items())
        return [*(_comment(reason) if reason else ()), f"{key} = {{ {inline} }}"]
    if isinstance(value, list | tuple):
        inline = ", ".join(_quoted(text) for text in value)
        return [*(_comment(reason) if reason else ()), f"{key} = [{inline}]"]
    return [*(_comment(reason) if reason else ()), tomli_w.dumps({key: value}).rstrip("\n")]


def _quoted(text: str) -> str:
    return tomli_w.dumps({"k": text}).removeprefix("k = ").rstrip("\n")


def _comment(text: str) -> list[str]:
    """One comment line; whatever a column's name holds, it cannot end the comment."""
    return ["# " + "".join(sign if sign.isprintable() else " " for sign in text)]
