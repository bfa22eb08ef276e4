"""Signatures: a pinned key lets pass what it signed, and nothing else."""

import sys
from pathlib import Path

import pytest

from factory.artifacts.documents import sealed, unsealed
from factory.artifacts.publishing import publish_draft
from factory.artifacts.reader import open_reader, read_index
from factory.artifacts.signing import new_key, public_key
from factory.contracts.errors import ArtifactError, MissingToolError
from factory.contracts.release import Index
from tests.unit.artifacts.drafts import draft

pytest.importorskip("cryptography", reason="needs cryptography: pip install 'smldist-factory[sign]'")


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, str]:
    return tmp_path / "mine.pem", new_key(tmp_path / "mine.pem")


@pytest.fixture
def store(tmp_path: Path, keys: tuple[Path, str]) -> str:
    publish_draft(tmp_path / "store", draft(tmp_path / "files"), key=keys[0])
    return str(tmp_path / "store")


def test_a_signed_index_passes_with_its_key(store: str, keys: tuple[Path, str]) -> None:
    assert read_index(open_reader(store), "walk", keys[1]).latest.version == "1.0.0"
    assert read_index(open_reader(store), "walk").latest.version == "1.0.0"


def test_another_key_is_refused(store: str, tmp_path: Path) -> None:
    other = new_key(tmp_path / "other.pem")
    with pytest.raises(ArtifactError, match=rf"is signed by key .*expected {other[:16]}"):
        read_index(open_reader(store), "walk", other)


def test_an_unsigned_index_is_refused_if_a_key_is_pinned(tmp_path: Path, keys: tuple[Path, str]) -> None:
    publish_draft(tmp_path / "store", draft(tmp_path / "files"))
    with pytest.raises(ArtifactError, match="is not signed, expected key"):
        read_index(open_reader(str(tmp_path / "store")), "walk", keys[1])


def test_what_was_changed_after_signing_is_refused(store: str, keys: tuple[Path, str]) -> None:
    """With a checksum made anew and the old signature."""
    path = Path(store) / "walk/index.json"
    index = unsealed(Index, path.read_bytes(), "")
    entry = index.latest.model_copy(update={"release": "0" * 64})
    unsigned = index.model_copy(update={"versions": (entry,)})
    text = sealed(unsigned).decode()
    checksum = unsealed(Index, text.encode(), "").checksum
    from factory.artifacts import documents

    forged = unsigned.model_copy(update={"signature": index.signature})
    forged = forged.model_copy(update={"checksum": documents._checksum(forged)})
    assert forged.checksum != checksum
    path.write_bytes(documents._rendered(forged))
    read_index(open_reader(store), "walk")
    with pytest.raises(ArtifactError, match="was changed after it was signed"):
        read_index(open_reader(store), "walk", keys[1])


def test_a_signed_model_is_only_published_with_its_key(store: str, tmp_path: Path) -> None:
    new_key(tmp_path / "other.pem")
    for key in (None, tmp_path / "other.pem"):
        with pytest.raises(ArtifactError, match="publish with --key and that key"):
            publish_draft(Path(store), draft(tmp_path / "files"), key=key)


def test_keys_are_taken_as_text_and_as_files(tmp_path: Path, keys: tuple[Path, str]) -> None:
    assert public_key(keys[1]) == public_key(str(keys[0])) == public_key(keys[1].upper())
    assert keys[0].stat().st_mode & 0o077 == 0
    with pytest.raises(ArtifactError, match="a key is never replaced"):
        new_key(keys[0])
    (tmp_path / "mine.pub").write_text(keys[1] + "\n")
    assert public_key(str(tmp_path / "mine.pub")) == keys[1]
    (tmp_path / "text").write_text("no key")
    for wrong, message in (("nothing", "is no key"), (str(tmp_path / "text"), "holds no key in PEM")):
        with pytest.raises(ArtifactError, match=message):
            public_key(wrong)
    with pytest.raises(ArtifactError, match="holds no unencrypted private key"):
        publish_draft(tmp_path / "store", draft(tmp_path / "files"), key=tmp_path / "text")


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(MissingToolError, match=r"pip install 'smldist-factory\[sign\]'"):
        new_key(tmp_path / "mine.pem")
