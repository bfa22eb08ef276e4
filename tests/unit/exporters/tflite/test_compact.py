"""What a .tflite file does without, and that it computes the same."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from exporters.tflite import flatbuffer
from exporters.tflite.compact import compact
from exporters.tflite.exporter import TFLiteExporter
from exporters.tflite.runner import LiteRTRunner
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.exporter import ExportRequest
from factory.contracts.manifest import Outcome
from factory.verification.gates import judge_size
from tests.unit.exporters.students import export_request, some_windows

Built = tuple[ExportRequest, tuple[Artifact, ...]]


@pytest.fixture
def built(exported: Callable[[str], Built]) -> Built:
    return exported("tflite")


def _models(built: Built) -> dict[Path, object]:
    paths = [built[0].build / artifact.path for artifact in built[1]]
    return {path: flatbuffer.parse(path.read_bytes(), path.name) for path in paths}


def test_names_are_the_signatures_or_a_place_in_the_file(built: Built) -> None:
    for model in _models(built).values():
        tensors = model.subgraphs[0].tensors  # type: ignore[attr-defined]
        names = [tensor.name.decode() for tensor in tensors]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"imu|logits|t\d+", name) for name in names), names
        assert {names.index(name) for name in names if name.startswith("t")} == {
            int(name[1:]) for name in names if name.startswith("t")
        }


def test_no_constant_and_no_list_of_zeros_stands_twice(built: Built) -> None:
    for path, model in _models(built).items():
        contents = [b"" if buffer.data is None else bytes(buffer.data) for buffer in model.buffers]  # type: ignore[attr-defined]
        assert len(set(contents)) == len(contents), path.name
        assert contents[0] == b""
        zeros = np.zeros(16, np.int64).tobytes()  # zero points of 16 channels, of several convolutions
        assert path.read_bytes().count((16).to_bytes(4, "little") + zeros) <= 1


def test_a_model_with_everything_doubled_comes_out_the_same(built: Built, tmp_path: Path) -> None:
    generated, windows = flatbuffer.schema(), some_windows(16, seed=5)
    for path in _models(built):
        model = flatbuffer.parse(path.read_bytes(), path.name)
        for index, tensor in enumerate(model.subgraphs[0].tensors):
            model.buffers.append(_copy(generated, model.buffers[tensor.buffer]))
            tensor.buffer, tensor.name = len(model.buffers) - 1, f"{'long_name;' * 20}{index}".encode()
            tensor.quantization = tensor.quantization or generated.QuantizationParametersT()
        doubled, small = tmp_path / "doubled.tflite", tmp_path / "small.tflite"
        doubled.write_bytes(flatbuffer.pack(model))
        compact(model)
        small.write_bytes(flatbuffer.pack(model))
        assert small.stat().st_size < 0.7 * doubled.stat().st_size
        with LiteRTRunner(path) as given, LiteRTRunner(doubled) as large, LiteRTRunner(small) as less:
            np.testing.assert_array_equal(large.run(windows), given.run(windows))
            np.testing.assert_array_equal(less.run(windows), given.run(windows))


def _copy(generated: object, buffer: object) -> object:
    copied = generated.BufferT()  # type: ignore[attr-defined]
    copied.data = buffer.data  # type: ignore[attr-defined]
    return copied


@pytest.mark.slow
def test_every_precision_of_a_student_of_3000_parameters_is_worth_its_size(tmp_path: Path) -> None:
    request = export_request(tmp_path, blocks=1)
    fp32, *others = TFLiteExporter().export(request)
    assert [artifact.precision for artifact in (fp32, *others)] == list(Precision)
    for artifact in others:
        (check,) = judge_size("tflite", artifact.precision, artifact.size_bytes, fp32.size_bytes, "host")
        assert check.outcome is Outcome.PASSED, check
