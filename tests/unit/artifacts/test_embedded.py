"""The store that ships in the wheel: whole, verified, small, and the same bytes from the same builds."""

from pathlib import Path

import pytest

import factory
from factory.artifacts.reader import EMBEDDED, SHIPPED, open_reader
from factory.contracts.errors import ArtifactError
from factory.contracts.manifest import Outcome
from factory.data.sources import COMMERCIAL_USE_FORBIDDEN
from tests.embedded_store import VERSIONS

MOST_BYTES = 1_000_000
"""Of a model; `factory pull` needs no network, and a wheel stays small."""
NAMES = [index.name for index in factory.list_models()]


def test_it_holds_a_watch_and_a_phone_model() -> None:
    assert {"demo", "motionsense"} <= set(NAMES) <= VERSIONS.keys()
    assert open_reader(None).address == SHIPPED
    assert not [path for path in EMBEDDED.rglob("*") if path.name.startswith(".") or path.suffix == ".part"]


@pytest.mark.parametrize("name", NAMES)
def test_every_byte_of_it_is_what_was_published(name: str, tmp_path: Path) -> None:
    pulled = factory.pull(name, into=tmp_path / name)
    assert {"tflite/model_int8_static.tflite", "tflite/model_fp32.tflite"} <= {
        path.relative_to(tmp_path / name).as_posix() for path in pulled.models
    }
    assert sum(path.stat().st_size for path in (tmp_path / name).rglob("*") if path.is_file()) < MOST_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_it_was_verified_and_its_terms_allow_it(name: str) -> None:
    found = factory.find_model(name)
    assert found.release.commercial_use
    assert found.manifest.recipe.data.source not in COMMERCIAL_USE_FORBIDDEN
    assert found.manifest.recipe.name == name
    kinds = {(artifact.target, artifact.precision) for artifact in found.published.artifacts}
    passed = {(c.target, c.precision) for c in found.manifest.checks if c.outcome is Outcome.PASSED}
    assert kinds <= passed
    assert not found.manifest.failed


def test_nothing_is_remembered_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another release of this tool brings another state of it."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    factory.find_model("demo")
    assert not list(tmp_path.iterdir())


def test_what_its_publisher_left_out_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"demo has no tflite fp16: choose one of tflite fp32, tflite int8_static"):
        factory.pull("demo", target="tflite", precision="fp16", into=tmp_path / "demo")
