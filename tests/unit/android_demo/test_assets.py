"""tools/assets.py: what the app ships, out of a real build."""

import importlib.util
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from factory.contracts.errors import ArtifactError
from factory.verify.golden import GoldenPack

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "android_demo"


def _tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"android_{name}", DEMO / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


assets = _tool("assets")


def _golden() -> GoldenPack:
    rng = np.random.default_rng(0)
    kinds = ["easy", "low_motion", "easy", "boundary", "saturated", "easy"]
    return GoldenPack(
        x=rng.normal(size=(6, 3, 8)).astype(np.float32),
        y=np.array([0, 0, 1, 1, 0, 1], np.int64),
        kind=np.array(kinds),
        index=np.arange(6),
        logits=rng.normal(size=(6, 2)).astype(np.float32),
        labels=("walk", "sit"),
        spec_hash="0" * 64,
    )


def test_self_test_windows_hold_every_class_and_every_kind() -> None:
    assert assets.self_test_windows(_golden()).tolist() == [0, 1, 2, 3, 4]


def test_a_subset_keeps_rows_together() -> None:
    golden = _golden()
    some = assets.subset(golden, np.array([4, 2]))
    assert np.array_equal(some.x, golden.x[[4, 2]])
    assert np.array_equal(some.logits, golden.logits[[4, 2]])
    assert some.kind.tolist() == ["saturated", "easy"]


def test_a_folder_with_other_files_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(ArtifactError, match="other files"):
        assets._clear(tmp_path)
    assert (tmp_path / "precious.txt").exists()


def test_a_folder_that_is_no_build_ends_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert assets.main([str(tmp_path), "--out", str(tmp_path / "assets")]) == ArtifactError.exit_code
    assert re.fullmatch(r"error: .*manifest\.json does not exist.*\n", capsys.readouterr().err)
    assert not (tmp_path / "assets").exists()


def test_the_app_names_the_executorch_of_its_build() -> None:
    catalog = tomllib.loads((DEMO / "gradle/libs.versions.toml").read_text())["versions"]
    resources = (DEMO / "app/src/main/res/values/versions.xml").read_text()
    assert re.findall(r'"executorch_version"[^>]*>([\d.]+)<', resources) == [catalog["executorch"]]


def test_the_manifest_asks_for_no_network() -> None:
    text = (DEMO / "app/src/main/AndroidManifest.xml").read_text()
    assert not re.findall(r"permission\.(INTERNET|ACCESS_NETWORK_STATE)", text)


def test_a_test_split_holds_windows_labels_and_subjects(tmp_path: Path) -> None:
    split, golden, path = _tool("split"), _golden(), tmp_path / "test.npz"
    split.write_split(path, golden.x, golden.y, np.array(["ann", "bo", "ann", "bo", "bo", "ann"]), golden.labels)
    with np.load(path) as read:
        assert np.array_equal(read["x"], golden.x)
        assert read["y"].tolist() == golden.y.tolist()
        assert read["subject"].dtype.kind == "S"
        assert read["subject"].tolist()[:2] == [b"ann", b"bo"]
