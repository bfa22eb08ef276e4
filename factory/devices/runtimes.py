"""The runtimes that a device of arm64 Linux or Android is given, and how each takes a window.

Each is a program of programs/ over a library of the runtime's own aarch64 wheel: neither Python nor torch runs there.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from factory.contracts.dataset import Floats
from factory.contracts.errors import RecipeError

PROGRAMS = Path(__file__).with_name("programs")


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """One program.

    Attributes:
        program: Its name, and that of its source beside main.cpp.
        title: Of the runtime, for people.
        package: The wheel that holds the library.
        libraries: Patterns of files in the wheel, all copied into one folder.
        headers: Folders of the wheel to compile against.
        linked: Names for -l, in order; kernels and backends register themselves when loaded.
        soname: What the dynamic linker asks for where the file's name is longer.
        defines: For the compiler.
        release: Behind title and version, where it is another than the host's.
        time_last: Whether the input is [.., channel, .., time]; False for [.., time, channel].
    """

    program: str
    title: str
    package: str
    libraries: tuple[str, ...]
    linked: tuple[str, ...]
    headers: tuple[str, ...] = ()
    soname: tuple[str, str] | None = None
    defines: tuple[str, ...] = ()
    time_last: bool = True
    release: str = ""

    def titled(self, version: str) -> str:
        """With its version, for example 'LiteRT 2.3.0'."""
        return " ".join(part for part in (self.title, version, self.release) if part)

    @property
    def files(self) -> tuple[str, ...]:
        """Names of its libraries where programs find them."""
        return tuple(self.installed(Path(pattern).name) for pattern in self.libraries)

    def installed(self, name: str) -> str:
        """What the dynamic linker asks for, of a library's file name."""
        if self.soname is not None and Path(name).match(self.soname[0]):
            return self.soname[1]
        return name

    def flat(self, windows: Floats) -> bytes:
        """(N, C, T) windows as the program reads them."""
        ordered = windows if self.time_last else windows.transpose(0, 2, 1)
        return np.ascontiguousarray(ordered, "<f4").tobytes()


RUNTIMES = {
    "tflite": Runtime(
        program="litert",
        title="LiteRT",
        package="ai-edge-litert",
        libraries=("ai_edge_litert/libLiteRt.so",),
        linked=("LiteRt",),
        time_last=False,
    ),
    "executorch": Runtime(
        program="executorch",
        title="ExecuTorch",
        package="executorch",
        libraries=(
            "executorch/lib/libexecutorch.so",
            "executorch/lib/libexecutorch_kernels_optimized.so",
            "executorch/lib/libexecutorch_kernels_quantized.so",
            "executorch/lib/libexecutorch_backend_xnnpack.so",
            "executorch/lib/libexecutorch_threadpool.so",
        ),
        headers=("executorch/include", "executorch/include/executorch/runtime/core/portable_type/c10"),
        linked=(
            "executorch",
            "executorch_kernels_optimized",
            "executorch_kernels_quantized",
            "executorch_backend_xnnpack",
            "executorch_threadpool",
        ),
        defines=("C10_USING_CUSTOM_GENERATED_MACROS",),
    ),
    "ort_mobile": Runtime(
        program="onnxruntime",
        title="ONNX Runtime",
        package="onnxruntime",
        libraries=("onnxruntime/capi/libonnxruntime.so.*",),
        linked=("onnxruntime",),
        soname=("libonnxruntime.so.*", "libonnxruntime.so.1"),
    ),
}
"""Target -> runtime. The graphs of target jetson are for TensorRT, which none of these devices has."""


def runtime_of(target: str) -> Runtime:
    """The runtime for a target's files.

    Raises:
        RecipeError: There is none.
    """
    if target not in RUNTIMES:
        raise RecipeError(f"no device runs files of target {target}: choose among {', '.join(RUNTIMES)}")
    return RUNTIMES[target]
