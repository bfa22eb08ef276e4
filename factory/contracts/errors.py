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
Messages say what was got, what was expected and what to do.
"""


class FactoryError(Exception):
    """Base of every failure that reaches a user; one line, with its remedy."""

    exit_code = 1


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
