from pathlib import Path

import pytest

from factory.contracts.artifact import SideFile
from factory.contracts.errors import ArtifactError
from factory.contracts.manifest import Manifest
from factory.contracts.profile import OperatorTime, Profile
from factory.reporting.html import render
from factory.reporting.operators import read_profiles
from factory.reporting.view import measured
from tests.unit.reporting import example

_SIDE = SideFile(path="tflite/model_fp32.profile.json", sha256="0" * 64, size_bytes=1, what="time of each operator")


def _profiled(build: Path, content: bytes) -> Manifest:
    """The example's manifest, its first artifact with a profile."""
    (build / "tflite").mkdir()
    (build / _SIDE.path).write_bytes(content)
    manifest = example.manifest()
    first = manifest.artifacts[0].model_copy(update={"beside": (_SIDE,)})
    return manifest.model_copy(update={"artifacts": (first, *manifest.artifacts[1:])})


def _profile() -> Profile:
    times = (("Conv #1", "Conv", 20.0), ("Add #1", "Add", 10.0), ("Conv #2", "Conv", 50.0))
    operators = tuple(OperatorTime(name=n, kind=k, mean_us=us, share=us / 80) for n, k, us in times)
    return Profile(where="host x86_64", runs=200, total_us=110.0, operators=operators)


def test_operators_of_a_kind_are_summed_and_the_longest_comes_first(tmp_path: Path) -> None:
    manifest = _profiled(tmp_path, _profile().model_dump_json().encode())
    (found,) = read_profiles(tmp_path, measured(manifest))
    assert [(kind.kind, kind.count, kind.mean_us, kind.share) for kind in found.kinds] == [
        ("Conv", 2, 70.0, 0.875),
        ("Add", 1, 10.0, 0.125),
    ]
    page = render(tmp_path, manifest)
    assert page.count('id="operators"') == 1
    assert "87.5 %" in page


def test_a_profile_that_rounding_hides_says_so_instead_of_a_table(tmp_path: Path) -> None:
    """Three operators may lack 3 us: at most a tenth of 30 us, too much of 29."""
    for total, table in ((30.0, True), (29.0, False)):
        folder = tmp_path / str(total)
        folder.mkdir()
        manifest = _profiled(folder, _profile().model_copy(update={"total_us": total}).model_dump_json().encode())
        (found,) = read_profiles(folder, measured(manifest))
        assert (found.lacking_us, found.telling) == (3.0, table)
        page = render(folder, manifest)
        section = page[page.index('id="operators"') : page.index('id="training"')]
        assert ("<table" in section, "no table" in section) == (table, not table)
        assert "rounded down" in section


def test_a_build_without_profiles_has_no_such_section(tmp_path: Path) -> None:
    assert 'id="operators"' not in render(tmp_path, example.manifest())


def test_a_corrupt_profile_is_refused(tmp_path: Path) -> None:
    manifest = _profiled(tmp_path, b'{"runs": 1}')
    with pytest.raises(ArtifactError, match=r"model_fp32\.profile\.json is corrupt, .*: build it again"):
        render(tmp_path, manifest)
