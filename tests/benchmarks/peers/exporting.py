"""A trained network as files for phones: every runtime and precision that takes its operators, each counted on ARM.

ONNX Runtime is given LSTM and GRU as they are, LiteRT and ExecuTorch their steps written out. A converter's refusal is
a result: it is kept with its first line.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import nn

from exporters.onnx import export_onnx
from exporters.registry import load_exporter, load_runner
from factory.contracts.artifact import Artifact, Precision, TensorInfo
from factory.contracts.dataset import Floats
from factory.contracts.errors import ExportError
from factory.contracts.exporter import ExportRequest
from factory.contracts.files import sha256_file
from factory.contracts.progress import Silent
from factory.contracts.window import Normalisation, SensorContract, WindowSpec
from factory.devices.arm64 import typical
from factory.devices.catalogue import open_devices
from factory.devices.device import Question
from factory.models import Network, fold, save_network
from factory.pipeline.measure import open_runner
from factory.pipeline.request import cache_folder
from tests.benchmarks.peers.recurrent import unroll

TARGETS = ("tflite", "ort_mobile", "executorch")
_BOTH, _FLOAT = (Precision.FP32, Precision.INT8_STATIC), (Precision.FP32,)
_COUNTED = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What files are made of.

    Attributes:
        spec: Of the windows.
        normalisation: Of training windows.
        calibration: (N, C, T) windows of training subjects, SI units.
        folder: Where a folder a target goes; exists.
    """

    spec: WindowSpec
    normalisation: Normalisation
    calibration: Floats
    folder: Path


def export(
    network: nn.Module, wanted: Wanted, targets: Sequence[str] = TARGETS
) -> tuple[tuple[Artifact, ...], dict[str, str]]:
    """Every file that can be made, and '<target> <precision>' -> why not for the others.

    Args:
        network: In evaluation mode, (B, C, 1, T) to (B, K); ours or one with recurrent layers.
        wanted: What goes into the files, and where.
        targets: Whose.
    """
    contract = SensorContract(
        name="peer", window=wanted.spec, normalisation=wanted.normalisation, phone_obstacles=()
    ).model_dump_json()
    artifacts: list[Artifact] = []
    refused: dict[str, str] = {}
    for target in targets:
        build = wanted.folder / target
        build.mkdir(parents=True, exist_ok=True)
        (build / "contract.json").write_text(contract, "utf-8")
        # ONNX Runtime's quantiser wants our float front, ExecuTorch's leaves recurrent steps as they are.
        both = isinstance(network, Network) or target == "tflite"
        for precision in _BOTH if both else _FLOAT:
            try:
                artifacts.append(_file(network, target, precision, build, wanted))
            except ExportError as error:
                refused[f"{target} {precision}"] = str(error)[:300]
    return tuple(artifacts), refused


def _file(network: nn.Module, target: str, precision: Precision, build: Path, wanted: Wanted) -> Artifact:
    channels, window = len(wanted.spec.channels), wanted.spec.length
    ours = isinstance(network, Network)
    if target == "executorch" and not ours:
        return _executorch_file(unroll(network), build, wanted)
    if isinstance(network, Network):
        save_network(network, build / "student")
        shown: nn.Module = fold(network)
    else:
        shown = network if target == "ort_mobile" else unroll(network)
    onnx = build / "onnx" / "model.onnx"
    onnx.parent.mkdir(exist_ok=True)
    export_onnx(shown, channels, window, onnx)
    request = ExportRequest(
        onnx=onnx,
        student=build / "student",
        spec=wanted.spec,
        calibration=wanted.calibration,
        build=build,
        precisions=(precision,),
        progress=Silent(),
    )
    return load_exporter(target).export(request)[0]


def _executorch_file(network: nn.Module, build: Path, wanted: Wanted) -> Artifact:
    """A float program of a network that is not ours; what XNNPACK does not take, ExecuTorch's own kernels run."""
    from exporters.executorch import lower
    from exporters.executorch.trailer import append_checksum

    window = torch.zeros(1, len(wanted.spec.channels), 1, wanted.spec.length)
    try:
        captured = torch.export.export(lower.plain_layout(network), (window,))
        methods = lower.describing_methods((build / "contract.json").read_text("utf-8"))
        program, _ = lower.lower(captured.module(), window, methods)
    except (RuntimeError, ValueError, TypeError, NotImplementedError, AssertionError) as error:
        raise ExportError(f"executorch: {str(error).splitlines()[0]}") from error
    path = build / "model_fp32.pte"
    path.write_bytes(append_checksum(program))
    shapes = {"imu": tuple(window.shape), "logits": (1, len(wanted.spec.labels))}
    given, result = (TensorInfo(name=n, shape=s, dtype="float32", layout="as stored") for n, s in shapes.items())
    return Artifact(
        target="executorch",
        precision=Precision.FP32,
        path=path.name,
        sha256=sha256_file(path),
        size_bytes=path.stat().st_size,
        inputs=(given,),
        outputs=(result,),
        tool=f"executorch {version('executorch')}",
        runtime=f"ExecuTorch {version('executorch')}",
    )


def answers(artifact: Artifact, folder: Path, windows: Floats) -> Floats:
    """Logits (N, K) of windows (N, C, T) by the target's own runtime on this host."""
    with load_runner(artifact.target)(folder / artifact.target / artifact.path) as runner:
        return runner.run(windows)


def count(artifacts: Sequence[Artifact], folder: Path, windows: Floats) -> Iterator[tuple[Artifact, dict[str, int]]]:
    """Instructions of one inference by core, after the emulated cores gave this host's answers to `windows` (N, C, T).

    Raises:
        DeviceError: arm64 is not set up, or refused a file.
        ExportError: A core answers something else than this host.
    """
    with ExitStack() as stack:
        devices = [stack.enter_context(device) for device in open_devices("arm64", cache_folder(None), open_runner)]
        for artifact in artifacts:
            expected, counts = answers(artifact, folder, windows), {}
            for device in devices:
                path = folder / artifact.target / artifact.path
                answer = device.ask(Question(artifact=artifact, path=path, windows=windows, counted=_COUNTED))
                if (answer.logits.argmax(1) != expected.argmax(1)).mean() > _DIFFERENT:
                    error = float(np.abs(answer.logits - expected).max())
                    raise ExportError(f"{path} on {device.name}: logits differ by {error:.3g} from this host's")
                instructions = typical(answer.instructions)
                assert instructions is not None, f"{device.name} counts"
                counts[device.facts["processor"]] = instructions
            yield artifact, counts


_DIFFERENT = 0.05
"""Share of windows that may be called another activity: int8 may cross an edge, more is another network."""
