"""The Gradle and the Maven build of android_demo name the same versions, and the runtimes those of the exporters."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
POM = (ROOT / "android_demo/pom.xml").read_text()
CATALOG = tomllib.loads((ROOT / "android_demo/gradle/libs.versions.toml").read_text())["versions"]
PYTHON = (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("name", ["kotlin", "serialization", "junit"])
def test_both_builds_name_one_version(name: str) -> None:
    assert re.findall(rf"<{name}\.version>(.+?)<", POM) == [CATALOG[name]]


def test_the_api_level_is_checked_that_gradle_promises() -> None:
    assert re.findall(r"gummy-bears-api-(\d+)", POM) == [CATALOG["minSdk"]]


def test_the_phone_runs_the_executorch_that_exported() -> None:
    assert re.findall(r"executorch==([\d.]+)", PYTHON)[0] == CATALOG["executorch"]
