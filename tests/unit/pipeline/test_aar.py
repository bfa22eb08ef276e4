"""A build's models as Android libraries, and the Maven repository that they are published into."""

import hashlib
import io
import json
import multiprocessing
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from factory.artifacts.classfile import ClassFile, ClassFileError, modified_utf8
from factory.artifacts.kotlin_names import constants_of, names_of
from factory.artifacts.maven import Coordinates, announce, deploy, zipped
from factory.contracts.android import Pack, PackedModel
from factory.contracts.errors import ArtifactError
from factory.contracts.window import SensorContract
from factory.data.sources import Terms
from factory.pipeline.aar import RECOGNIZER_VERSION, Library, deploy_library, files_of, libraries
from tests.unit.exporters.students import CHANNELS, LABELS, normalisation, sensor_spec
from tests.unit.test_repository import ROOT

TERMS = Terms(text="MIT <of the authors> & others", licence="mit", commercial_use=True, cite="")
AT = Coordinates(group="dev.smldist.models", name="walk", version="1.0.0")
FILES = {".aar": b"library", ".pom": b"<project/>"}
PUBLISHERS = 8


def library(target: str = "tflite", labels: tuple[str, ...] = LABELS) -> Library:
    path = f"{target}/model_fp32.{'tflite' if target == 'tflite' else 'pte'}"
    contract = SensorContract(
        name="tiny",
        window=sensor_spec().model_copy(update={"labels": labels}),
        normalisation=normalisation(CHANNELS),
        phone_obstacles=(),
    )
    summary = "People   who\nwalk & sit"
    recipe = SimpleNamespace(summary=summary, data=SimpleNamespace(max_gap_s=0.125))
    manifest: Any = SimpleNamespace(name="tiny_6ch", recipe=recipe)
    return Library(
        target=target,
        model=PackedModel(path=path, max_abs=0.5, logits=((0.0,) * len(labels),)),
        assets={"manifest.json": b"{}", "selftest.npz": b"windows", path: bytes(5000)},
        manifest=manifest,
        contract=contract,
        terms=TERMS,
    )


