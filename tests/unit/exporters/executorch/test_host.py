"""The C++ runtime answers what its Python binding answers, and refuses what that refuses."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from exporters.executorch.host import host_runner, torch_free_logits
from exporters.executorch.runner import ExecuTorchRunner
from exporters.executorch.trailer import append_checksum
from factory.contracts.artifact import Artifact
from factory.contracts.errors import ArtifactError, MissingToolError
from factory.contracts.exporter import ExportRequest
from tests.unit.exporters.students import some_windows

Built = tuple[ExportRequest, tuple[Artifact, ...]]
needs_compiler = pytest.mark.skipif(
    shutil.which("cmake") is None or shutil.which("c++") is None, reason="needs cmake and a C++ compiler"
)


@pytest.fixture
def built(exported: Callable[[str], Built]) -> Built:
    return exported("executorch")


@pytest.mark.slow
@needs_compiler
def test_without_torch_every_logit_is_the_same_bit_for_bit(built: Built) -> None:
    windows = some_windows(16, seed=5)
    for artifact in built[1]:
        path = built[0].build / artifact.path
        with ExecuTorchRunner(path) as runner:
            np.testing.assert_array_equal(torch_free_logits(path, windows), runner.run(windows))


@pytest.mark.slow
@needs_compiler
def test_windows_of_another_shape_are_refused(built: Built) -> None:
    with pytest.raises(ArtifactError, match="expected a multiple of"):
        torch_free_logits(built[0].build / built[1][0].path, some_windows(1)[:, :5])


@pytest.mark.slow
@needs_compiler
def test_a_file_with_a_checksum_that_is_no_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.pte").write_bytes(append_checksum(b"no program" * 20))
    with pytest.raises(ArtifactError, match="fails in the C\\+\\+ runtime"):
        torch_free_logits(tmp_path / "m.pte", some_windows(1))


def test_a_changed_file_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    (tmp_path / "m.pte").write_bytes(append_checksum(b"a program")[:-1] + b"?")
    with pytest.raises(ArtifactError, match="changed after it was written"):
        torch_free_logits(tmp_path / "m.pte", some_windows(1))


def test_a_missing_compiler_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match=r"cmake, c\+\+ missing.*apt install"):
        host_runner(tmp_path / "cache")
