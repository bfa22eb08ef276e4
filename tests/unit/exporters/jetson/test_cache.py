"""The calibration cache: its text, what it names, and that its scales are those of the Q/DQ graph."""

import struct
from pathlib import Path

import numpy as np
import pytest

from exporters.jetson.cache import int8_tensors, read_cache, write_cache
from exporters.jetson.dla_form import dla_form
from exporters.jetson.graphs import load, save
from exporters.jetson.quantise import quantise, quantised_tensors, simulate_dla
from exporters.jetson.scales import LEVELS, activation_scales, least_error_scale
from exporters.onnx import OnnxRunner, export_onnx
from factory.contracts.errors import ArtifactError
from factory.contracts.recipe import HeadKind
from tests.unit.exporters.students import CHANNELS, WINDOW, some_windows, student


def test_scales_are_big_endian_hexadecimal_floats_behind_tensorrts_header() -> None:
    text = write_cache({"/a/Relu_output_0": 0.007874016})
    assert text == f"TRT-8502-EntropyCalibration2\n/a/Relu_output_0: {struct.pack('>f', 0.007874016).hex()}\n"
    assert text.splitlines()[1].endswith(": 3c010204")
    assert read_cache(text) == {"/a/Relu_output_0": pytest.approx(1 / 127)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "TRT-8502-EntropyCalibration2\n",
        "TRT-8502-MinMaxCalibration\na: 3c010204\n",
        "TRT-8502-EntropyCalibration2\na: 3c0102\n",
        "TRT-8502-EntropyCalibration2\na: 00000000\n",
        "TRT-8502-EntropyCalibration2\na: 7f800000\n",
        "TRT-8502-EntropyCalibration2\na: bc010204\n",
    ],
)
def test_a_damaged_cache_is_refused(text: str) -> None:
    with pytest.raises(ArtifactError, match="calibration cache"):
        read_cache(text)


@pytest.mark.parametrize(
    ("head", "last"),
    [
        ("linear", "/GlobalAveragePool_output_0"),
        ("cosine", "/GlobalAveragePool_output_0"),
        ("hopfield", "/GlobalAveragePool_output_0"),
        ("mlp", "/head/head.1/Relu_output_0"),
    ],
)
def test_the_front_and_logits_have_no_scale_and_so_stay_float(head: HeadKind, last: str, tmp_path: Path) -> None:
    export_onnx(student(head), CHANNELS, WINDOW, tmp_path / "model.onnx")
    model = load(tmp_path / "model.onnx")
    names = int8_tensors(model, dla_form(model))
    assert (names[0], names[-1]) == ("/stages.0/stages.0.0/Add_output_0", last)
    assert not {"imu", "logits", "logits_4d", "/normalise/Clip_output_0"} & set(names)


def test_tensors_of_both_graphs_have_the_same_scale(tmp_path: Path) -> None:
    export_onnx(student(), CHANNELS, WINDOW, tmp_path / "model.onnx")
    model, windows = load(tmp_path / "model.onnx"), some_windows(32, seed=1)
    dla = dla_form(model)
    scales = activation_scales(dla, int8_tensors(model, dla), windows)
    shared = 0
    for tensor in quantised_tensors(quantise(model, windows)):
        name = tensor.name.removesuffix("_q")
        if name in scales and tensor.quantisation is not None:
            shared += 1
            gated = 6 if name.endswith("body.2/Mul_1_output_0") else 1  # its 1/6 is in the next weights
            np.testing.assert_allclose(tensor.quantisation.scale, scales[name] / gated, rtol=1e-4)
    assert shared > 5


def test_the_dlas_int8_stays_close_to_the_reference_and_a_wrong_scale_does_not(tmp_path: Path) -> None:
    export_onnx(student(), CHANNELS, WINDOW, tmp_path / "model.onnx")
    model, windows = load(tmp_path / "model.onnx"), some_windows(32, seed=1)
    dla = dla_form(model)
    scales = activation_scales(dla, int8_tensors(model, dla), windows)
    with OnnxRunner(tmp_path / "model.onnx") as reference:
        expected = reference.run(windows)

    def error(changed: dict[str, float]) -> float:
        save(simulate_dla(dla, changed), tmp_path / "simulated.onnx")
        with OnnxRunner(tmp_path / "simulated.onnx") as runner:
            return float(np.abs(runner.run(windows) - expected).max() / np.ptp(expected))

    first = next(iter(scales))
    assert 0 < error(scales) < 0.1
    assert error(scales | {first: scales[first] / 50}) > 0.2


def test_the_scale_of_least_error_clips_a_rare_outlier() -> None:
    values = np.abs(np.random.default_rng(0).normal(0, 1, 10_000)).astype(np.float32)
    assert least_error_scale(values, float(values.max())) <= values.max() / LEVELS
    with_outlier = np.append(values, np.float32(8))
    assert least_error_scale(with_outlier, 8.0) < 8 / LEVELS


def test_a_tensor_that_is_zero_throughout_gets_a_scale_above_zero() -> None:
    assert least_error_scale(np.zeros(8, np.float32), 0.0) == 1 / LEVELS
