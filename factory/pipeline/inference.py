"""A model file, opened by whatever runtime it is for, that answers with labels: `factory.Model`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from exporters.registry import load_reader, load_runner, targets
from factory.contracts.answers import known, probabilities
from factory.contracts.dataset import Floats
from factory.contracts.errors import ArtifactError, DataError
from factory.contracts.exporter import Runner
from factory.contracts.recipe import DataRecipe
from factory.contracts.stored import read_json
from factory.contracts.window import SensorContract

UNKNOWN = "unknown"
"""Label of an answer that the contract's threshold rejects."""
MAX_GAP_S = float(DataRecipe.model_fields["max_gap_s"].default)


@dataclass(frozen=True, kw_only=True, slots=True)
class Predictions:
    """Answers for N windows.

    Attributes:
        labels: (N,) name of the likeliest class; 'unknown' where the contract's threshold rejects the answer.
        known: (N,) bool, False where the answer is rejected.
        probabilities: (N, K) float32, softmax of the logits at the contract's temperature.
        logits: (N, K) float32.
        classes: K names in the order of the columns.
        start_s: (N,) float64 time of each window's first sample; None where windows were given, not a recording.
        doubts: What the contract does not forbid, but is most likely wrong: gravity the other way than in training.
    """

    labels: NDArray[np.str_]
    known: NDArray[np.bool_]
    probabilities: Floats
    logits: Floats
    classes: tuple[str, ...]
    start_s: NDArray[np.float64] | None = None
    doubts: tuple[str, ...] = ()


class Model:
    """One exported file, ready to be asked.

    Opens on first use and stays open; `close` or a with-block ends it.

        with factory.Model("build/demo/tflite/model_int8_static.tflite") as model:
            answer = model.predict(windows)
    """

    def __init__(self, path: str | Path, contract: SensorContract | None = None) -> None:
        """Find the runtime and the sensor contract of a file.

        Args:
            path: A file of a build, or a copy of it.
            contract: What to feed it; None takes what stands inside the file, or contract.json of the build around it.

        Raises:
            ArtifactError: No such file, no target has that ending, or no contract is found.
            MissingToolError: The target's runtime is not installed; names the install command.
        """
        self.path = Path(path)
        if not self.path.is_file():
            raise ArtifactError(f"{self.path} does not exist: name a model file of a build")
        self.target = _target_of(self.path)
        self.contract = contract if contract is not None else _find_contract(self.path, self.target)
        self._runner: Runner | None = None
        self._open = load_runner(self.target)

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in the order of the logits."""
        return self.contract.window.labels

    def __enter__(self) -> Self:
        self._entered()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back the runtime's memory; the next prediction opens it again."""
        if self._runner is not None:
            self._runner.__exit__(None, None, None)
            self._runner = None

    def predict(self, windows: Floats) -> Predictions:
        """Answer windows.

        Args:
            windows: (N, C, T) in SI units, channels as the contract lists them; (C, T) is one window.

        Raises:
            DataError: Another shape, a value that is not finite, or values that contradict the contract's units.
            ArtifactError: The runtime refused the file.
        """
        from factory.data.live import require_si

        try:
            x = np.asarray(windows, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise DataError(f"windows are no array of numbers ({error}): pass (windows, channels, samples)") from error
        x = x[None] if x.ndim == 2 else x
        require_si(x, self.contract.window)
        return self._answer(x, None)

    def predict_recording(
        self, table: Mapping[str, Any], *, units: Mapping[str, str] | None = None, time: str = "time_s"
    ) -> Predictions:
        """Resample a recording by its time stamps, cut windows and answer each.

        Args:
            table: Column name to values: a dict of arrays, a pandas DataFrame or a pyarrow Table. A column of each
                channel's name, and time stamps in seconds.
            units: Unit of a channel or quantity where it is not the contract's, such as {"accelerometer": "g"}.
            time: Column of time stamps.

        Raises:
            DataError: Columns, units or values do not fit the contract; says which and what to do.
            ArtifactError: The runtime refused the file.
        """
        from factory.data.live import cut_table, require_si

        spec = self.contract.window
        found = cut_table(table, spec, MAX_GAP_S, units, time)
        require_si(found.x, spec)
        return self._answer(found.x, found.start_s)

    def _answer(self, x: Floats, start_s: NDArray[np.float64] | None) -> Predictions:
        from factory.data.live import doubts

        logits = self._entered().run(x)
        if logits.shape != (len(x), len(self.labels)):
            raise ArtifactError(
                f"{self.path} answers {logits.shape[-1]} classes, its contract names {len(self.labels)}: build it again"
            )
        shares = probabilities(logits, self.contract.rejection)
        believed = known(shares, self.contract.rejection)
        return Predictions(
            labels=np.where(believed, np.asarray(self.labels)[logits.argmax(axis=1)], UNKNOWN),
            known=believed,
            probabilities=shares,
            logits=logits,
            classes=self.labels,
            start_s=start_s,
            doubts=doubts(x, self.contract),
        )

    def _entered(self) -> Runner:
        if self._runner is None:
            self._runner = self._open(self.path).__enter__()
        return self._runner


def _target_of(path: Path) -> str:
    endings = {ending: target.name for target in targets() for ending in target.endings}
    if path.suffix not in endings:
        raise ArtifactError(f"{path} ends in '{path.suffix}': a model file ends in one of {', '.join(endings)}")
    return endings[path.suffix]


def _find_contract(path: Path, target: str) -> SensorContract:
    read = load_reader(target)
    held = read(path).contract if read is not None else None
    if held is not None:
        return held
    for folder in (path.parent, path.parent.parent):
        candidate = folder / "contract.json"
        if candidate.is_file():
            return read_json(SensorContract, candidate)
    raise ArtifactError(f"no contract.json beside {path} or above it: pass contract=, or copy it from the build")
