"""Every failure a user can meet, each with an exit code of its own.

    FactoryError            1  anything else that is ours
    |-- RecipeError         3  recipe or description file: misspelt key, value out of range
    |-- DataError           4  recordings: unreadable, wrong units, not finite, too short
    |   `-- LeakageError    4  a subject or raw sample on both sides of a split
    |-- MissingToolError    5  a package, tool or device is not there
    |   `-- DeviceError     5  a board refuses, is too old, or went away
    |-- TrainingError       6  training diverged or cannot start
    |-- ExportError         7  a converter refused the network
    |-- GateError           8  parity, accuracy or size broke a tolerance
    |-- ArtifactError       9  corrupt, foreign or tampered file of a build
    `-- StorageError       10  disk full, not writable, in use by another build

2 is the command line's own (unknown option), 130 an interrupt, 143 a termination.
Messages say what was got, what was expected and, behind the last colon, what to do.
"""

import errno

BUG = 1
EXTRAS = {
    "read": ("cbor2", "charset_normalizer", "openpyxl", "pooch", "pyarrow", "scipy", "tqdm"),
    "report": ("jinja2", "markupsafe", "matplotlib", "plotly"),
    "train": ("safetensors", "sklearn", "tensorboard", "threadpoolctl", "torch"),
    "demo": ("seglearn",),
    "search": ("optuna",),
    "bench": ("scikit_posthocs", "statsmodels"),
    "ray": ("ray",),
}
"""Modules that come with an extra of pyproject.toml; those of targets stand in exporters/registry.py."""
ELSEWHERE = "choose another folder (--out, --cache, --data, or TMPDIR for temporary files)"
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)


class FactoryError(Exception):
    """Base of every failure that reaches a user; one line, with its remedy."""

    exit_code = BUG


class Terminated(BaseException):
    """SIGTERM arrived. Not an Exception, so that no library swallows it and every `finally` runs."""


class RecipeError(FactoryError):
    """A recipe or a description of recordings cannot be used."""

    exit_code = 3


class DataError(FactoryError):
    """Recordings or windows cannot be used."""

    exit_code = 4


class LeakageError(DataError):
    """A subject, recording or raw sample would stand on both sides of a split."""


class MissingToolError(FactoryError):
    """A package, tool or device that this step needs is missing; names the install command."""

    exit_code = 5


class DeviceError(MissingToolError):
    """An attached board cannot be reached, refuses, lacks what is needed, or went away."""


class TrainingError(FactoryError):
    """Training cannot start or diverged."""

    exit_code = 6


class ExportError(FactoryError):
    """A converter could not turn the network into an artifact."""

    exit_code = 7


class GateError(FactoryError):
    """A verified figure broke its tolerance; names the gate."""

    exit_code = 8


class ArtifactError(FactoryError):
    """A file of a build is corrupt, incomplete or not ours."""

    exit_code = 9


class StorageError(FactoryError):
    """The disk is full, not writable, or another build holds the folder."""

    exit_code = 10


def describe(error: Exception) -> tuple[str, int]:
    """What a user is told of a failure, in one line, and the exit code of its kind."""
    if isinstance(error, FactoryError):
        return one_line(str(error)), error.exit_code
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        where = f" for {error.filename}" if error.filename else ""
        return f"no space left{where}: free some, or {ELSEWHERE}", StorageError.exit_code
    if isinstance(error, OSError) and error.errno in NOT_WRITABLE:
        return f"{error.filename} is not readable or not writable: change its permissions", StorageError.exit_code
    if isinstance(error, ModuleNotFoundError) and (extra := _extra_of(error.name or "")):
        missing = f"{error.name} is not installed, which this needs"
        return f"{missing}: pip install 'smldist-factory[{extra}]'", MissingToolError.exit_code
    if isinstance(error, MemoryError):
        return "out of memory: close other programs, or choose a smaller batch, hop or data set", BUG
    text = one_line(str(error))
    return f"{type(error).__name__}: {text:.300}: this is a bug, run with --debug for the traceback", BUG


def _extra_of(module: str) -> str | None:
    top = module.partition(".")[0]
    return next((extra for extra, modules in EXTRAS.items() if top in modules), None)


def remedy(line: str) -> str | None:
    """What to do, from a line of `describe`: by convention it stands behind the last colon."""
    _, colon, last = line.rpartition(": ")
    return last if colon else None


def one_line(text: str) -> str:
    """Collapse every run of white space to one blank."""
    return " ".join(text.split())
