"""A build against the model that was published before it: what is worse breaks a gate."""

import pytest

from factory.contracts.artifact import Precision
from factory.contracts.manifest import Accuracy, Check, Manifest, Outcome
from factory.verification.published import DROPS, FILE, judge_published
from tests.unit.reporting.example import LABELS, accuracy, manifest, with_second_target


def measured(of: Manifest) -> dict[str, Accuracy]:
    return {seen.subject: seen.accuracy for seen in of.verifications if seen.accuracy is not None}


def judged(build: Manifest, found: dict[str, Accuracy] | None = None) -> list[Check]:
    return judge_published(build, measured(build) if found is None else found, manifest(), "hapt 1.0.0 of models")


def outcomes(checks: list[Check], gate: str) -> set[Outcome]:
    return {check.outcome for check in checks if check.gate == gate}


def test_the_same_build_passes_every_gate() -> None:
    checks = judged(manifest())
    assert len(checks) == 3 * len(manifest().artifacts)
    assert {check.outcome for check in checks} == {Outcome.PASSED}
    assert {check.where for check in checks} == {"hapt 1.0.0 of models"}


@pytest.mark.parametrize("worse", [Precision.FP32, Precision.INT8_STATIC])
def test_one_file_that_lost_more_than_the_recipe_allows_fails(worse: Precision) -> None:
    (path,) = (artifact.path for artifact in manifest().artifacts if artifact.precision is worse)
    checks = judged(manifest(), measured(manifest()) | {path: accuracy(0.9)})
    failed = [check for check in checks if check.outcome is Outcome.FAILED]
    assert {(check.precision, check.gate) for check in failed} == {(worse, gate) for gate in DROPS}
    assert all("was published, now 0." in check.note and "verify.max_drop_pp" in check.note for check in failed)


def test_the_recipe_says_how_much_may_be_lost() -> None:
    found = {path: accuracy(0.9) for path in measured(manifest())}
    recipe = manifest().recipe
    lenient = recipe.model_copy(update={"verify": recipe.verify.model_copy(update={"max_drop_pp": 50.0})})
    assert Outcome.FAILED not in {c.outcome for c in judged(manifest().model_copy(update={"recipe": lenient}), found)}
    assert Outcome.FAILED in {c.outcome for c in judged(manifest(), found)}


def test_a_build_without_a_published_file_fails() -> None:
    fewer = manifest().model_copy(update={"artifacts": manifest().artifacts[1:]})
    checks = judged(fewer)
    (failed,) = (check for check in checks if check.outcome is Outcome.FAILED)
    assert (failed.gate, failed.precision) == (FILE, manifest().artifacts[0].precision)
    assert Outcome.FAILED not in outcomes(judged(with_second_target(manifest())), FILE)


def test_what_cannot_be_compared_is_not_run() -> None:
    other = manifest().data.model_copy(update={"content_hash": "0" * 64})
    people = manifest().data.model_copy(update={"test_subjects": ("2",)})
    for build, why in (
        (manifest().model_copy(update={"data": other}), "measured on other windows"),
        (manifest().model_copy(update={"data": people}), "measured on other people"),
        (manifest((*LABELS[1:], LABELS[0])), "the sensor contract is another"),
    ):
        checks = [check for check in judged(build) if check.gate in DROPS]
        assert {check.outcome for check in checks} == {Outcome.NOT_RUN}
        assert all(why in check.note for check in checks)
    assert outcomes(judged(manifest(), {}), DROPS[0]) == {Outcome.NOT_RUN}
