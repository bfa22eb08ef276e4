"""Fixtures over the small world of world.py."""

import numpy as np
import pytest

from factory.contracts.artifact import Artifact, Precision, TensorInfo
from factory.contracts.dataset import Ints, WindowSet
from factory.verification.golden import GoldenPack
from factory.verification.selection import select_golden
from tests.unit.verification.world import LENGTH, Network, fit, make_spec, motion


@pytest.fixture(scope="session")
def windows() -> WindowSet:
    """Six subjects, one recording each, 4 bouts of 4 activities of 10 windows: 960 windows."""
    rng = np.random.default_rng(7)
    y = np.tile(np.repeat(np.arange(4), 10), 24).astype(np.int64)
    count = len(y)
    recording = np.repeat(np.arange(6), count // 6).astype(np.int64)
    return WindowSet(
        x=np.stack([motion(rng, int(label)) for label in y]),
        y=y,
        subject=np.char.add("s", recording.astype(np.str_)),
        recording=recording,
        start=(np.tile(np.arange(count // 6), 6) * 32).astype(np.int64),
        spec=make_spec(),
        official_test=(),
        content_hash="0" * 64,
        digest="",
        lost={},
    )


@pytest.fixture(scope="session")
def test_index(windows: WindowSet) -> Ints:
    return np.flatnonzero(np.isin(windows.subject, ["s4", "s5"])).astype(np.int64)


@pytest.fixture(scope="session")
def network(windows: WindowSet) -> Network:
    train = np.isin(windows.subject, ["s0", "s1", "s2", "s3"])
    return fit(windows.x[train], windows.y[train])


@pytest.fixture(scope="session")
def golden(windows: WindowSet, test_index: Ints, network: Network) -> GoldenPack:
    return select_golden(windows, test_index, 128, 0, network(windows.x[test_index]))


@pytest.fixture
def artifact() -> Artifact:
    tensor = TensorInfo(name="imu", shape=(1, 1, LENGTH, 6), dtype="float32", layout="1, 1, time, channel")
    return Artifact(
        target="tflite",
        precision=Precision.FP32,
        path="tflite/model_fp32.tflite",
        sha256="a" * 64,
        size_bytes=1000,
        inputs=(tensor,),
        outputs=(TensorInfo(name="logits", shape=(1, 4), dtype="float32", layout="1, class"),),
        tool="numpy",
        runtime="numpy",
    )
