"""Where a recipe's own paths lead, whoever names it from where."""

import os
from pathlib import Path

import pytest

from factory.contracts.errors import RecipeError
from factory.pipeline.request import cache_folder, request_for
from factory.recipes import find_recipe
from tests.fakes import tiny_recipe

TABLE = 'name = "mine"\nsummary = "my own"\n[data]\nsource = "table"\ndescription = "data.toml"\n'


@pytest.mark.parametrize("linked", [False, True])
def test_a_description_is_found_from_the_build_folder(
    tmp_path: Path, linked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tmp_path / "a" / "b" / "real"
    real.mkdir(parents=True)
    (real / "recipe.toml").write_text(TABLE)
    (real / "data.toml").write_text("here")
    folder = real
    if linked:
        folder = tmp_path / "link"
        folder.symlink_to(real)
    monkeypatch.chdir(folder)
    for name, out in (
        ("recipe.toml", None),
        (folder / "recipe.toml", folder / "out"),
        ("./recipe.toml", Path("out/x")),
    ):
        request = request_for(find_recipe(name), out, tmp_path)
        assert request.recipe.data.description is not None
        request.build.mkdir(parents=True, exist_ok=True)
        assert (request.build / request.recipe.data.description).read_text() == "here"
        (request.build / "recipe.toml").write_text(request.recipe.to_toml())
        again = request_for(find_recipe(request.build / "recipe.toml"), request.build, tmp_path)
        assert again.recipe == request.recipe, "a build's own recipe means the same"


def test_no_such_device_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="device is 'npu': choose one of auto, cpu, cuda, mps"):
        request_for(tiny_recipe(), tmp_path, tmp_path, "npu")


def test_the_cache_is_named_by_argument_environment_or_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACTORY_CACHE", os.fspath(tmp_path / "e"))
    assert cache_folder(tmp_path / "a") == tmp_path / "a"
    assert cache_folder(None) == tmp_path / "e"
    monkeypatch.delenv("FACTORY_CACHE")
    assert cache_folder(None).name == "smldist-factory"
