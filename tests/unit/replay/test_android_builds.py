"""The Gradle and the Maven build of android_demo name the same versions, and the runtimes those of the exporters."""

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
POM = (ROOT / "android_demo/pom.xml").read_text()
CATALOG = tomllib.loads((ROOT / "android_demo/gradle/libs.versions.toml").read_text())["versions"]
PYTHON = (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("name", ["kotlin", "serialization", "coroutines", "junit"])
def test_both_builds_name_one_version(name: str) -> None:
    assert re.findall(rf"<{name}\.version>(.+?)<", POM) == [CATALOG[name]]


@pytest.mark.parametrize("name", ["activity", "compose", "core", "lifecycle", "material3"])
def test_both_builds_name_one_version_of_the_app_s_libraries(name: str) -> None:
    pom = (ROOT / "android_demo/androidx/pom.xml").read_text()
    assert re.findall(rf"<{name}\.version>(.+?)<", pom) == [CATALOG[name]]


def test_the_api_level_is_checked_that_gradle_promises() -> None:
    assert re.findall(r"gummy-bears-api-(\d+)", POM) == [CATALOG["minSdk"]]


def test_the_phone_runs_the_executorch_that_exported() -> None:
    assert re.findall(r"executorch==([\d.]+)", PYTHON)[0] == CATALOG["executorch"]


def test_both_builds_compile_for_the_oldest_kotlin_and_java_that_are_promised() -> None:
    assert re.findall(r"<kotlin\.stdlib\.version>(.+?)<", POM) == [CATALOG["kotlin-stdlib"]]
    assert re.findall(r"<(?:kotlin\.compiler\.jvmTarget|maven\.compiler\.release)>(\d+)<", POM) == ["11", "11"]
    (language,) = re.findall(r"<kotlin\.language>(.+?)<", POM)
    for path in sorted((ROOT / "android_demo").glob("*/build.gradle.kts")):
        script = path.read_text()
        assert f"languageVersion = KotlinVersion.KOTLIN_{language.replace('.', '_')}" in script, path
        assert "jvmTarget = JvmTarget.JVM_11" in script, path
        assert "jvmToolchain" not in script, path


def test_the_wrapper_is_gradle_s_own_and_checks_what_it_downloads() -> None:
    wrapper = ROOT / "android_demo/gradle/wrapper"
    properties = (wrapper / "gradle-wrapper.properties").read_text()
    assert re.search(r"^distributionUrl=https\\://services\.gradle\.org/.*gradle-9\.4\.1-bin\.zip$", properties, re.M)
    assert re.search(r"^distributionSha256Sum=[0-9a-f]{64}$", properties, re.M)
    # As Gradle publishes it for the wrapper of that version.
    jar = hashlib.sha256((wrapper / "gradle-wrapper.jar").read_bytes()).hexdigest()
    assert jar == "55243ef57851f12b070ad14f7f5bb8302daceeebc5bce5ece5fa6edb23e1145c"


def test_the_maven_and_the_gradle_apps_name_the_same_api_levels_and_abis() -> None:
    tool = (ROOT / "android_demo/tools/apk.py").read_text()
    assert re.findall(r"TARGET_SDK = (\d+), (\d+)", tool) == [(CATALOG["minSdk"], CATALOG["targetSdk"])]
    assert re.findall(r'"wear": App\(min_sdk=(\d+)', tool) == [CATALOG["minSdkWear"]]
    for name, level in (("app", "minSdk"), ("wear", "minSdkWear")):
        script = (ROOT / f"android_demo/{name}/build.gradle.kts").read_text()
        assert f"minSdk = libs.versions.{level}.get()" in script
        (abis,) = re.findall(rf'"{name}": App\(.*abis=\(([^)]*?),?\)', tool)
        assert f'abiFilters += listOf({abis}, "x86_64")' in script
