"""A build's models over a replay: the right replay is found, and none is taken for another."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from exporters.registry import load_runner
from factory.artifacts.manifest_io import write_manifest
from factory.contracts.artifact import Precision
from factory.contracts.window import WindowSpec
from factory.verification.golden import GoldenPack, spec_hash, write_golden
from tests.replay.logits import ReplayedBuild, replay_build
from tests.replay.vectors import FOLDER, read_vector
from tests.unit.reporting import example

if TYPE_CHECKING:
    from tests.conftest import Exported


def test_logits_and_labels_are_those_of_the_runtime(exported: "Callable[[str], Exported]", tmp_path: Path) -> None:
    request, artifacts = exported("tflite")
    vector = read_vector(FOLDER / "pocket")  # its windows have the shape that the small student takes
    fp32 = artifacts[0]
    (tmp_path / fp32.path).parent.mkdir()
    shutil.copyfile(request.build / fp32.path, tmp_path / fp32.path)
    write_manifest(
        tmp_path / "manifest.json",
        example.manifest().model_copy(update={"contract": vector.contract.window, "artifacts": (fp32,)}),
    )
    write_golden(tmp_path / "golden.npz", _golden(vector.contract.window))
    replayed = replay_build(tmp_path)
    with load_runner("tflite")(tmp_path / fp32.path) as runner:
        logits = runner.run(vector.x)
    assert replayed.replay == "pocket"
    assert [(model.path, model.sha256) for model in replayed.models] == [(fp32.path, fp32.sha256)]
    assert replayed.models[0].runtime.startswith("LiteRT ")
    assert replayed.models[0].step is None
    np.testing.assert_allclose(replayed.models[0].logits, logits, atol=1e-4)
    assert [len(model.logits) for model in replayed.golden] == [1]
    assert replayed.models[0].labels == tuple(vector.contract.window.labels[place] for place in logits.argmax(axis=1))


def test_only_a_file_of_8_bits_has_a_step(exported: "Callable[[str], Exported]", tmp_path: Path) -> None:
    request, artifacts = exported("tflite")
    shutil.copytree(request.build / "tflite", tmp_path / "tflite")
    window = read_vector(FOLDER / "pocket").contract.window
    manifest = example.manifest().model_copy(update={"contract": window, "artifacts": artifacts})
    write_manifest(tmp_path / "manifest.json", manifest)
    write_golden(tmp_path / "golden.npz", _golden(window))
    models = replay_build(tmp_path).models
    steps = {artifact.precision: model.step for artifact, model in zip(artifacts, models, strict=True)}
    assert {precision for precision, step in steps.items() if step is None} == {Precision.FP32, Precision.FP16}
    assert steps[Precision.INT8_STATIC] == pytest.approx(5.1 / 255)


def _golden(window: WindowSpec) -> GoldenPack:
    """One window whose logits span 5.1."""
    labels = window.labels
    logits = np.zeros((1, len(labels)), np.float32)
    logits[0, :2] = -2.0, 3.1
    return GoldenPack(
        x=np.zeros((1, len(window.channels), window.length), np.float32),
        y=np.zeros(1, np.int64),
        kind=np.array(["easy"]),
        index=np.zeros(1, np.int64),
        logits=logits,
        labels=labels,
        spec_hash=spec_hash(window),
    )


def test_a_build_without_a_replay_of_its_own_gets_no_answers(tmp_path: Path) -> None:
    manifest = example.manifest().model_copy(update={"artifacts": ()})
    write_manifest(tmp_path / "manifest.json", manifest)
    write_golden(tmp_path / "golden.npz", _golden(manifest.contract))
    assert replay_build(tmp_path) == ReplayedBuild(replay=None, models=(), golden=())
