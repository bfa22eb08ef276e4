"""The target's own checks pass on a whole build and name what is broken."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from exporters.executorch import checks
from exporters.executorch.delegation import Delegation
from factory.contracts.artifact import Artifact
from factory.contracts.errors import ArtifactError, ExportError, MissingToolError
from factory.contracts.exporter import ExportRequest
from factory.contracts.files import sha256_file
from factory.contracts.manifest import Outcome
from factory.contracts.profile import Profile
from tests.unit.exporters.students import some_windows

Built = tuple[ExportRequest, tuple[Artifact, ...]]


@pytest.fixture
def build(exported: Callable[[str], Built], tmp_path: Path) -> tuple[Path, tuple[Artifact, ...]]:
    """A copy that may be changed, with a pack of windows."""
    request, artifacts = exported("executorch")
    (tmp_path / "executorch").mkdir()
    for path in (request.build / "executorch").iterdir():
        (tmp_path / "executorch" / path.name).write_bytes(path.read_bytes())
    np.savez(tmp_path / "golden.npz", x=some_windows(8))
    return tmp_path, artifacts


@pytest.mark.slow
def test_a_whole_build_passes_and_what_cannot_run_is_not_run(build: tuple[Path, tuple[Artifact, ...]]) -> None:
    found = checks.executorch_checks(*build)
    assert len(found) == 4 * len(build[1])
    assert {check.outcome for check in found} <= {Outcome.PASSED, Outcome.NOT_RUN}
    assert {check.gate for check in found if check.outcome is Outcome.NOT_RUN} <= {"executorch.torch_free_max_abs"}


def test_without_a_compiler_the_second_runtime_is_not_run(
    build: tuple[Path, tuple[Artifact, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise MissingToolError("cmake missing")

    monkeypatch.setattr(checks, "torch_free_logits", refuse)
    found = [check for check in checks.executorch_checks(*build) if check.gate == "executorch.torch_free_max_abs"]
    assert {(check.outcome, check.note) for check in found} == {(Outcome.NOT_RUN, "cmake missing")}


def test_a_second_runtime_that_disagrees_fails(
    build: tuple[Path, tuple[Artifact, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "torch_free_logits", lambda _, windows: np.full((len(windows), 4), 7, np.float32))
    found = [check for check in checks.executorch_checks(*build) if check.gate == "executorch.torch_free_max_abs"]
    assert {check.outcome for check in found} == {Outcome.FAILED}
    assert all("disagree" in check.note for check in found)


def test_a_changed_side_file_is_refused(build: tuple[Path, tuple[Artifact, ...]]) -> None:
    (path,) = build[0].glob("executorch/model_fp32.delegation.json")
    path.write_text(path.read_text().replace('"parts": 1', '"parts": 2'))
    with pytest.raises(ArtifactError, match="was changed after it was written"):
        checks.executorch_checks(*build)


def test_the_profile_names_every_operator_and_its_share(build: tuple[Path, tuple[Artifact, ...]]) -> None:
    for artifact in build[1]:
        path = (build[0] / artifact.path).with_suffix(".profile.json")
        profile = Profile.model_validate_json(path.read_bytes())
        assert len(profile.operators) >= 20
        whole = sum(operator.mean_us for operator in profile.operators)  # 0 where all are below the timer's resolution
        for operator in profile.operators:
            assert operator.share == pytest.approx(operator.mean_us / (whole or 1))
        assert profile.total_us > 0


def test_a_record_of_delegation_that_is_none_is_refused_even_with_the_right_hash(
    build: tuple[Path, tuple[Artifact, ...]],
) -> None:
    folder, (first, *others) = build
    record = folder / Path(first.path).with_suffix(".delegation.json")
    record.write_text('{"parts": ')
    sides = tuple(
        side.model_copy(update={"sha256": sha256_file(record)}) if side.path.endswith(".delegation.json") else side
        for side in first.beside
    )
    with pytest.raises(ArtifactError, match=r"delegation\.json is corrupt, .*: build it again"):
        checks.executorch_checks(folder, (first.model_copy(update={"beside": sides}), *others))


def test_a_graph_that_is_not_taken_whole_is_refused_by_name() -> None:
    split = Delegation(backend="XnnpackBackend", parts=2, taken={"convolution": 3}, left={"sum": 1})
    with pytest.raises(ExportError, match=r"2 parts of the graph, expected 1; operators left: 1 sum"):
        split.require_whole("fp32")
    with pytest.raises(ExportError, match="operators left: none"):
        split.model_copy(update={"left": {}}).require_whole("fp32")
