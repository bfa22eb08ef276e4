"""Reading what a program of programs/ answered; nothing of it is used unless all of it is as expected."""

import numpy as np
from pydantic import Field, ValidationError

from factory.contracts.base import Contract
from factory.contracts.dataset import Floats
from factory.contracts.device import Line
from factory.contracts.errors import ArtifactError, DeviceError
from factory.devices.ssh import one_line

_NOT_STARTED = (126, 127)


class Transcript(Contract):
    """The line of JSON that a program prints."""

    windows: int = Field(ge=1)
    classes: int = Field(ge=1)
    runtime: Line
    latency_us: tuple[float, ...]


def read_transcript(text: str, where: str) -> Transcript:
    """The last line of a program's output.

    Raises:
        DeviceError: Something else.
    """
    lines = text.strip().splitlines()
    try:
        return Transcript.model_validate_json(lines[-1] if lines else "")
    except ValidationError as error:
        said = one_line(text, 100)
        raise DeviceError(
            f"{where} answers {said!r} instead of a result: run again; if it stays so, restart it"
        ) from error


def require_success(code: int, said: str, file: str, where: str) -> None:
    """Whose fault an exit code is.

    Raises:
        ArtifactError: The runtime refused the file, or crashed on it.
        DeviceError: The program could not be started there.
    """
    if code in _NOT_STARTED:
        raise DeviceError(f"{where} does not start the program ({one_line(said, 200)}): set it up again")
    if code:
        how = "fails" if code == 1 else f"crashes the runtime (exit status {code})"
        raise ArtifactError(f"{file} {how} on {where}: {one_line(said, 300)}: build the target again")


def read_answer(text: str, logits: bytes, windows: int, runtime: str, where: str) -> Floats:
    """(N, K) logits, checked against what the program says of them.

    Args:
        text: Its output.
        logits: The file that it wrote.
        windows: N that was asked.
        runtime: Title and version that must be there; a runtime that does not tell its version passes.
        where: For messages.

    Raises:
        DeviceError: Another runtime, another number of windows, or logits that are cut or not finite.
    """
    found = read_transcript(text, where)
    if found.runtime and found.runtime != runtime:
        raise DeviceError(f"{where} runs {found.runtime}, this build is verified with {runtime}: set it up again")
    values = np.frombuffer(logits[: len(logits) // 4 * 4], "<f4")
    if found.windows != windows or values.size != windows * found.classes or len(logits) % 4:
        raise DeviceError(
            f"{where} answers {values.size} logits of {found.classes} classes for {found.windows} windows, "
            f"{windows} were asked: run again"
        )
    if not np.isfinite(values).all():
        raise DeviceError(f"{where} answers logits that are not finite: build the target again")
    return values.reshape(windows, found.classes).astype(np.float32)
