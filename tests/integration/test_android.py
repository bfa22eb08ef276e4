"""`--target android`: the folder that an app ships, of a real build."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from exporters.registry import load_runner
from factory.artifacts.manifest_io import read_manifest
from factory.contracts.android import Pack
from factory.contracts.errors import ArtifactError, DataError
from factory.contracts.files import sha256_file
from factory.pipeline.android import write_pack
from factory.verification.golden import read_golden
from tests.integration.conftest import RECIPE, Factory

pytestmark = pytest.mark.slow


def test_the_pack_describes_what_the_app_ships(build: Path) -> None:
    pack = write_pack(build, read_manifest(build / "manifest.json"))
    folder = build / "android"
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert written == {"pack.json", *(file.path for file in pack.files)}
    assert all(sha256_file(folder / file.path) == file.sha256 for file in pack.files)
    assert Pack.model_validate_json((folder / "pack.json").read_bytes()) == pack
    golden, (model,) = read_golden(folder / "selftest.npz"), pack.models
    with load_runner("tflite")(folder / model.path) as runner:
        assert np.abs(runner.run(golden.x) - np.array(model.logits)).max() <= model.max_abs
        assert np.abs(runner.run(golden.x[:, ::-1].copy()) - np.array(model.logits)).max() > model.max_abs


def test_a_damaged_model_is_not_packed(build: Path) -> None:
    (build / "tflite" / "model_fp32.tflite").write_bytes(b"not a model")
    with pytest.raises(ArtifactError, match=r"model_fp32\.tflite"):
        write_pack(build, read_manifest(build / "manifest.json"))
    assert not (build / "android").exists()


def test_a_build_without_a_phones_model_is_refused(build: Path) -> None:
    manifest = read_manifest(build / "manifest.json")
    with pytest.raises(ArtifactError, match="no model for a phone"):
        write_pack(build, manifest.model_copy(update={"artifacts": ()}))


def test_a_model_that_a_phone_cannot_feed_is_not_packed(build: Path) -> None:
    manifest = read_manifest(build / "manifest.json")
    first, *others = manifest.contract.channels
    bare = first.model_copy(update={"gravity": False})
    contract = manifest.contract.model_copy(update={"channels": (bare, *others)})
    with pytest.raises(DataError, match="lacks the gravity"):
        write_pack(build, manifest.model_copy(update={"contract": contract}))


def test_exporting_alone_packs_nothing(build: Path, factory: Factory) -> None:
    done = factory("export", build, "--target", "android")
    assert done.code == 3
    assert f"factory build {build / 'recipe.toml'} --out {build} --target android" in done.err


@pytest.mark.skipif(
    find_spec("executorch") is None, reason="needs executorch: pip install 'smldist-factory[executorch]'"
)
def test_the_folder_is_always_of_the_builds_manifest(build: Path, factory: Factory, tmp_path: Path) -> None:
    done = factory("build", RECIPE, "--out", build, "--target", "android")
    assert done.code == 0, done.err
    assert f"app: {build / 'android'}" in done.out
    pack = Pack.model_validate_json((build / "android" / "pack.json").read_bytes())
    assert [model.path for model in pack.models] == ["tflite/model_fp32.tflite", "executorch/model_fp32.pte"]
    assert "android: up to date" in factory("build", RECIPE, "--out", build, "--target", "android").err
    kept = Path(shutil.copytree(build, tmp_path / "kept"))

    assert factory("build", RECIPE, "--out", build, "--target", "executorch", "--target", "tflite").code == 0
    assert (build / "android").exists(), "every model in it is still of this build"
    done = factory("build", RECIPE, "--out", build, "--target", "tflite")
    assert done.code == 0
    assert "android/ was of other files and is removed" in done.err
    assert not (build / "android").exists()

    bulky = tmp_path / "bulky.toml"
    bulky.write_text(RECIPE.read_text().replace('["fp32"]', '["fp32", "fp16"]'))
    done = factory("build", bulky, "--out", kept, "--target", "android")
    assert done.code == 8
    assert "android: not packed, size.ratio of tflite is broken" in done.err
    assert not (kept / "android").exists()
