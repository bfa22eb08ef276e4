"""Unknown answers: the arithmetic that Kotlin's tests read from the same file, and what Model makes of it."""

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

import factory
from factory.contracts.answers import known, probabilities
from factory.contracts.window import Rejection, SensorContract
from tests.replay.answers import ANSWERS, make_answers
from tests.unit.exporters.students import CHANNELS, LABELS, WINDOW, normalisation, sensor_spec


def test_the_file_that_kotlin_reads_is_what_python_computes() -> None:
    written = json.loads(ANSWERS.read_text())
    assert written == json.loads(json.dumps(make_answers()))
    counts = [sum(answer is None for answer in case["answers"]) for case in written]
    assert counts[0] == 0
    assert all(0 < count < 20 for count in counts[1:4])


def test_the_defaults_are_softmax_and_reject_nothing() -> None:
    logits = np.array([[0, 0, 0], [np.log(2), 0, 0]], np.float32)
    shares = probabilities(logits, Rejection())
    np.testing.assert_allclose(shares, [[1 / 3, 1 / 3, 1 / 3], [0.5, 0.25, 0.25]], rtol=1e-6)
    assert known(shares, Rejection()).all()


def test_a_share_equal_to_the_threshold_is_believed() -> None:
    shares = np.array([[0.5, 0.5], [0.75, 0.25]], np.float32)
    assert known(shares, Rejection(threshold=0.5)).tolist() == [True, True]
    assert known(shares, Rejection(threshold=0.75)).tolist() == [False, True]


def test_a_temperature_above_one_makes_answers_less_sure() -> None:
    logits = np.array([[3, 0, 0]], np.float32)
    warm, cold = (probabilities(logits, Rejection(temperature=t)).max() for t in (3, 0.5))
    assert warm < probabilities(logits, Rejection()).max() < cold


@pytest.mark.parametrize("values", [{"temperature": 0}, {"temperature": -1}, {"threshold": 1}, {"threshold": -0.1}])
def test_numbers_without_meaning_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Rejection.model_validate(values)


class _Answers:
    """A runtime whose logits are known."""

    def run(self, x: np.ndarray) -> np.ndarray:
        logits = np.zeros((len(x), len(LABELS)), np.float32)
        logits[:, 1] = np.arange(len(x))
        return logits


def test_a_model_calls_an_answer_below_the_threshold_unknown(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(b"")
    contract = SensorContract(
        name="tiny",
        window=sensor_spec(),
        normalisation=normalisation(CHANNELS),
        phone_obstacles=(),
        rejection=Rejection(temperature=0.5, threshold=0.6),
    )
    model = factory.Model(tmp_path / "model.tflite", contract=contract)
    model._runner = _Answers()  # type: ignore[assignment]
    window = np.zeros((3, CHANNELS, WINDOW), np.float32)
    window[:, 2] = 9.81
    found = model.predict(window)
    assert found.labels.tolist() == ["unknown", LABELS[1], LABELS[1]]
    assert found.known.tolist() == [False, True, True]
    np.testing.assert_allclose(
        found.probabilities[:, 1], [1 / 4, np.exp(2) / (np.exp(2) + 3), np.exp(4) / (np.exp(4) + 3)], rtol=1e-6
    )


def test_a_contract_of_before_reads_as_one_that_rejects_nothing() -> None:
    contract = SensorContract(
        name="tiny", window=sensor_spec(), normalisation=normalisation(CHANNELS), phone_obstacles=()
    )
    old = contract.model_dump_json(exclude={"rejection"})
    assert "rejection" not in old
    assert SensorContract.model_validate_json(old) == contract
