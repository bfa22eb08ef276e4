from pathlib import Path

import pytest
from matplotlib import image
from matplotlib.collections import LineCollection

from factory.contracts.errors import ArtifactError
from factory.reporting import view
from factory.reporting.picture import _compose, summary_picture
from tests.unit.reporting import example


def test_picture_shows_something_and_repeats_byte_for_byte(tmp_path: Path) -> None:
    builds = [example.manifest(), example.manifest().model_copy(update={"name": "motionsense"})]
    for name in ("one.png", "two.png"):
        summary_picture(builds, tmp_path / name)
    pixels = image.imread(tmp_path / "one.png")
    assert pixels.shape[1] > 1500
    assert pixels.std() > 0.1
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_baseline_and_majority_are_lines_beside_the_student(tmp_path: Path) -> None:
    made = example.manifest()
    (item, accuracy), *_ = view.with_accuracy(view.measured(made))
    for manifest, lines in ((made, [94.0, 20.0]), (made.model_copy(update={"baseline": None}), [])):
        axes = _compose([manifest], item, accuracy).subfigs[0].axes[2]
        assert axes.get_xlabel() == "test accuracy (%)"
        drawn = [c.get_segments()[0][0, 0] for c in axes.collections if isinstance(c, LineCollection)]
        assert drawn == pytest.approx(lines)


def test_a_build_without_latency_still_has_its_picture(tmp_path: Path) -> None:
    found = tuple(item.model_copy(update={"latency": None}) for item in example.manifest().verifications)
    summary_picture([example.manifest().model_copy(update={"verifications": found})], tmp_path / "one.png")
    assert (tmp_path / "one.png").stat().st_size > 10_000


def test_nothing_measured_is_refused(tmp_path: Path) -> None:
    for builds in ([], [example.manifest().model_copy(update={"verifications": ()})]):
        with pytest.raises(ArtifactError, match="accuracy was measured"):
            summary_picture(builds, tmp_path / "one.png")
    assert list(tmp_path.iterdir()) == []
