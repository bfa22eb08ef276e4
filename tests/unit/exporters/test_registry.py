import dataclasses

import pytest

from exporters import registry
from factory.contracts.errors import MissingToolError, RecipeError


def test_a_target_without_its_sdk_is_listed_with_its_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = dataclasses.replace(registry.find_target("tflite"), exports_with=("no_such_sdk",))
    monkeypatch.setattr(registry, "_TARGETS", (absent,))
    (target,) = registry.targets()
    assert not target.available
    assert target.missing == ("no_such_sdk",)
    with pytest.raises(MissingToolError, match=r"pip install 'smldist-factory\[tflite\]'"):
        registry.load_exporter("tflite")


def test_an_unknown_target_lists_those_there_are() -> None:
    with pytest.raises(RecipeError, match="there are tflite"):
        registry.find_target("coreml")
