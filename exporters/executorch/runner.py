"""ExecuTorch's own runtime with XNNPACK, through its Python binding: what verifies every .pte file."""

import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from exporters.executorch.trailer import require_checksum
from exporters.runtime import durations_us, opened, quiet
from factory.contracts.dataset import Floats
from factory.contracts.errors import ArtifactError, MissingToolError

VERSION_METHOD, CONTRACT_METHOD = "executorch_version", "contract"


def installed_version() -> str:
    """The runtime's version, without the wheel's build tag.

    Raises:
        MissingToolError: ExecuTorch is not installed; names the install command.
    """
    try:
        return version("executorch").partition("+")[0]
    except PackageNotFoundError as error:
        raise MissingToolError("ExecuTorch is missing: pip install 'smldist-factory[executorch]'") from error


def require_runtime(exported: str, installed: str, where: str) -> None:
    """Refuse a runtime that is older than the exporter, or of another minor release.

    Raises:
        ArtifactError: Names both versions and what to install.
    """
    needed, here = _numbers(exported), _numbers(installed)
    if needed[:2] != here[:2] or here < needed:
        raise ArtifactError(
            f"{where} was exported by ExecuTorch {exported}, the runtime here is {installed}: install "
            f"executorch=={exported}, or build the target again"
        )


class ExecuTorchRunner:
    """Runs a .pte file on one thread of the CPU, one window at a time, as a phone does.

    Imports torch, because the Python binding takes torch tensors; `host.torch_free_logits` runs the same runtime
    without. Layers: none, since the whole graph is one call of XNNPACK, which keeps no intermediate tensors.
    """

    def __init__(self, path: Path) -> None:
        self.name = f"ExecuTorch {installed_version()} (XNNPACK)"
        self._path = path
        self._program: Any = None  # owns the memory that the method runs in
        self._method: Any = None
        self._shape: tuple[int, int] = (0, 0)

    def __enter__(self) -> Self:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError as error:
            raise ArtifactError(f"{self._path} is missing: build the target again") from error
        require_checksum(content, str(self._path))
        self._program = load_program(content, self._path)
        require_runtime(self._text(VERSION_METHOD), installed_version(), str(self._path))
        self._method = self._load("forward")
        _, channels, _, length = self._method.metadata.input_tensor_meta(0).sizes()
        self._shape = (int(channels), int(length))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._method = self._program = None

    def run(self, windows: Floats) -> Floats:
        """Logits (N, K) of windows (N, C, T) in SI units."""
        method = opened(self._method, self, self._path)
        given = self._checked(windows)
        classes = int(method.metadata.output_tensor_meta(0).sizes()[-1])
        logits = np.empty((len(windows), classes), np.float32)
        for index in range(len(windows)):
            logits[index] = self._execute(given[index : index + 1])[0].numpy()
        return logits

    def latency_us(self, window: Floats, runs: int) -> Floats:
        """Microseconds of each of `runs` inferences of one window (C, T); the binding's copies are counted."""
        execute = opened(self._method, self, self._path).execute
        given = [self._checked(window[None])]
        self._execute(given[0])
        return durations_us(lambda: execute(given), runs)

    def contract(self) -> str:
        """contract.json, as the file's own method answers it.

        Raises:
            ArtifactError: The file has no such method.
        """
        opened(self._program, self, self._path)
        return self._text(CONTRACT_METHOD)

    def layer_names(self) -> tuple[str, ...]:
        """None."""
        return ()

    def layers(self, window: Floats) -> dict[str, Floats]:
        """None."""
        opened(self._method, self, self._path)
        return {}

    def _checked(self, windows: Floats) -> Any:
        """Tensor (N, C, 1, T), or an ArtifactError about the shape."""
        import torch

        if windows.ndim != 3 or windows.shape[1:] != self._shape:
            raise ArtifactError(f"windows are {windows.shape[1:]}, {self._path.name} expects {self._shape}")
        # A copy, because golden windows are read-only and torch warns of such memory.
        return torch.from_numpy(np.array(windows[:, :, None, :], np.float32, order="C"))

    def _execute(self, window: Any) -> Any:
        try:
            return self._method.execute([window])[0]
        except RuntimeError as error:
            raise ArtifactError(f"{self._path} fails in ExecuTorch: {error}: build the target again") from error

    def _load(self, method: str) -> Any:
        try:
            with quiet():
                return self._program.load_method(method)
        except (RuntimeError, KeyError) as error:
            raise ArtifactError(f"{self._path}: method {method} does not load ({error}): build again") from error

    def _text(self, method: str) -> str:
        return str(self._load(method).execute([])[0])


def load_program(content: bytes, path: Path, *, traced: bool = False) -> Any:
    """A program of the Python binding, one thread; keep it as long as any of its methods.

    Args:
        content: A .pte.
        path: For messages.
        traced: Record an ETDump.

    Raises:
        ArtifactError: The runtime refused.
    """
    binding()
    from executorch.runtime import Runtime

    try:
        with quiet():
            return Runtime.get().load_program(content, enable_etdump=traced)
    except RuntimeError as error:
        raise ArtifactError(f"{path} does not load in ExecuTorch: {error}: build the target again") from error


def binding() -> Any:
    """The module of the Python binding, on one thread from now on."""
    with warnings.catch_warnings(), quiet():
        # executorch.exir reads a resource by a function that Python 3.11 deprecates.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        import executorch.extension.pybindings.portable_lib as binding

        binding._unsafe_reset_threadpool(1)
    return binding


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.partition("+")[0].split(".") if part.isdigit())
