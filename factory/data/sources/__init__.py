"""Where recordings come from: one file a data set, imported when it is asked for.

Every source yields `Recording`s in SI units, one at a time, in the order of its files, so that memory
does not grow with the data. What is done to them afterwards (resampling, windows) is the same for all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from factory.contracts.dataset import Recording
from factory.contracts.errors import RecipeError
from factory.contracts.progress import Progress
from factory.contracts.window import Channel, Filter

SOURCES = {
    "watch": "factory.data.sources.watch:Watch",
    "uci_har": "factory.data.sources.uci_har:UciHar",
    "hapt": "factory.data.sources.hapt:Hapt",
    "motionsense": "factory.data.sources.motionsense:MotionSense",
    "dsads": "factory.data.sources.dsads:Dsads",
    "digits": "factory.data.sources.digits:Digits",
    "japanese_vowels": "factory.data.sources.japanese_vowels:JapaneseVowels",
    "table": "factory.data.sources.table:Table",
}

COMMERCIAL_USE_FORBIDDEN = ("uci_har", "hapt")
"""Data sets whose authors somewhere forbid commercial use, even where another page of theirs allows it."""
_LICENCES = {
    "watch": "bsd-3-clause",
    "motionsense": "mit",
    "dsads": "cc-by-4.0",
    "digits": "cc-by-4.0",
    "japanese_vowels": "cc-by-4.0",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What the authors of recordings ask of those who use them.

    Attributes:
        text: The licence, in one line.
        licence: Its identifier on model hubs; 'other' where it has none.
        commercial_use: False where it is forbidden.
        cite: The publication to cite; may be empty.
    """

    text: str
    licence: str
    commercial_use: bool
    cite: str


class Source(Protocol):
    """A data set that can be read.

    Attributes:
        name: Key in `SOURCES`.
        labels: Class names; a recording's labels index into them.
        channels: Everything the source can deliver, in the order of a recording's columns, SI units.
        nominal_rate_hz: What the authors state.
        axes: The frame of the axes, in words.
        filters: Conditioning that the data already went through.
        filters_published: Whether the authors applied those filters.
        official_test: Subjects of the official test split; empty where there is none.
        published_window: Length and hop in samples where the authors publish windows, not recordings.
        cite: The publication to cite.
        terms: The licence, in one line.
        urls: The authors' archives, for `factory data fetch`.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def labels(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def channels(self) -> tuple[Channel, ...]: ...  # noqa: D102
    @property
    def nominal_rate_hz(self) -> float: ...  # noqa: D102
    @property
    def axes(self) -> str: ...  # noqa: D102
    @property
    def filters(self) -> tuple[Filter, ...]: ...  # noqa: D102
    @property
    def filters_published(self) -> bool: ...  # noqa: D102
    @property
    def official_test(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def published_window(self) -> tuple[int, int] | None: ...  # noqa: D102
    @property
    def cite(self) -> str: ...  # noqa: D102
    @property
    def terms(self) -> str: ...  # noqa: D102
    @property
    def urls(self) -> tuple[str, ...]: ...  # noqa: D102

    def files(self, folder: Path | None) -> list[Path]:
        """Every file that is read, sorted.

        Raises:
            DataError: Not there; says which layout was expected where, and what to do.
        """
        ...

    def recordings(self, folder: Path | None, progress: Progress) -> Iterator[Recording]:
        """Read one recording after the other.

        Raises:
            DataError: A file is missing, truncated or not what the authors publish; names file and row.
        """
        ...


def terms_of(name: str) -> Terms:
    """The terms of a source, without its recordings.

    Raises:
        RecipeError: No such source.
    """
    if name not in SOURCES:
        raise RecipeError(f"no data source '{name}': choose one of {', '.join(SOURCES)}")
    module, _, kind = SOURCES[name].partition(":")
    source = getattr(import_module(module), kind)
    return Terms(
        text=source.terms,
        licence=_LICENCES.get(name, "other"),
        commercial_use=name not in COMMERCIAL_USE_FORBIDDEN,
        cite=source.cite,
    )


def open_source(
    name: str, description: str | None = None, base: Path | None = None, scratch: Path | None = None
) -> Source:
    """The source of that name.

    Args:
        name: Key in `SOURCES`.
        description: For 'table' only: the TOML file that describes the user's table.
        base: Folder that `description` is relative to; the current one if None.
        scratch: Folder for temporary files of a table; the system's if None.

    Raises:
        RecipeError: No such source, or the description cannot be used.
    """
    if name not in SOURCES:
        raise RecipeError(f"no data source '{name}': choose one of {', '.join(SOURCES)}")
    module, _, kind = SOURCES[name].partition(":")
    factory = getattr(import_module(module), kind)
    if name != "table":
        return cast(Source, factory())
    if description is None:
        raise RecipeError("source 'table' needs data.description: the TOML that describes the table (factory init)")
    return cast(Source, factory.from_file((base or Path()) / description, scratch))
