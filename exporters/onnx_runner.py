"""ONNX Runtime on the hand-off graph and on graphs made from it; several targets share it."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from exporters.handoff import INPUT, HandOff, read_shape
from exporters.runtime import durations_us, opened
from factory.contracts.dataset import Floats
from factory.contracts.errors import ArtifactError, MissingToolError

_ONNX_FLOAT = 1


class OnnxRunner:
    """Runs a graph `imu` -> `logits` on one thread of the CPU, as many windows at a time as its fixed batch says.

    A Q/DQ graph runs as it is written, each Q and DQ an operator of its own: that is the arithmetic every runtime must
    reproduce. The fused int8 kernels do not: on x86-64 without VNNI they may saturate pairs of products at 16 bits.
    """

    def __init__(self, path: Path) -> None:
        try:
            import onnx  # noqa: F401
            import onnxruntime
        except ModuleNotFoundError as error:
            raise MissingToolError(f"{error.name} is missing: pip install 'smldist-factory[ort_mobile]'") from error
        self.name = f"ONNX Runtime {onnxruntime.__version__} (CPU)"
        self._path = path
        self._shape: HandOff = read_shape(path)
        self._session: Any = None

    def __enter__(self) -> Self:
        self._session = _open(self._path.read_bytes(), self._path)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session = None

    def run(self, windows: Floats) -> Floats:
        """Logits (N, K) of windows (N, C, T) in SI units; the last batch is filled up with its last window."""
        session = opened(self._session, self, self._path)
        logits = np.empty((len(windows), self._shape.classes), np.float32)
        checked, size = self._checked(windows), self._shape.batch
        for start in range(0, len(checked), size):
            part = checked[start : start + size]
            logits[start : start + size] = session.run(None, {INPUT: self._filled(part)})[0][: len(part)]
        return logits

    def latency_us(self, window: Floats, runs: int) -> Floats:
        """Microseconds of each of `runs` inferences of one window (C, T), a whole batch each."""
        session = opened(self._session, self, self._path)
        feed = {INPUT: self._filled(self._checked(window[None]))}
        return durations_us(lambda: session.run(None, feed), runs)

    def layer_names(self) -> tuple[str, ...]:
        """Every tensor that a node computes, in execution order."""
        import onnx

        return tuple(name for node in onnx.load(self._path).graph.node for name in node.output)

    def layers(self, window: Floats) -> dict[str, Floats]:
        """Every float tensor for one window (C, T); computed by a copy of the graph in memory."""
        import onnx

        opened(self._session, self, self._path)
        model = onnx.load(self._path)
        names = [name for node in model.graph.node for name in node.output]
        types = onnx.shape_inference.infer_shapes(model).graph.value_info
        floats = {value.name for value in types if value.type.tensor_type.elem_type == _ONNX_FLOAT}
        present = {value.name for value in model.graph.output}
        wanted = [name for name in names if name in floats or name in present]
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted if name not in present)
        session = _open(model.SerializeToString(), self._path)
        values = session.run(wanted, {INPUT: self._filled(self._checked(window[None]))})
        return {name: self._first(np.asarray(value, np.float32)) for name, value in zip(wanted, values, strict=True)}

    def _checked(self, windows: Floats) -> Floats:
        """(N, C, 1, T), or an ArtifactError about the shape."""
        expected = (self._shape.channels, self._shape.window)
        if windows.shape[1:] != expected:
            raise ArtifactError(f"windows are {windows.shape[1:]}, {self._path.name} expects {expected}")
        return np.ascontiguousarray(windows, np.float32)[:, :, None, :]

    def _filled(self, part: Floats) -> Floats:
        missing = self._shape.batch - len(part)
        return np.concatenate([part, np.repeat(part[-1:], missing, axis=0)]) if missing else part

    def _first(self, tensor: Floats) -> Floats:
        """One window's share of a tensor that has the batch as its first axis."""
        batch = self._shape.batch
        return tensor[:1] if batch > 1 and tensor.ndim and len(tensor) == batch else tensor


def _open(content: bytes, path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    if b"QuantizeLinear" in content:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime derives its failures from Exception itself
        raise ArtifactError(f"{path} does not load: export the student again ({str(error)[:200]})") from error
