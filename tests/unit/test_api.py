"""`import factory`: light, typed, complete."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

import factory
from factory.contracts.errors import RecipeError

HEAVY = ("torch", "tensorflow", "onnx", "onnxruntime", "scipy", "sklearn", "matplotlib", "pydantic", "numpy", "typer")


def test_importing_the_package_imports_nothing_else() -> None:
    code = f"import sys, factory; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there_and_documented() -> None:
    for name in factory.__all__:
        value = getattr(factory, name)
        assert name == "__version__" or value.__doc__, name
        assert name in dir(factory)


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'biuld': it offers .*build"):
        factory.biuld  # noqa: B018


def test_types_are_shipped() -> None:
    assert (files("factory") / "py.typed").is_file()


def test_functions_are_not_shadowed_by_packages() -> None:
    code = (
        "import factory.verification.gates, factory.training.loop, factory; "
        "assert callable(factory.verify) and callable(factory.train) and callable(factory.build)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_cannot_be_built_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    for wrong, message in (
        ({"device": "tpu"}, "device is 'tpu': choose one of auto, cpu, cuda, mps"),
        ({"targets": []}, "nothing would be exported"),
        ({"targets": "coreml"}, "no target 'coreml'"),
        ({"board": "xavier", "targets": "tflite"}, "--board xavier builds the files of target jetson"),
    ):
        with pytest.raises(RecipeError, match=message):
            factory.build("demo", out=tmp_path / "out", **wrong)
        assert not (tmp_path / "out").exists()
