"""What a student really costs: exported to int8_static, and counted on the emulated arm64 cores."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import cast

from factory.contracts.artifact import Artifact, Precision
from factory.contracts.dataset import Floats
from factory.contracts.errors import DeviceError
from factory.contracts.exporter import ExportRequest
from factory.contracts.progress import Progress
from factory.contracts.recipe import Core
from factory.contracts.search import Counted
from factory.contracts.window import SensorContract, WindowSpec
from factory.devices.arm64 import COUNTED, typical
from factory.devices.device import Device, Question
from factory.models import Network, fold, save_network

TARGET = "tflite"


def export_int8(
    network: Network, name: str, spec: WindowSpec, calibration: Floats, folder: Path, progress: Progress
) -> Artifact:
    """Write folder/tflite/model_int8_static.tflite of a network, as a build would.

    Args:
        network: Trained or not; what it costs does not depend on it.
        name: Of the recipe.
        spec: What a window is.
        calibration: (N, C, T) windows of training people, SI units.
        folder: Empty or not there.
        progress: Told of each step.

    Raises:
        MissingToolError: The converter is not installed; names the install command.
        ExportError: It refused the network.
    """
    from exporters.onnx import export_onnx
    from exporters.registry import load_exporter

    exporter = load_exporter(TARGET)
    save_network(network, folder / "student")
    export_onnx(fold(network), network.spec.channels, network.spec.window, folder / "onnx" / "model.onnx")
    contract = SensorContract(
        name=name,
        window=spec,
        normalisation=network.spec.normalisation,
        phone_obstacles=tuple(spec.phone_obstacles()),
    )
    (folder / "contract.json").write_text(contract.model_dump_json(), "utf-8")
    request = ExportRequest(
        onnx=folder / "onnx" / "model.onnx",
        student=folder / "student",
        spec=spec,
        calibration=calibration,
        build=folder,
        precisions=(Precision.INT8_STATIC,),
        progress=progress,
    )
    return exporter.export(request)[0]


def count(artifact: Artifact, folder: Path, window: Floats, devices: Sequence[Device]) -> Counted:
    """Instructions of one inference on each emulated core.

    Args:
        artifact: From `export_int8`.
        folder: Where it lies.
        window: (1, C, T) SI units.
        devices: Emulated cores, not prepared yet.

    Raises:
        DeviceError: One counted nothing.
    """
    question = Question(artifact=artifact, path=folder / artifact.path, windows=window, counted=COUNTED)
    instructions: dict[Core, int] = {}
    runtime = ""
    with ExitStack() as stack:
        for device in devices:
            answer = stack.enter_context(device).ask(question)
            found = typical(answer.instructions)
            if found is None:
                raise DeviceError(f"{device.name} counted nothing, expected {COUNTED} inferences: report it")
            instructions[cast(Core, device.name.partition(":")[2])] = found
            runtime = answer.runtime
    return Counted(size_bytes=artifact.size_bytes, instructions=instructions, runtime=runtime)
