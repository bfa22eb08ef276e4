"""Reading epochs.jsonl: one JSON object a finished epoch."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from factory.contracts.errors import ArtifactError


class Epoch(BaseModel):
    """One row. Keys that a report does not draw are left alone; figures must be finite."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    epoch: int = Field(ge=0)
    phase: Literal["teacher", "search", "student", "int8"]
    loss: float
    stage: float | None = None
    memory: float | None = None
    logits: float | None = None
    validation_macro_f1: float | dict[str, float] | None = None
    train_accuracy: float | None = None


def read_epochs(path: Path) -> tuple[Epoch, ...]:
    """Rows in the order of phase and epoch; of a repeated epoch (training resumed) the last stands.

    Returns:
        Empty where the file does not exist: a build may come without its history.

    Raises:
        ArtifactError: A line is not a row; names file and line.
    """
    if not path.exists():
        return ()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(f"{path} cannot be read as UTF-8 text ({error}): train again, or remove it") from error
    rows: dict[tuple[str, int], Epoch] = {}
    for number, line in enumerate(lines, start=1):
        row = _parse(line, f"{path}, line {number}")
        rows[row.phase, row.epoch] = row
    return tuple(rows[key] for key in sorted(rows))


def _parse(line: str, where: str) -> Epoch:
    try:
        return Epoch.model_validate_json(line)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        what = f"'{key}': {problem['msg']}" if key else problem["msg"]
        raise ArtifactError(
            f"{where}: expected one JSON object an epoch, got {line[:60]!r} ({what}): train again, or remove the file"
        ) from error
