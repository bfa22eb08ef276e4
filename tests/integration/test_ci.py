"""`factory verify` as a CI job runs it, and the action that calls it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import factory as api
from factory.artifacts.manifest_io import write_manifest
from factory.artifacts.publishing import Draft, publish_draft
from factory.contracts.manifest import Accuracy
from factory.pipeline.publish import contract_hash
from tests.integration.conftest import Factory, environment
from tests.unit.test_repository import FENCE, ROOT, project

yaml = pytest.importorskip("yaml")

pytestmark = pytest.mark.slow

REPORTS = ("--junit", "verify.xml", "--summary", "verify.md")


def suite(folder: Path) -> ElementTree.Element:
    (found,) = ElementTree.parse(folder / "verify.xml").getroot()  # noqa: S314
    return found


def failures(of: ElementTree.Element) -> set[str]:
    return {case.attrib["name"] for case in of.iter("testcase") if case.find("failure") is not None}


def raised(of: Accuracy, by: float) -> Accuracy:
    return of.model_copy(update={"accuracy": of.accuracy + by, "macro_f1": of.macro_f1 + by})


def publish_better(build: Path, store: Path, pp: float) -> None:
    """A model of the same windows and people whose files had more right than this build's."""
    manifest = api.open_build(build).manifest
    better = tuple(
        seen.model_copy(update={"accuracy": raised(seen.accuracy, pp / 100)})
        for seen in manifest.verifications
        if seen.accuracy is not None
    )
    assert better
    folder = Path(shutil.copytree(build, store.with_name("better")))
    write_manifest(folder / "manifest.json", manifest.model_copy(update={"verifications": better}))
    draft = Draft(
        name=manifest.name,
        contract=contract_hash(manifest.contract),
        terms="BSD",
        commercial_use=True,
        folder=folder,
        files=("manifest.json", *(artifact.path for artifact in manifest.artifacts)),
        card=lambda version: f"# {version}\n",
    )
    publish_draft(store, draft)


def test_a_sound_build_passes_and_both_reports_say_so(build: Path, factory: Factory, tmp_path: Path) -> None:
    (tmp_path / "verify.md").write_text("# Before\n")
    assert factory("publish", build, "--to", "models").code == 0
    done = factory("verify", build, "--baseline", "models", *REPORTS)
    assert done.code == 0, done.err
    found = suite(tmp_path)
    assert int(found.attrib["tests"]) == len(found) > 10
    assert (found.attrib["failures"], found.attrib["errors"]) == ("0", "0")
    assert {"published.macro_f1_drop_pp", "accuracy.drop_pp"} <= {case.attrib["name"] for case in found}
    text = (tmp_path / "verify.md").read_text()
    assert text.startswith("# Before\n## tiny: every gate that ran held")
    assert "| tflite fp32 |" in text


def test_a_build_worse_than_the_published_one_fails(build: Path, factory: Factory, tmp_path: Path) -> None:
    publish_better(build, tmp_path / "models", 1.5)
    done = factory("verify", build, "--baseline", f"{tmp_path / 'models'}/tiny@1.0.0", *REPORTS)
    assert done.code == 8
    assert "published.macro_f1_drop_pp" in done.err
    assert failures(suite(tmp_path)) == {"published.accuracy_drop_pp", "published.macro_f1_drop_pp"}
    assert "1.5 pp, must be \\<= 1" in (tmp_path / "verify.md").read_text()


def test_without_recordings_the_manifest_is_compared(build: Path, factory: Factory, tmp_path: Path) -> None:
    publish_better(build, tmp_path / "models", 1.5)
    assert factory("verify", build, "--without-data", "--baseline", "models", *REPORTS).code == 8
    shutil.rmtree(tmp_path / "better")
    publish_better(build, tmp_path / "others", 0.5)
    assert factory("verify", build, "--without-data", "--baseline", "others", *REPORTS).code == 0


def test_a_damaged_build_is_an_error_in_both_reports(build: Path, factory: Factory, tmp_path: Path) -> None:
    (build / "golden.npz").write_bytes(b"other")
    done = factory("verify", build, *REPORTS)
    assert done.code == 9
    (error,) = suite(tmp_path).iter("error")
    assert "golden.npz has 5 bytes" in error.attrib["message"]
    assert "not verified" in (tmp_path / "verify.md").read_text()


def test_a_store_without_the_model_is_an_error(build: Path, factory: Factory, tmp_path: Path) -> None:
    publish_better(build, tmp_path / "models", 0)
    done = factory("verify", build, "--without-data", "--baseline", "models/other@1.0.0", *REPORTS)
    assert (done.code, "holds no model 'other': it has tiny" in done.err) == (9, True)
    assert len(list(suite(tmp_path).iter("error"))) == 1


def action() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    return found


def script(name: str) -> tuple[str, dict[str, str]]:
    """What a step of the action runs, and the variables it is given."""
    (step,) = (step for step in action()["runs"]["steps"] if step.get("name") == name)
    return step["run"], step["env"]


@pytest.mark.parametrize(("pp", "code"), [(0.0, 0), (1.5, 8)])
def test_the_action_verifies_a_build(build: Path, cache: Path, tmp_path: Path, pp: float, code: int) -> None:
    publish_better(build, tmp_path / "models", pp)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/factory"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'from factory.cli.app import main; main()' \"$@\"\n")
    program.chmod(0o755)
    run, names = script("Verify")
    values = {"build": str(build), "baseline": "models/tiny@latest", "data": "", "junit": "verify.xml"}
    given = {name: values[expression.split("inputs.")[1].split()[0]] for name, expression in names.items()}
    own = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "GITHUB_STEP_SUMMARY": str(tmp_path / "verify.md")}
    paths = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", run],
        cwd=tmp_path,
        env=environment(cache) | given | own | paths,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert bool(failures(suite(tmp_path))) is (code != 0)
    assert "## tiny:" in (tmp_path / "verify.md").read_text()


def test_the_action_installs_what_the_package_offers() -> None:
    run, _ = script("Install")
    extras = {extra for found in re.findall(r"smldist-factory\[([a-z,]+)\]", run) for extra in found.split(",")}
    assert extras == {"verify", "sign"} <= project()["project"]["optional-dependencies"].keys()


def test_every_input_of_the_action_is_used_and_documented() -> None:
    text, page = (ROOT / "action.yml").read_text("utf-8"), (ROOT / "docs/ci.md").read_text("utf-8")
    assert len(action()["inputs"]) == 5
    for name in action()["inputs"]:
        assert f"${{{{ inputs.{name} }}}}" in text, name
        assert f"| `{name}` |" in page, name


def test_the_documented_workflow_gives_the_action_what_it_takes() -> None:
    (block,) = (block for kind, block in FENCE.findall((ROOT / "docs/ci.md").read_text("utf-8")) if kind == "yaml")
    (job,) = yaml.safe_load(block)["jobs"].values()
    (step,) = (step for step in job["steps"] if "build" in step.get("with", {}))
    required = {name for name, told in action()["inputs"].items() if told.get("required")}
    assert required <= step["with"].keys() <= action()["inputs"].keys()
