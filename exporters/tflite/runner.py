"""LiteRT's interpreter with XNNPACK: what verifies every .tflite file. Imports no TensorFlow."""

from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from exporters.runtime import durations_us, opened, quiet
from exporters.tflite import flatbuffer, metadata
from factory.contracts.artifact import TensorInfo
from factory.contracts.dataset import Floats
from factory.contracts.errors import ArtifactError, MissingToolError


def describe(path: Path) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
    """Inputs and outputs of a file, by the names of its signature.

    Raises:
        ArtifactError: The file is missing or corrupt.
    """
    _content(path)
    return flatbuffer.describe(path)


class LiteRTRunner:
    """Runs a .tflite file on one thread of the CPU, one window at a time, as a phone does.

    A window takes some 30 us, so that batches would gain little, and would time other kernels than a phone's.

    LiteRT trusts the graph it is given: one changed bit can make it read where nothing is and end the process. So a
    file's own digest is checked before LiteRT sees it. A file without one (not written by this project) is only
    parsed; what a parser cannot notice may still crash.
    """

    def __init__(self, path: Path, built_in: bool = False) -> None:
        """`built_in` runs LiteRT's own kernels, as an app does that lacks XNNPACK: slower, and they round otherwise."""
        try:
            import ai_edge_litert.interpreter  # noqa: F401
        except ModuleNotFoundError as error:
            raise MissingToolError("LiteRT is missing: pip install 'smldist-factory[litert]'") from error
        kernels = "built-in kernels" if built_in else "XNNPACK"
        self.name = f"LiteRT {version('ai-edge-litert')} ({kernels})"
        self._built_in = built_in
        self._path = path
        self._interpreter: Any = None
        self._input = self._output = 0
        self._shape: tuple[int, ...] = ()

    def __enter__(self) -> Self:
        content = _content(self._path)
        metadata.require_digest(content, str(self._path))
        flatbuffer.parse(content, str(self._path))
        self._interpreter = _open(content, self._path, built_in=self._built_in)
        given, result = _ends(self._interpreter, self._path)
        self._input, self._output = given["index"], result["index"]
        self._shape = tuple(int(size) for size in given["shape"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._interpreter = None

    def run(self, windows: Floats) -> Floats:
        """Logits (N, K) of windows (N, C, T) in SI units."""
        interpreter = opened(self._interpreter, self, self._path)
        classes = int(interpreter.get_output_details()[0]["shape"][-1])
        logits = np.empty((len(windows), classes), np.float32)
        for index, window in enumerate(self._checked(windows)):
            interpreter.set_tensor(self._input, window)
            self._invoke(interpreter)
            logits[index] = interpreter.get_tensor(self._output)[0]
        return logits

    def latency_us(self, window: Floats, runs: int) -> Floats:
        """Microseconds of each of `runs` inferences of one window (C, T); the copy in and out is not counted."""
        interpreter = opened(self._interpreter, self, self._path)
        interpreter.set_tensor(self._input, self._checked(window[None])[0])
        self._invoke(interpreter)
        return durations_us(interpreter.invoke, runs)

    def layer_names(self) -> tuple[str, ...]:
        """Every tensor computed from the input, in execution order."""
        model = flatbuffer.parse(_content(self._path), str(self._path))
        tensors = model.subgraphs[0].tensors
        return tuple(tensors[index].name.decode() for index in flatbuffer.execution_order(model))

    def layers(self, window: Floats) -> dict[str, Floats]:
        """Every intermediate tensor for one window (C, T), dequantised, channels first.

        Computed by the built-in kernels: a delegate keeps no intermediate tensors.
        """
        opened(self._interpreter, self, self._path)
        content = _content(self._path)
        interpreter = _open(content, self._path, built_in=True, keep=True)
        interpreter.set_tensor(self._input, self._checked(window[None])[0])
        self._invoke(interpreter)
        details = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
        layers = {}
        for index in flatbuffer.execution_order(flatbuffer.parse(content, str(self._path))):
            detail = details[index]
            layers[str(detail["name"])] = _channels_first(_dequantised(interpreter.get_tensor(index), detail))
        return layers

    def _checked(self, windows: Floats) -> Floats:
        """(N, 1, 1, T, C), or an ArtifactError about the shape."""
        time_steps, channels = self._shape[-2:]
        if windows.ndim != 3 or windows.shape[1:] != (channels, time_steps):
            raise ArtifactError(
                f"windows are {windows.shape[1:]}, {self._path.name} expects ({channels}, {time_steps})"
            )
        return np.ascontiguousarray(windows.transpose(0, 2, 1), np.float32)[:, None, None]

    def _invoke(self, interpreter: Any) -> None:
        try:
            interpreter.invoke()
        except RuntimeError as error:
            raise ArtifactError(f"{self._path} fails in LiteRT: {_one_line(error)}: build the target again") from error


def built_in_logits(path: Path, windows: Floats) -> Floats:
    """Logits (N, K) of windows (N, C, T) by LiteRT's own kernels, as a phone computes them that lacks XNNPACK.

    Raises:
        ArtifactError: The file is damaged, or the windows do not fit it.
        MissingToolError: LiteRT is not installed.
    """
    with LiteRTRunner(path, built_in=True) as runner:
        return runner.run(windows)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing: build the target again") from error


def _open(content: bytes, path: Path, *, built_in: bool, keep: bool = False) -> Any:
    """An interpreter with its tensors allocated; `keep` keeps every intermediate tensor."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if built_in else OpResolverType.AUTO
    try:
        with quiet():
            interpreter = Interpreter(
                model_content=content,
                num_threads=1,
                experimental_op_resolver_type=resolver,
                experimental_preserve_all_tensors=keep,
            )
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ArtifactError(f"{path} does not load in LiteRT: {_one_line(error)}: build the target again") from error
    return interpreter


def _ends(interpreter: Any, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The one input [1, 1, T, C] and the one output [1, K], float32 both, or an ArtifactError."""
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    got = [(len(detail["shape"]), np.dtype(detail["dtype"]).name) for detail in (*inputs, *outputs)]
    if (len(inputs), got) != (1, [(4, "float32"), (2, "float32")]):
        raise ArtifactError(
            f"{path}: {len(inputs)} inputs, all tensors {got} (axes, type), expected one input of 4 axes and one "
            "output of 2, float32: build the target again"
        )
    return inputs[0], outputs[0]


def _dequantised(values: NDArray[Any], detail: dict[str, Any]) -> Floats:
    parameters = detail["quantization_parameters"]
    scales, zeros = parameters["scales"], parameters["zero_points"]
    if not np.issubdtype(values.dtype, np.integer) or not len(scales):
        return np.asarray(values, np.float32)
    return np.asarray((values.astype(np.float32) - zeros[0]) * scales[0], np.float32)


def _channels_first(values: Floats) -> Floats:
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2)) if values.ndim == 4 else values


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
