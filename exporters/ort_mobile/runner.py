"""ONNX Runtime on .ort files: the same library that phones have, built for this host."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from exporters.runtime import durations_us, opened
from factory.contracts.artifact import TensorInfo
from factory.contracts.dataset import Floats
from factory.contracts.errors import ArtifactError, MissingToolError

_TYPES = {"tensor(float)": "float32"}


def describe(path: Path) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
    """Inputs and outputs of a file.

    Raises:
        ArtifactError: The file is missing or corrupt.
    """
    session = _open(path)
    return (
        tuple(_tensor(value, "1, channel, 1, time") for value in session.get_inputs()),
        tuple(_tensor(value, "1, class") for value in session.get_outputs()),
    )


def properties(path: Path) -> dict[str, str]:
    """A file's properties (metadata_props of the graph that it was made of).

    Raises:
        ArtifactError: The file is missing or corrupt.
    """
    return dict(_open(path).get_modelmeta().custom_metadata_map)


class OrtMobileRunner:
    """Runs an .ort file on one thread of the CPU, one window at a time, as a phone does."""

    def __init__(self, path: Path) -> None:
        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            raise MissingToolError("ONNX Runtime is missing: pip install 'smldist-factory[ort_mobile]'") from error
        self.name = f"ONNX Runtime {onnxruntime.__version__} (.ort, CPU)"
        self._path = path
        self._session: Any = None
        self._shape: tuple[int, ...] = ()

    def __enter__(self) -> Self:
        self._session = _open(self._path)
        self._shape = tuple(self._session.get_inputs()[0].shape)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session = None

    def run(self, windows: Floats) -> Floats:
        """Logits (N, K) of windows (N, C, T) in SI units."""
        session = opened(self._session, self, self._path)
        answers = [session.run(None, {"imu": window})[0] for window in self._checked(windows)]
        return np.asarray(np.concatenate(answers), np.float32)

    def latency_us(self, window: Floats, runs: int) -> Floats:
        """Microseconds of each of `runs` inferences of one window (C, T)."""
        session = opened(self._session, self, self._path)
        feed = {"imu": self._checked(window[None])[0]}
        return durations_us(lambda: session.run(None, feed), runs)

    def layer_names(self) -> tuple[str, ...]:
        """None: the format keeps no names of what it fused."""
        return ()

    def layers(self, window: Floats) -> dict[str, Floats]:
        """None; see `layer_names`."""
        opened(self._session, self, self._path)
        return {}

    def _checked(self, windows: Floats) -> Floats:
        """(N, 1, C, 1, T), or an ArtifactError about the shape."""
        expected = (self._shape[1], self._shape[3])
        if windows.shape[1:] != expected:
            raise ArtifactError(f"windows are {windows.shape[1:]}, {self._path.name} expects {expected}")
        return np.ascontiguousarray(windows, np.float32)[:, None, :, None, :]


def _open(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.load_model_format", "ORT")
    try:
        return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing: build the target again") from error
    except Exception as error:  # onnxruntime derives its failures from Exception itself
        raise ArtifactError(f"{path} does not load: build the target again ({str(error)[:200]})") from error


def _tensor(value: Any, layout: str) -> TensorInfo:
    dtype = _TYPES.get(value.type, value.type)
    return TensorInfo.model_validate({"name": value.name, "shape": value.shape, "dtype": dtype, "layout": layout})
