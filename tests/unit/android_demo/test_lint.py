"""tools/lint.py: what Android Lint finds ends the build."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.android_demo.test_tools import DEMO, tool

LINT = DEMO / "lint/target/classpath"
MANIFEST = (
    '<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="com.example.app">{}</manifest>'
)


@pytest.fixture
def lint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(DEMO / "tools"))
    yield tool("lint")
    sys.modules.pop("apk", None)


def test_a_finding_ends_the_build_unless_lint_xml_excuses_it(lint: Any, tmp_path: Path) -> None:
    if not LINT.exists():
        pytest.skip("make android resolves it")
    app, target = tmp_path / "app", tmp_path / "target"
    (app / "src/main/res/layout").mkdir(parents=True)
    (target / "manifest").mkdir(parents=True)
    for path in (target / "manifest/AndroidManifest.xml", target / "AndroidManifest.xml"):
        path.write_text(MANIFEST.format('<application android:allowBackup="maybe"/>'), "utf-8")
    (app / "src/main/res/layout/a.xml").write_text(
        '<TextView xmlns:android="http://schemas.android.com/apk/res/android" android:text="Hello" />', "utf-8"
    )
    excused = '<issue id="{}" severity="ignore"/>'
    (tmp_path / "lint.xml").write_text(f"<lint>{excused.format('MissingVersion')}</lint>", "utf-8")
    jar = next((DEMO / "sensing/target").glob("sensing-*.jar"))
    given = {
        "app": app,
        "config": tmp_path / "lint.xml",
        "target": target,
        "framework": jar,
        "classpath": str(jar),
        "aars": tmp_path,
        "lint": LINT,
    }
    with pytest.raises(lint.PackingError) as found:
        lint.check(**given)
    assert "HardcodedText" in str(found.value)
    assert "MissingVersion" not in str(found.value)


LIKE_LINT = """#!/bin/sh
report=
for word in "$@"; do
  case "$before" in --text) report=$word;; esac
  before=$word
done
echo "layout/a.xml: Warning: HardcodedText" > "$report"
case " $* " in *" --exitcode "*" -Werror "*) exit 1;; esac
"""


def test_a_warning_ends_the_build(lint: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = tmp_path / "bin/java"
    java.parent.mkdir()
    java.write_text(LIKE_LINT, "ascii")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", f"{java.parent}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "classpath").write_text("lint.jar", "ascii")
    given = {
        "app": tmp_path,
        "config": tmp_path,
        "target": tmp_path,
        "framework": tmp_path,
        "classpath": "a.jar",
        "aars": tmp_path,
    }
    with pytest.raises(lint.PackingError, match="HardcodedText"):
        lint.check(**given, lint=tmp_path / "classpath")
