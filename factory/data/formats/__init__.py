"""Named formats: how apps, loggers and public data sets write their files. One file and one row each.

A format turns a file into a sheet whose columns' names say what they hold, unit in parentheses: 'time (s)',
'hand_acc_x (m/s^2)', 'activity'. From there every format goes the same way through `factory init`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from factory.contracts.errors import RecipeError
from factory.contracts.table import Reading
from factory.data.intake.members import Member
from factory.data.intake.sheet import Sheet

FORMATS: Mapping[str, str] = {
    "sensor_logger": "factory.data.formats.sensor_logger:SensorLogger",
    "phyphox": "factory.data.formats.phyphox:Phyphox",
    "androsensor": "factory.data.formats.androsensor:AndroSensor",
    "physics_toolbox": "factory.data.formats.physics_toolbox:PhysicsToolbox",
    "sensorlog": "factory.data.formats.sensorlog:SensorLog",
    "matlab_mobile": "factory.data.formats.matlab_mobile:MatlabMobile",
    "edge_impulse": "factory.data.formats.edge_impulse:EdgeImpulse",
    "wisdm": "factory.data.formats.wisdm:Wisdm",
    "pamap2": "factory.data.formats.pamap2:Pamap2",
    "mhealth": "factory.data.formats.mhealth:Mhealth",
    "opportunity": "factory.data.formats.opportunity:Opportunity",
    "actigraph": "factory.data.formats.actigraph:Actigraph",
    "axivity": "factory.data.formats.axivity:Axivity",
    "empatica": "factory.data.formats.empatica:Empatica",
    "polar": "factory.data.formats.polar:Polar",
    "hhar": "factory.data.formats.hhar:Hhar",
}
"""Name to 'module:Class'; the first that recognises a file reads it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The beginning of a file, for recognising it.

    Attributes:
        member: The file.
        raw: Its first bytes (up to 256 kB), decompressed.
        text: The same decoded, without a byte order mark; empty for binary files.
    """

    member: Member
    raw: bytes
    text: str

    @property
    def lines(self) -> list[str]:
        """Whole lines of the text, without their ends; the last one may be cut off and is left out if so."""
        lines = self.text.splitlines()
        return lines if len(self.raw) < 1 << 18 or self.text.endswith("\n") else lines[:-1]


class Format(Protocol):
    """A named format.

    Attributes:
        name: Key in `FORMATS`.
        title: What writes such files, for people.
        about: Where the layout is described.
        auxiliary: Patterns of files beside the recordings that hold none (metadata, annotations).
        pattern: How the authors name their files, where that tells person, label or sensor; None where it does not.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def about(self) -> str: ...  # noqa: D102
    @property
    def auxiliary(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def pattern(self) -> str | None: ...  # noqa: D102

    def recognise(self, head: Head) -> bool:
        """Whether this is such a file, by its content first; never raises."""
        ...

    def open(self, member: Member, reading: Reading) -> Sheet:
        """The file as a sheet.

        Raises:
            DataError: It is not what the format says; names the line.
        """
        ...


def open_format(name: str) -> Format:
    """The format of that name.

    Raises:
        RecipeError: There is none; names those there are.
    """
    if name not in FORMATS:
        raise RecipeError(f"no format '{name}': choose csv, parquet, xlsx, or one of {', '.join(FORMATS)}")
    module, _, kind = FORMATS[name].partition(":")
    return cast(Format, getattr(import_module(module), kind)())