def xml(content: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(content)  # noqa: S314  made here


def opened(content: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(content))


def test_an_aar_holds_the_model_uncompressed_with_hashes_of_every_asset() -> None:
    made = files_of(library(), "1.2.0")
    with opened(made[".aar"]) as aar:
        names = aar.namelist()
        folder = "assets/smldist/tiny_6ch/"
        stored = [one.filename for one in aar.infolist() if one.compress_type == zipfile.ZIP_STORED]
        assert stored == [folder + "tflite/model_fp32.tflite"]
        pack = Pack.model_validate_json(aar.read(folder + "pack.json"))
        for file in pack.files:
            assert hashlib.sha256(aar.read(folder + file.path)).hexdigest() == file.sha256
        assert {folder + file.path for file in pack.files} == {n for n in names if "assets" in n} - {
            folder + "pack.json"
        }
        manifest = xml(aar.read("AndroidManifest.xml"))
        assert manifest.attrib["package"] == "dev.smldist.models.tiny_6ch"
        assert aar.read("R.txt") == b""
        classes = aar.read("classes.jar")
        packed = hashlib.sha256(aar.read(folder + "pack.json")).hexdigest()
    with opened(classes) as jar:
        assert jar.namelist() == [f"dev/smldist/models/tiny_6ch/Tiny6ch{name}.class" for name in ("Activity", "Model")]
        model = jar.read(jar.namelist()[1])
    for text in ("tiny_6ch", "1.2.0", packed, library().contract.model_dump_json()):
        assert modified_utf8(text) in model


def test_it_is_the_same_whenever_it_is_made_and_another_where_the_model_is() -> None:
    first = files_of(library(), "1.2.0")
    assert first == files_of(library(), "1.2.0")
    changed = library()
    other = Library(
        target="tflite",
        model=changed.model,
        assets={**changed.assets, changed.model.path: bytes(4999) + b"1"},
        manifest=changed.manifest,
        contract=changed.contract,
        terms=TERMS,
    )
    assert files_of(other, "1.2.0")[".aar"] != first[".aar"]


@pytest.mark.parametrize(("target", "needs"), [("tflite", "recognizer"), ("executorch", "recognizer-executorch")])
def test_the_project_file_names_terms_and_the_recogniser(target: str, needs: str) -> None:
    made = library(target)
    pom = xml(files_of(made, "1.2.0")[".pom"])
    tag = "{http://maven.apache.org/POM/4.0.0}"
    assert pom.findtext(f"{tag}artifactId") == made.name
    assert pom.findtext(f"{tag}packaging") == "aar"
    assert pom.findtext(f"{tag}description") == f"People who walk & sit: {made.model.path}"
    (licence,) = pom.iter(f"{tag}license")
    assert (licence.findtext(f"{tag}name"), TERMS.text in str(licence.findtext(f"{tag}comments"))) == ("mit", True)
    (dependency,) = pom.iter(f"{tag}dependency")
    found = [dependency.findtext(f"{tag}{name}") for name in ("groupId", "artifactId", "version", "type", "scope")]
    assert found == ["dev.smldist", needs, RECOGNIZER_VERSION, "aar", "compile"]


def test_the_recogniser_that_models_ask_for_is_the_one_of_this_checkout() -> None:
    pom = xml((ROOT / "android_demo/pom.xml").read_bytes())
    assert pom.findtext("{http://maven.apache.org/POM/4.0.0}version") == RECOGNIZER_VERSION


@pytest.mark.parametrize(
    ("labels", "constants"),
    [
        (("walking", "sit-to-stand", "walk upstairs"), ("WALKING", "SIT_TO_STAND", "WALK_UPSTAIRS")),
        (("1", "2nd", "3"), ("_1", "_2ND", "_3")),
        (("gående", "Straße", "日本"), ("GÅENDE", "STRASSE", "日本")),
        (("sit-down", "sit_down", "sit down"), ("SIT_DOWN", "SIT_DOWN_2", "SIT_DOWN_3")),
        (("a b", "a-b", "a_b_2"), ("A_B", "A_B_3", "A_B_2")),
        (("!!!", "???", "_"), ("ACTIVITY", "ACTIVITY_2", "ACTIVITY_3")),
        (("class", "null", "a\u2028b$c", "𝟙"), ("CLASS", "NULL", "A_B_C", "ACTIVITY")),
    ],
)
def test_labels_become_constants(labels: tuple[str, ...], constants: tuple[str, ...]) -> None:
    assert constants_of(labels) == constants


def test_names_are_a_package_and_two_classes() -> None:
    names = names_of("uci_har_6ch", LABELS)
    assert (names.package, names.model, names.activity) == (
        "dev.smldist.models.uci_har_6ch",
        "UciHar6chModel",
        "UciHar6chActivity",
    )
    assert names_of("new", LABELS).package == "dev.smldist.models.new_"


def test_texts_of_a_class_are_those_of_the_jvm() -> None:
    assert modified_utf8("a\0é日𝟙") == b"a\xc0\x80\xc3\xa9\xe6\x97\xa5\xed\xa0\xb5\xed\xbf\x99"


def test_what_no_class_can_hold_is_refused() -> None:
    made = ClassFile("a", "java/lang/Object", 1)
    with pytest.raises(ClassFileError, match="70000 bytes, a class holds at most 65535"):
        made.string("x" * 70000)
    with pytest.raises(ArtifactError, match="at most 65535"):
        files_of(library(labels=tuple(f"{number:064}" for number in range(1200))), "1.0.0")


def test_a_version_lies_whole_in_the_repository_with_its_checksums(tmp_path: Path) -> None:
    folder = deploy(tmp_path, AT, FILES)
    assert folder == tmp_path / "dev/smldist/models/walk/1.0.0"
    for suffix, content in FILES.items():
        path = folder / f"walk-1.0.0{suffix}"
        assert path.read_bytes() == content
        for kind in ("md5", "sha1", "sha256", "sha512"):
            assert path.with_name(f"{path.name}.{kind}").read_text() == hashlib.new(kind, content).hexdigest()
    assert not list(folder.parent.glob(".*.part"))


def test_a_version_never_changes_and_the_same_again_is_no_change(tmp_path: Path) -> None:
    folder = deploy(tmp_path, AT, FILES)
    assert deploy(tmp_path, AT, FILES) == folder
    with pytest.raises(ArtifactError, match=r"dev\.smldist\.models:walk:1\.0\.0 is in .* and never changes"):
        deploy(tmp_path, AT, {**FILES, ".aar": b"other"})
    with pytest.raises(ArtifactError, match="never changes"):
        deploy(tmp_path, AT, {**FILES, "-sources.jar": b""})
    assert (folder / "walk-1.0.0.aar").read_bytes() == b"library"
    assert not list(folder.parent.glob(".*.part"))


def test_what_a_killed_publisher_left_is_replaced(tmp_path: Path) -> None:
    artifact = tmp_path / "dev/smldist/models/walk"
    for leftover in ("1.0.0", ".1.0.0.part"):
        (artifact / leftover).mkdir(parents=True)
        (artifact / leftover / "half").write_text("half")
    folder = deploy(tmp_path, AT, FILES, replace=True)
    assert not (folder / "half").exists()
    assert len(list(folder.iterdir())) == 2 * 5


def test_the_metadata_lists_the_versions_that_are_there_in_their_order(tmp_path: Path) -> None:
    for version in ("1.10.0", "1.9.0"):
        deploy(tmp_path, Coordinates(group=AT.group, name=AT.name, version=version), FILES)
    announce(tmp_path, AT.group, AT.name, lambda: ["1.9.0", "1.10.0", "2.0.0"])
    path = tmp_path / "dev/smldist/models/walk/maven-metadata.xml"
    found = xml(path.read_bytes())
    assert [one.text for one in found.iter("version")] == ["1.9.0", "1.10.0"]
    assert [found.findtext(f"versioning/{name}") for name in ("latest", "release")] == ["1.10.0", "1.10.0"]
    assert path.with_name(f"{path.name}.sha256").read_text() == hashlib.sha256(path.read_bytes()).hexdigest()


def _deploy_some(folder: Path, first: int) -> None:
    artifact = folder / "dev/smldist/models/walk"
    for number in range(first, first + 5):
        deploy(folder, Coordinates(group=AT.group, name=AT.name, version=f"1.{number}.0"), FILES)
        announce(folder, AT.group, AT.name, lambda: [path.name for path in artifact.glob("1.*")])


def test_concurrent_publishers_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_deploy_some, args=(tmp_path, 5 * number)) for number in range(PUBLISHERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    found = xml((tmp_path / "dev/smldist/models/walk/maven-metadata.xml").read_bytes())
    assert len(list(found.iter("version"))) == 5 * PUBLISHERS


def _packed(folder: Path, sizes: dict[str, int]) -> Any:
    """A build whose `android/` holds files of these sizes."""
    contents = {path: bytes(size) for path, size in sizes.items()} | {"manifest.json": b"{}", "selftest.npz": b"0"}
    for path, content in contents.items():
        (folder / "android" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "android" / path).write_bytes(content)
    (folder / "manifest.json").write_bytes(b"{}")
    (folder / "contract.json").write_text(library().contract.model_dump_json())
    pack = {
        "build": "tiny",
        "files": [{"path": p, "sha256": hashlib.sha256(c).hexdigest()} for p, c in contents.items()],
        "models": [{"path": path, "max_abs": 1, "logits": [[0]]} for path in sizes],
    }
    (folder / "android/pack.json").write_text(json.dumps(pack))
    artifacts = [SimpleNamespace(path=p, target=p.split("/")[0], size_bytes=size) for p, size in sizes.items()]
    return SimpleNamespace(path=folder, manifest=SimpleNamespace(name="tiny", artifacts=artifacts))


def test_the_smallest_model_of_each_target_is_taken(tmp_path: Path) -> None:
    build = _packed(tmp_path, {"tflite/a.tflite": 30, "tflite/b.tflite": 20, "executorch/c.pte": 50})
    found = libraries(build, TERMS)
    assert [(one.name, one.model.path) for one in found] == [
        ("tiny", "tflite/b.tflite"),
        ("tiny-executorch", "executorch/c.pte"),
    ]
    assert sorted(found[0].assets) == ["manifest.json", "selftest.npz", "tflite/b.tflite"]


def test_a_build_that_was_not_packed_or_was_changed_since_is_refused(tmp_path: Path) -> None:
    build = _packed(tmp_path, {"tflite/a.tflite": 30})
    for path, match in (
        ("manifest.json", "is of an earlier build"),
        ("android/tflite/a.tflite", "is not what was packed"),
        ("android/pack.json", "has no folder android: factory build --target android writes it"),
    ):
        assert libraries(build, TERMS)
        content = (tmp_path / path).read_bytes()
        if path.endswith("pack.json"):
            (tmp_path / path).unlink()
        else:
            (tmp_path / path).write_bytes(content + b" ")
        with pytest.raises(ArtifactError, match=match):
            libraries(build, TERMS)
        (tmp_path / path).write_bytes(content)


def test_a_deployed_library_can_be_read_by_its_coordinates(tmp_path: Path) -> None:
    folder = deploy_library(tmp_path, library("executorch"), "2.0.0")
    assert folder.relative_to(tmp_path).as_posix() == "dev/smldist/models/tiny_6ch-executorch/2.0.0"
    assert {path.name for path in folder.glob("*.???")} >= {
        f"tiny_6ch-executorch-2.0.0{end}" for end in (".aar", ".pom")
    }
    with zipfile.ZipFile(folder / "tiny_6ch-executorch-2.0.0-sources.jar") as sources:
        text = sources.read("dev/smldist/models/tiny_6ch/Tiny6chActivity.kt").decode()
    assert [line.strip() for line in text.splitlines() if "(" in line][1:] == [f'{n.upper()}("{n}"),' for n in LABELS]


def test_an_archive_is_the_same_whenever_it_is_made() -> None:
    entries = {"a.txt": b"text" * 100, "b.tflite": np.arange(100, dtype=np.uint8).tobytes()}
    assert zipped(entries, (".tflite",)) == zipped(entries, (".tflite",)) != zipped(entries)
