"""The tools of the recogniser: AARs, and the parts that are published."""

import io
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from factory.contracts.errors import ArtifactError
from tests.unit.android_demo.test_tools import DEMO, ROOT, tool


@pytest.fixture
def aar(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(DEMO / "tools"))
    yield tool("aar")
    sys.modules.pop("apk", None)


def _module(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def test_an_aar_holds_the_classes_that_were_asked_for(aar: Any, tmp_path: Path) -> None:
    one = _module(tmp_path / "one", "a/b/B.class", "a/A.class", "META-INF/one.kotlin_module", "notes.txt")
    other = _module(tmp_path / "other", "c/C.class")
    rules = DEMO / "recognizer/consumer.pro"

    def packed(**more: Any) -> list[str]:
        aar.pack("com.example.library", rules, [one, other], tmp_path / "x.aar", **more)
        with zipfile.ZipFile(tmp_path / "x.aar") as made:
            assert {"AndroidManifest.xml", "classes.jar", "R.txt", "proguard.txt"} == set(made.namelist())
            assert b'package="com.example.library"' in made.read("AndroidManifest.xml")
            assert made.read("proguard.txt") == rules.read_bytes()
            return sorted(zipfile.ZipFile(io.BytesIO(made.read("classes.jar"))).namelist())

    assert packed() == ["META-INF/one.kotlin_module", "a/A.class", "a/b/B.class", "c/C.class"]
    assert packed(without="a/b/") == ["META-INF/one.kotlin_module", "a/A.class", "c/C.class"]
    assert packed(only=["a/b/", "c/"]) == ["a/b/B.class", "c/C.class"]


def test_a_class_that_stands_in_two_modules_and_none_at_all_are_refused(aar: Any, tmp_path: Path) -> None:
    one, other = (_module(tmp_path / name, "a/A.class") for name in ("one", "other"))
    with pytest.raises(aar.PackingError, match=r"a/A\.class stands in two"):
        aar.pack("com.example.library", one, [one, other], tmp_path / "x.aar")
    with pytest.raises(aar.PackingError, match="hold no class"):
        aar.pack("com.example.library", one, [tmp_path / "none"], tmp_path / "x.aar")


def _library(path: Path, *classes: str) -> None:
    jar = io.BytesIO()
    with zipfile.ZipFile(jar, "w") as archive:
        for name in classes:
            archive.writestr(name, name)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("AndroidManifest.xml", "<manifest/>")
        archive.writestr("classes.jar", jar.getvalue())


def test_the_classes_of_several_aars_become_one_folder(aar: Any, tmp_path: Path) -> None:
    (tmp_path / "aars").mkdir()
    _library(tmp_path / "aars/one.aar", "a/A.class", "META-INF/one.kotlin_module", "META-INF/LICENSE")
    _library(tmp_path / "aars/other.aar", "b/B.class", "META-INF/LICENSE")
    aar.libraries(tmp_path / "aars", tmp_path / "out", tmp_path / "classes")
    made = [path.relative_to(tmp_path / "classes").as_posix() for path in (tmp_path / "classes").rglob("*.*")]
    assert sorted(made) == ["META-INF/one.kotlin_module", "a/A.class", "b/B.class"]
    assert (tmp_path / "out/one/AndroidManifest.xml").exists()
    _library(tmp_path / "aars/third.aar", "b/B.class")
    with pytest.raises(aar.PackingError, match=r"b/B\.class of third\.aar stands in another"):
        aar.libraries(tmp_path / "aars", tmp_path / "out", tmp_path / "classes")


def test_a_file_that_is_no_aar_is_refused(aar: Any, tmp_path: Path) -> None:
    (tmp_path / "x.aar").write_bytes(b"PK")
    with pytest.raises(aar.PackingError, match="is no AAR"):
        aar.unpack(tmp_path / "x.aar", tmp_path / "out")
    with pytest.raises(aar.PackingError, match="0 models, expected one"):
        aar.models(tmp_path, tmp_path / "out")


def test_the_parts_are_published_once_with_the_versions_of_the_build(tmp_path: Path) -> None:
    publish = tool("publish")
    try:
        found = publish.publish(tmp_path)
    except SystemExit:
        pytest.skip("make android compiles them")
    assert [at.name for at in found] == ["sensing", "inference", "recognizer", "recognizer-executorch"]
    assert publish.publish(tmp_path) == found
    folder = tmp_path / "dev/smldist/recognizer" / found[2].version
    pom = (folder / f"recognizer-{found[2].version}.pom").read_text()
    needs = re.findall(r"<artifactId>([^<]+)</artifactId><version>([^<]+)</version><type>(\w+)<", pom)
    named = publish.versions()
    assert needs == [
        ("inference", found[1].version, "jar"),
        ("kotlinx-coroutines-core-jvm", named["org.jetbrains.kotlinx:kotlinx-coroutines-core-jvm"], "jar"),
        ("litert", named["com.google.ai.edge.litert:litert"], "aar"),
    ]
    (folder / f"recognizer-{found[2].version}.aar").write_bytes(b"other")
    with pytest.raises(ArtifactError, match="never changes"):
        publish.publish(tmp_path)


def test_the_documented_lines_are_those_of_the_sample() -> None:
    page = (ROOT / "docs/targets/android.md").read_text("utf-8").split("## Two lines in your app")[1]
    lines, code = re.findall(r"```kotlin\n(.*?)```", page, re.DOTALL)[:2]
    sample = (DEMO / "sample/app/src/main/kotlin/com/example/sample/SampleActivity.kt").read_text("utf-8")
    assert re.sub(r"\s+", " ", code).strip() in re.sub(r"\s+", " ", sample)
    gradle = (DEMO / "sample/app/build.gradle.kts").read_text("utf-8")
    assert all(line in gradle for line in lines.splitlines())
