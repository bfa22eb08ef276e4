"""What the key of a stage says of its code."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from factory.contracts import code
from factory.contracts.code import code_hash, reachable


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project of four modules: a imports b inside a function, b imports c, nobody imports d."""
    package = tmp_path / "factory"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("def f():\n    from factory.b import g\n    return g\n")
    (package / "b.py").write_text("import json\nfrom factory import c\n\n\ndef g():\n    return c.LIMIT\n")
    (package / "c.py").write_text("LIMIT = 1e-4\n")
    (package / "d.py").write_text("LIMIT = 3\n")
    monkeypatch.setattr(code, "ROOT", tmp_path)
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    for cached in (code._path, code._tree, code._imports, code._module_hash):
        cached.cache_clear()


def stage() -> int:
    """A stage."""
    return 1


def test_imports_are_followed_those_inside_functions_and_of_submodules_too(project: Path) -> None:
    assert reachable("factory.a") == {"factory.a", "factory.b", "factory", "factory.c"}


def test_a_constant_far_down_changes_the_hash(project: Path) -> None:
    before = code_hash(stage, "factory.a")
    (project / "factory" / "c.py").write_text("LIMIT = 1e-9\n")
    forget()
    assert code_hash(stage, "factory.a") != before


def test_comments_docstrings_layout_and_modules_out_of_reach_change_nothing(project: Path) -> None:
    before = code_hash(stage, "factory.a")
    (project / "factory" / "c.py").write_text('"""What is allowed."""\n\n# measured\nLIMIT   =  1e-4\n')
    (project / "factory" / "d.py").write_text("LIMIT = 4\n")
    forget()
    assert code_hash(stage, "factory.a") == before


def test_a_package_stands_for_all_its_modules(project: Path) -> None:
    assert "factory.d" in reachable("factory")


def test_the_stages_own_source_counts(project: Path) -> None:
    def other() -> int:
        return 2

    assert code_hash(stage, "factory.c") != code_hash(other, "factory.c")


def test_a_folder_of_scripts_is_a_package(project: Path) -> None:
    (project / "jetson").mkdir()
    (project / "jetson" / "power.py").write_text("import board\n")
    assert reachable("jetson") == {"jetson.power"}


def test_a_module_that_does_not_exist_is_an_error(project: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"factory\.e"):
        code_hash(stage, "factory.e")
