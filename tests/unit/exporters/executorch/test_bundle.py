"""The bundled cases hold, by the runtime's own comparison, and fail where file or expectation is another."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from exporters.executorch.bundle import CASES, TOLERANCE, broken_cases
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.errors import ArtifactError
from factory.contracts.exporter import ExportRequest

Built = tuple[ExportRequest, tuple[Artifact, ...]]


@pytest.fixture
def built(exported: Callable[[str], Built]) -> Built:
    return exported("executorch")


def _path(built: Built, precision: Precision) -> Path:
    return built[0].build / "executorch" / f"model_{precision}.bpte"


@pytest.mark.parametrize("precision", list(TOLERANCE))
def test_every_bundled_case_holds(built: Built, precision: Precision) -> None:
    assert broken_cases(_path(built, precision), TOLERANCE[precision]) == ()


def test_a_changed_window_breaks_its_case(built: Built, tmp_path: Path) -> None:
    """The windows stand in the file as float32; the first is found by its bytes and moved away from its logits."""
    from exporters.executorch.runner import ExecuTorchRunner

    content = _path(built, Precision.FP32).read_bytes()
    window = built[0].calibration[:1]
    place = content.find(np.ascontiguousarray(window, np.float32).tobytes())
    assert place >= 0
    damaged = bytearray(content)
    damaged[place : place + window.nbytes] = np.ascontiguousarray(window + 3, np.float32).tobytes()
    (tmp_path / "m.bpte").write_bytes(damaged)
    with ExecuTorchRunner(_path(built, Precision.FP32).with_suffix(".pte")) as runner:
        assert np.abs(runner.run(window) - runner.run(window + 3)).max() > TOLERANCE[Precision.FP32]
    assert len(broken_cases(tmp_path / "m.bpte", TOLERANCE[Precision.FP32], CASES)) == 1


def test_a_file_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.bpte").write_bytes(b"no bundle" * 50)
    with pytest.raises(ArtifactError, match="does not load"):
        broken_cases(tmp_path / "m.bpte", 1.0)


def test_a_missing_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="missing"):
        broken_cases(tmp_path / "m.bpte", 1.0)
