"""The app's tools, and what its files must say."""

import importlib.util
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from factory.contracts.base import Contract
from factory.contracts.manifest import Manifest
from factory.contracts.window import SensorContract

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "android_demo"


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"android_{name}", DEMO / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_recognizer_names_the_executorch_of_its_build() -> None:
    catalog = tomllib.loads((DEMO / "gradle/libs.versions.toml").read_text())["versions"]
    runtime = DEMO / "recognizer/src/main/kotlin/dev/smldist/recognizer/executorch/ExecuTorchRuntime.kt"
    assert re.findall(r'VERSION: String = "([\d.]+)"', runtime.read_text()) == [catalog["executorch"]]


@pytest.mark.parametrize("module", ["common", "app", "wear"])
def test_the_manifest_asks_for_no_network(module: str) -> None:
    text = (DEMO / module / "src/main/AndroidManifest.xml").read_text()
    assert not re.findall(r"permission\.(INTERNET|ACCESS_NETWORK_STATE)", text)


def test_the_manifest_and_the_code_name_no_fixed_authority() -> None:
    manifest = DEMO / "app/src/main/AndroidManifest.xml"
    assert re.findall(r'authorities="([^"]*)"', manifest.read_text()) == ["${applicationId}.recordings"]
    named = tool("apk").with_package(manifest, "app")
    assert 'authorities="dev.smldist.app.recordings"' in named
    assert "${" not in named


def test_missing_classes_are_excused_by_name_alone() -> None:
    rules = re.findall(r"^-dontwarn (.+)$", (DEMO / "apk/keep.pro").read_text(), re.MULTILINE)
    assert all(re.match(r"(\w+\.){2}", rule) for rule in rules), rules


def test_a_test_split_holds_windows_labels_and_subjects(tmp_path: Path) -> None:
    x, y, path = np.random.default_rng(0).normal(size=(3, 3, 8)), np.array([0, 1, 1]), tmp_path / "test.npz"
    tool("split").write_split(path, x.astype(np.float32), y, np.array(["ann", "bo", "ann"]), ("walk", "sit"))
    with np.load(path) as read:
        assert np.array_equal(read["x"], x.astype(np.float32))
        assert read["y"].tolist() == [0, 1, 1]
        assert read["subject"].dtype.kind == "S"
        assert read["subject"].tolist()[:2] == [b"ann", b"bo"]


@pytest.mark.parametrize(("name", "kind"), [("CONTRACT_SCHEMA", SensorContract), ("MANIFEST_SCHEMA", Manifest)])
def test_the_app_reads_the_schema_versions_that_the_factory_writes(name: str, kind: type[Contract]) -> None:
    reader = DEMO / "sensing/src/main/kotlin/dev/smldist/sensing/ContractReader.kt"
    found = re.search(rf"const val {name} = (\d+)", reader.read_text("utf-8"))
    assert found is not None
    assert int(found[1]) == kind.model_fields["schema_version"].default
