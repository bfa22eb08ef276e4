"""The table of targets. A new target is one folder and one row.

Nothing of a target is imported before it is used, so that a missing SDK keeps its target in the list, with
the command that installs it. Import errors of an installed SDK propagate: they are not a missing SDK.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from factory.contracts.artifact import Artifact, Precision
from factory.contracts.dataset import Floats
from factory.contracts.errors import MissingToolError, RecipeError
from factory.contracts.exporter import Embedded, Exporter, Runner
from factory.contracts.manifest import Check

Checks = Callable[[Path, tuple[Artifact, ...]], tuple[Check, ...]]
"""What a target checks of its own: build folder and artifacts to checks."""
Fallback = Callable[[Path, Floats], Floats]
"""An artifact's path and windows (N, C, T) to logits (N, K), by kernels that the runner does not take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One row of the table.

    Attributes:
        exporter: "module:Class" of the Exporter; called without arguments.
        runner: "module:Class" of the Runner; called with an artifact's path.
        extra: The optional dependency that brings the SDK.
        exports_with: Modules that exporting needs.
        runs_with: Modules that running an artifact needs.
        endings: Of its model files, such as '.tflite'.
        packages: Distributions whose versions decide what is written; part of the key of this target's stage.
        precisions: What it can write; of a recipe's precisions it is asked for these.
        checks: "module:function" of what this target checks beyond the gates that every target has; called with the
            build folder and the target's artifacts, returns a tuple of Check. Empty: nothing more.
        reads: "module:function" that reads what stands inside a file; called with its path, returns an Embedded. Empty:
            the format tells nothing.
        falls_back: "module:function" that answers windows as the runtime does without its backend, a `Fallback`. Empty:
            it has one set of kernels.
        stand_in: Why the runner's latency on this host says nothing of the device; its gate is then not run. Empty:
            the runner is the runtime that ships.
    """

    name: str
    exporter: str
    runner: str
    extra: str
    exports_with: tuple[str, ...]
    runs_with: tuple[str, ...]
    endings: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    precisions: tuple[Precision, ...] = tuple(Precision)
    checks: str = ""
    reads: str = ""
    falls_back: str = ""
    stand_in: str = ""

    @property
    def package(self) -> str:
        """The folder of its code, whose hash is part of the key of this target's stage."""
        return self.exporter.partition(":")[0].rpartition(".")[0]

    @property
    def missing(self) -> tuple[str, ...]:
        """Modules of this target that are not installed; nothing is imported to find out."""
        return _absent(self.exports_with + self.runs_with)

    @property
    def available(self) -> bool:
        """Whether this target can be exported and run here."""
        return not self.missing

    @property
    def install(self) -> str:
        """The command that makes it available."""
        return f"pip install 'smldist-factory[{self.extra}]'"


_TARGETS = (
    Target(
        name="tflite",
        exporter="exporters.tflite.exporter:TFLiteExporter",
        runner="exporters.tflite.runner:LiteRTRunner",
        extra="tflite",
        endings=(".tflite",),
        exports_with=("tensorflow", "onnx2tf", "tf_keras", "onnx", "flatbuffers"),
        runs_with=("ai_edge_litert",),
        packages=("tensorflow", "onnx2tf", "tf-keras", "ai-edge-litert"),
        reads="exporters.tflite.embedded:read_embedded",
        falls_back="exporters.tflite.runner:built_in_logits",
    ),
    Target(
        name="ort_mobile",
        exporter="exporters.ort_mobile.exporter:OrtMobileExporter",
        runner="exporters.ort_mobile.runner:OrtMobileRunner",
        extra="ort_mobile",
        endings=(".ort",),
        exports_with=("onnx", "onnxruntime"),
        runs_with=("onnxruntime",),
        packages=("onnx", "onnxruntime"),
        precisions=(Precision.FP32, Precision.INT8_STATIC),
        reads="exporters.ort_mobile.embedded:read_embedded",
    ),
    Target(
        name="jetson",
        exporter="exporters.jetson.exporter:JetsonExporter",
        runner="exporters.onnx_runner:OnnxRunner",
        extra="jetson",
        endings=(".onnx",),
        exports_with=("onnx", "onnx_graphsurgeon", "onnxruntime"),
        runs_with=("onnx", "onnxruntime"),
        packages=("onnx", "onnx-graphsurgeon", "onnxruntime"),
        precisions=(Precision.FP32, Precision.INT8_STATIC),
        stand_in="ONNX Runtime stands in for TensorRT here: latency is measured on the board",
        checks="exporters.jetson.checks:jetson_checks",
        reads="exporters.onnx_embedded:read_embedded",
    ),
    Target(
        name="executorch",
        exporter="exporters.executorch.exporter:ExecuTorchExporter",
        runner="exporters.executorch.runner:ExecuTorchRunner",
        extra="executorch",
        endings=(".pte",),
        exports_with=("torch", "executorch", "torchao"),
        runs_with=("torch", "executorch"),
        packages=("torch", "executorch", "torchao"),
        precisions=(Precision.FP32, Precision.INT8_STATIC),
        checks="exporters.executorch.checks:executorch_checks",
        reads="exporters.executorch.embedded:read_embedded",
    ),
)


def targets() -> tuple[Target, ...]:
    """Every target, installed or not."""
    return _TARGETS


def find_target(name: str) -> Target:
    """The row of a name.

    Raises:
        RecipeError: No such target; lists those there are.
    """
    for target in _TARGETS:
        if target.name == name:
            return target
    raise RecipeError(f"no target '{name}': there are {', '.join(target.name for target in _TARGETS)}")


def load_exporter(name: str) -> Exporter:
    """The exporter of a target.

    Raises:
        MissingToolError: Its SDK is not installed; names the install command.
    """
    target = find_target(name)
    _require(target, target.exports_with)
    return cast(Exporter, _load(target.exporter)())


def load_runner(name: str) -> Callable[[Path], Runner]:
    """What opens an artifact of a target: call it with a path, enter the result.

    Raises:
        MissingToolError: Its runtime is not installed; names the install command.
    """
    target = find_target(name)
    _require(target, target.runs_with)
    return cast(Callable[[Path], Runner], _load(target.runner))


def load_checks(name: str) -> Checks | None:
    """What a target checks beyond the gates that every target has; None where it has nothing.

    Raises:
        MissingToolError: Its runtime is not installed; names the install command.
    """
    target = find_target(name)
    return cast(Checks | None, _load_optional(target, target.checks))


def load_reader(name: str) -> Callable[[Path], Embedded] | None:
    """What reads a target's files from the inside: call it with a path. None where the format tells nothing.

    Raises:
        MissingToolError: Its runtime is not installed; names the install command.
    """
    target = find_target(name)
    return cast(Callable[[Path], Embedded] | None, _load_optional(target, target.reads))


def load_fallback(name: str) -> Fallback | None:
    """What answers windows as a target's runtime does where its backend is missing; None where it needs none.

    Raises:
        MissingToolError: Its runtime is not installed; names the install command.
    """
    target = find_target(name)
    return cast(Fallback | None, _load_optional(target, target.falls_back))


def _load_optional(target: Target, place: str) -> Any:
    """What stands at a place that a target may leave empty, which needs its runtime; None where it is empty."""
    if not place:
        return None
    _require(target, target.runs_with)
    return _load(place)


def _absent(modules: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(module for module in modules if find_spec(module) is None)


def _require(target: Target, modules: tuple[str, ...]) -> None:
    if missing := _absent(modules):
        raise MissingToolError(f"target {target.name} needs {', '.join(missing)}: {target.install}")


def _load(reference: str) -> Any:
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)
