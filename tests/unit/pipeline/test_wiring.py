"""The joints of the pipeline: each stage gets the right people's windows, and each gate is judged.

Real networks, real windows, a target whose file is the graph itself; each test dies with one wrong line of wiring.
"""

import dataclasses
from typing import Any

import numpy as np
import pytest

from factory.contracts.dataset import Floats, Ints
from factory.contracts.manifest import Outcome
from factory.pipeline import stages
from factory.pipeline.stages import baseline_stage, golden_stage, student_inputs, target_stage
from factory.pipeline.verification import verify_stage
from factory.verification import tolerances
from factory.verification.golden import read_golden
from tests.unit.pipeline.conftest import Ready
from tests.unit.pipeline.mirror_target import NAME, Mirror, MirrorRunner


def rows_of(windows: Floats, among: Floats) -> bool:
    """Whether every one of `windows` (n, C, T) is one of `among` (N, C, T)."""
    known = {row.tobytes() for row in among}
    return all(row.tobytes() in known for row in windows)


def part(run: Ready, name: str) -> Floats:
    return np.asarray(run.windows.x[getattr(run.split, name)])


def test_another_teacher_is_another_student(trained: Ready) -> None:
    before = student_inputs(trained, trained.recipe)
    record = trained.folder / ".stages" / "teacher.json"
    path = "teacher/ensemble.safetensors"
    digest = trained.store.hashes("teacher")[path]
    record.write_text(record.read_text().replace(digest, "0" * 64))
    assert student_inputs(trained, trained.recipe) != before


def test_the_golden_pack_is_of_test_people(trained: Ready) -> None:
    golden_stage(trained)
    golden = read_golden(trained.folder / "golden.npz")
    assert set(golden.index.tolist()) <= set(trained.split.test.tolist())
    assert rows_of(golden.x, part(trained, "test"))


def test_the_golden_packs_logits_are_the_students(trained: Ready) -> None:
    from factory.models import load_network
    from factory.training import predict

    golden_stage(trained)
    golden = read_golden(trained.folder / "golden.npz")
    expected = predict(load_network(trained.folder / "student"), golden.x)
    np.testing.assert_allclose(golden.logits, expected, atol=1e-5)


@pytest.mark.usefixtures("mirror")
def test_calibration_is_of_training_people(trained: Ready) -> None:
    target_stage(trained, NAME)
    (request,) = Mirror.requests
    assert len(request.calibration) > 0
    assert rows_of(request.calibration, part(trained, "train"))
    assert request.precisions == ("fp32",)


def verified(trained: Ready) -> Any:
    golden_stage(trained)
    baseline_stage(trained)
    return verify_stage(trained, target_stage(trained, NAME))


def outcomes(found: Any, gate: str) -> set[Outcome]:
    return {check.outcome for check in found.checks if check.target == NAME and check.gate == gate}


@pytest.mark.usefixtures("mirror")
def test_accuracy_is_measured_on_the_whole_test_split_and_judged(trained: Ready) -> None:
    found = verified(trained)
    assert any(np.array_equal(windows, part(trained, "test")) for windows in MirrorRunner.seen)
    assert not any(rows_of(windows, part(trained, "train")) for windows in MirrorRunner.seen)
    (seen,) = found.verifications
    assert seen.accuracy is not None
    assert seen.accuracy.windows == len(trained.split.test)
    assert set(seen.accuracy.per_subject_f1) == {"s5", "s6"}
    for gate in ("parity.max_abs", "parity.flips", "accuracy.drop_pp", "accuracy.macro_f1_drop_pp"):
        assert outcomes(found, gate) == {Outcome.PASSED}, gate


def test_a_file_that_is_right_on_the_golden_pack_alone_breaks_the_accuracy_gate(
    trained: Ready, mirror: type[MirrorRunner]
) -> None:
    run = Ready(dataclasses.replace(trained.request, recipe=with_golden(trained, 16)), trained.store)
    golden_stage(run)
    golden = {row.tobytes() for row in read_golden(run.folder / "golden.npz").x}

    def spoil(windows: Floats, logits: Floats) -> Floats:
        wrong = np.array([row.tobytes() not in golden for row in windows])
        return np.where(wrong[:, None], -logits, logits)

    mirror.spoil = staticmethod(spoil)
    found = verified(run)
    assert outcomes(found, "parity.max_abs") == {Outcome.PASSED}
    assert outcomes(found, "accuracy.drop_pp") == {Outcome.FAILED}


def with_golden(run: Ready, count: int) -> Any:
    verify = run.recipe.verify.model_copy(update={"golden_windows": count})
    return run.recipe.model_copy(update={"verify": verify})


def test_wrong_logits_break_the_parity_gate(trained: Ready, mirror: type[MirrorRunner]) -> None:
    mirror.spoil = staticmethod(lambda windows, logits: logits + np.float32(0.01))
    assert outcomes(verified(trained), "parity.max_abs") == {Outcome.FAILED}


@pytest.mark.usefixtures("mirror")
def test_a_changed_tolerance_is_judged_anew(trained: Ready, monkeypatch: pytest.MonkeyPatch) -> None:
    assert outcomes(verified(trained), "parity.max_abs") == {Outcome.PASSED}
    kind = (NAME, trained.recipe.export.precisions[0])
    strict = dataclasses.replace(tolerances.TOLERANCES[kind], max_abs=-1.0)
    monkeypatch.setitem(tolerances.TOLERANCES, kind, strict)
    assert outcomes(verified(trained), "parity.max_abs") == {Outcome.FAILED}


@pytest.mark.parametrize("name", ["teacher", "student"])
def test_people_are_part_of_a_networks_key(trained: Ready, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[str] = []
    monkeypatch.setattr(stages, "can_judge_lead", lambda *_: False)  # swapped, there are people enough to
    monkeypatch.setattr(type(trained.store), "run", lambda self, stage, work: keys.append(stage.key))
    run = getattr(stages, f"{name}_stage")
    run(trained)
    run(trained)
    swapped = dataclasses.replace(trained.split, train=trained.split.validation, validation=trained.split.train)
    monkeypatch.setattr(type(trained), "split", swapped)
    run(trained)
    assert keys[0] == keys[1] != keys[2]


def test_networks_train_on_training_people(trained: Ready, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[Ints, Ints]] = []

    def note(recipe: Any, windows: Any, split: Any, *rest: Any) -> None:
        given.append((split.train, split.test))
        raise KeyboardInterrupt

    monkeypatch.setattr("factory.training.train_teacher", note)
    (trained.folder / ".stages" / "teacher.json").unlink()
    with pytest.raises(KeyboardInterrupt):
        stages.teacher_stage(trained)
    assert np.array_equal(given[0][0], trained.split.train)
