"""What changed from one model to the next, and what may be published."""

from pathlib import Path

import pytest

from factory import load_recipe
from factory.cli.store import _instructions
from factory.contracts.artifact import Precision
from factory.contracts.errors import ArtifactError, GateError
from factory.contracts.manifest import Manifest, Outcome
from factory.data.sources import COMMERCIAL_USE_FORBIDDEN, SOURCES, terms_of
from factory.pipeline.compare import compare, local_manifest
from factory.pipeline.publish import contract_hash, made_by, published_files, require_verified
from factory.pipeline.pull import chosen_artifacts
from tests.unit.reporting.example import LABELS, manifest, with_second_target
from tests.unit.reporting.test_card import counted


def relabelled() -> Manifest:
    return manifest((*LABELS[1:], LABELS[0]))


def test_the_same_contract_is_a_minor_version() -> None:
    found = compare("a", manifest(), "b", manifest())
    assert (found.contract, found.next_version, found.same_test_people) == ((), "minor", True)
    assert [file.a == file.b for file in found.files] == [True] * len(Precision)


def test_another_contract_is_a_major_version_and_said_in_words() -> None:
    found = compare("a", manifest(), "b", relabelled())
    assert found.next_version == "major"
    assert found.contract == ("labels differs: a says walking, b says walking_upstairs",)
    assert contract_hash(manifest().contract) != contract_hash(relabelled().contract)


def test_figures_of_both_sides_stand_beside_each_other() -> None:
    a = manifest()
    larger = a.artifacts[0].model_copy(update={"size_bytes": 200_000})
    b = with_second_target(a.model_copy(update={"artifacts": (larger, *a.artifacts[2:])}))
    files = {(file.target, file.precision, file.variant): file for file in compare("a", a, "b", b).files}
    first = files["tflite", Precision.FP32, ""]
    assert first.a is not None
    assert first.b is not None
    assert (first.a.size_bytes, first.b.size_bytes) == (185_312, 200_000)
    assert first.a.accuracy == first.b.accuracy
    assert files["tflite", Precision.FP16, ""].b is None
    assert files["jetson", Precision.FP32, "batch8"].a is None


def test_instructions_are_compared_where_both_counted() -> None:
    a = manifest().model_copy(update={"devices": (counted(1000),)})
    b = manifest().model_copy(update={"devices": (counted(900),)})
    files = {file.precision: file for file in compare("a", a, "b", b).files}
    found = files[Precision.INT8_STATIC]
    assert found.a is not None
    assert found.b is not None
    assert (found.a.instructions, found.b.instructions) == ({"arm64:cortex-a53": 1000}, {"arm64:cortex-a53": 900})
    assert list(_instructions(compare("a", a, "b", b))) == [
        "tflite int8_static, instructions on arm64:cortex-a53: 1,000 -> 900 (-10.0 %)"
    ]
    assert list(_instructions(compare("a", manifest(), "b", b))) == []


def test_other_test_people_are_told() -> None:
    other = manifest().data.model_copy(update={"test_subjects": ("2",)})
    assert not compare("a", manifest(), "b", manifest().model_copy(update={"data": other})).same_test_people


def test_an_artifact_that_passed_no_gate_is_not_published() -> None:
    made = manifest()
    require_verified(made)
    checks = tuple(
        check.model_copy(update={"outcome": Outcome.NOT_RUN}) if check.precision is Precision.FP16 else check
        for check in made.checks
    )
    with pytest.raises(GateError, match=r"hapt: tflite/model_fp16\.tflite passed no gate"):
        require_verified(made.model_copy(update={"checks": checks}))


def test_everything_that_verification_needs_is_published() -> None:
    files = published_files(with_second_target(manifest()))
    assert {"manifest.json", "report.html", "golden.npz", "tflite/model_fp16.tflite"} <= set(files)
    beside = [file.path for a in with_second_target(manifest()).artifacts for file in a.beside]
    assert beside
    assert set(beside) <= set(files)
    assert len(set(files)) == len(files)


def test_a_target_that_is_not_there_lists_those_that_are() -> None:
    assert len(chosen_artifacts(manifest(), "tflite", None)) == len(Precision)
    assert [a.precision for a in chosen_artifacts(manifest(), None, "fp16")] == [Precision.FP16]
    with pytest.raises(ArtifactError, match="hapt has no jetson fp32: choose one of tflite fp32, tflite fp16"):
        chosen_artifacts(manifest(), "jetson", "fp32")


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="name a build, a pulled folder, or NAME@VERSION with --from"):
        local_manifest(tmp_path)


def test_the_command_names_a_shipped_recipe_or_that_of_the_manifest() -> None:
    shipped = manifest().model_copy(update={"name": "hapt", "recipe": load_recipe("hapt", seed=7)})
    assert made_by(shipped) == "factory build hapt --target tflite --seed 7"
    own = shipped.recipe.model_copy(update={"summary": "mine"})
    assert made_by(shipped.model_copy(update={"recipe": own})) == "factory build recipe.toml --target tflite"


def test_terms_that_forbid_commercial_use_are_marked() -> None:
    for name in SOURCES:
        assert ("forbids commercial" in terms_of(name).text) == (name in COMMERCIAL_USE_FORBIDDEN)
        assert terms_of(name).commercial_use == (name not in COMMERCIAL_USE_FORBIDDEN)
    assert terms_of("motionsense").licence == "mit"
    assert terms_of("table").licence == "other"
