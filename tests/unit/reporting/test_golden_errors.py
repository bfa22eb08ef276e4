"""Which wrong windows of a golden pack are drawn, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from factory.contracts.errors import ArtifactError
from factory.reporting.golden_errors import read_errors, triads
from tests.unit.reporting import example

SPEC = example.contract()
PACK = "golden.npz"


def test_the_most_frequent_confusions_of_the_test_split_come_first_one_window_each(tmp_path: Path) -> None:
    wrong = ((0, 1), (0, 2), (0, 2), (3, 4), (4, 5), (5, 0))
    example.write_golden_pack(tmp_path, SPEC, wrong)
    counts = np.zeros((6, 6), dtype=int)
    counts[3, 4], counts[4, 5], counts[5, 0], counts[1, 0] = 9, 7, 5, 99
    found = read_errors(tmp_path / PACK, SPEC, counts.tolist())
    assert found is not None
    assert [(window.truth, window.answer, window.number) for window in found] == [
        ("sitting", "standing", 9),
        ("standing", "laying", 7),
        ("laying", "walking", 5),
        ("walking", "walking_downstairs", 0),
    ], "more of them in the pack decides where the test split does not"
    assert found[0].x.shape == (6, 128)


def test_of_one_confusion_the_most_confident_window_is_shown(tmp_path: Path) -> None:
    example.write_golden_pack(tmp_path, SPEC, ((0, 1), (0, 1), (0, 1)))
    with np.load(tmp_path / PACK) as pack:
        logits, x = pack["logits"][-3:].astype(np.float64), pack["x"][-3:]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    (window,) = read_errors(tmp_path / PACK, SPEC, None) or ()
    assert window.confidence == pytest.approx(shares[:, 1].max(), rel=1e-6)
    assert np.array_equal(window.x, x[shares[:, 1].argmax()])


def test_a_pack_without_an_error_gives_no_window_and_no_pack_gives_none(tmp_path: Path) -> None:
    assert read_errors(tmp_path / PACK, SPEC, None) is None
    example.write_golden_pack(tmp_path, SPEC, ())
    assert read_errors(tmp_path / PACK, SPEC, None) == ()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip", None])
def test_a_corrupt_pack_is_refused(tmp_path: Path, content: bytes | None) -> None:
    example.write_golden_pack(tmp_path, SPEC, ())
    whole = (tmp_path / PACK).read_bytes()
    (tmp_path / PACK).write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(ArtifactError, match=r"golden\.npz is no golden pack or corrupt"):
        read_errors(tmp_path / PACK, SPEC, None)


def test_a_pack_of_another_contract_is_refused(tmp_path: Path) -> None:
    example.write_golden_pack(tmp_path, SPEC, ())
    with pytest.raises(ArtifactError, match=r"expected \(12, 6, 128\) and \(12, 2\)"):
        read_errors(tmp_path / PACK, example.contract(("a", "b")), None)


def test_a_label_outside_the_contract_is_refused(tmp_path: Path) -> None:
    x = np.zeros((2, 6, 128), np.float32)
    np.savez(tmp_path / PACK, x=x, y=np.asarray([0, 6]), logits=np.zeros((2, 6), np.float32))
    with pytest.raises(ArtifactError, match="labels up to 6"):
        read_errors(tmp_path / PACK, SPEC, None)


def test_acceleration_and_angular_rate_of_one_place_are_drawn() -> None:
    found = triads(SPEC)
    assert [(triad.title, triad.unit) for triad in found] == [
        ("accelerometer, waist", "m/s^2"),
        ("gyroscope, waist", "rad/s"),
    ]
    assert found[1].channels == ((3, "x"), (4, "y"), (5, "z"))
    only = SPEC.model_copy(
        update={"channels": tuple(c.model_copy(update={"quantity": "magnetometer"}) for c in SPEC.channels[:3])}
    )
    assert [triad.title for triad in triads(only)] == ["magnetometer, waist"]
