"""A build's models over a replay: the right replay is found, and none is taken for another."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from exporters.registry import load_runner
from factory.artifacts.manifest_io import write_manifest
from factory.contracts.errors import DataError
from tests.replay.logits import replay_build
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
    replayed = replay_build(tmp_path)
    with load_runner("tflite")(tmp_path / fp32.path) as runner:
        logits = runner.run(vector.x)
    assert replayed.replay == "pocket"
    assert [model.path for model in replayed.models] == [fp32.path]
    np.testing.assert_allclose(replayed.models[0].logits, logits, atol=1e-4)
    assert replayed.models[0].labels == tuple(vector.contract.window.labels[place] for place in logits.argmax(axis=1))


def test_a_build_without_a_replay_of_its_own_is_told(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.json", example.manifest())
    with pytest.raises(DataError, match="no replay below"):
        replay_build(tmp_path)
