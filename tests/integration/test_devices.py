"""The emulated device from the command line, on a real build."""

import json
import tomllib
from pathlib import Path

import pytest
import tomli_w

from factory.artifacts.manifest_io import read_manifest
from factory.contracts.manifest import Manifest, Outcome
from factory.devices.setups import Setup
from tests.integration.conftest import RECIPE, Factory

pytestmark = pytest.mark.slow


@pytest.fixture
def device(arm64: Setup, cache: Path) -> None:
    """The set-up in these commands' cache, too."""
    link = cache / "arm64"
    if not link.exists():
        link.symlink_to(arm64.folder.parent)


@pytest.fixture
def alone(cache: Path) -> None:
    """No set-up in these commands' cache."""
    (cache / "arm64").unlink(missing_ok=True)


def bounded(folder: Path, bound: int) -> Path:
    recipe = tomllib.loads(RECIPE.read_text("utf-8"))
    recipe["export"]["max_instructions"] = {"cortex-a76": bound}
    path = folder / f"bound_{bound}.toml"
    path.write_text(tomli_w.dumps(recipe))
    return path


def counts(manifest: Manifest) -> dict[str, int | None]:
    return {run.device: run.artifacts[0].instructions for run in manifest.devices}


def test_verify_asks_both_cores_and_a_second_time_counts_the_same(build: Path, factory: Factory, device: None) -> None:
    done = factory("verify", build, "--device", "arm64", "--update", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert [run["device"] for run in told["devices"]] == ["arm64:cortex-a53", "arm64:cortex-a76"]
    assert all(run["artifacts"][0]["latency"] is None for run in told["devices"])
    assert {c["outcome"] for c in told["checks"] if c["gate"].startswith("device.")} == {"passed"}
    first = counts(read_manifest(build / "manifest.json"))
    assert "arm64:cortex-a76" in (build / "report.html").read_text("utf-8")

    again = factory("verify", build, "--device", "arm64:cortex-a76", "--update")
    assert again.code == 0, again.err
    assert counts(read_manifest(build / "manifest.json")) == first
    assert all(count is not None and count > 1000 for count in first.values())
    figures = factory("devices", "figures", build)
    assert f"{first['arm64:cortex-a76']:,}" in figures.out


def test_a_build_asks_the_device_by_itself_and_a_lower_bound_breaks_it(
    build: Path, factory: Factory, device: None, tmp_path: Path
) -> None:
    done = factory("build", bounded(tmp_path, 10_000_000), "--out", build)
    assert done.code == 0, done.err
    found = counts(read_manifest(build / "manifest.json"))["arm64:cortex-a76"]
    assert found is not None
    assert factory("build", bounded(tmp_path, found), "--out", build).code == 0
    broken = factory("build", bounded(tmp_path, found - 1), "--out", build)
    assert broken.code == 8
    assert f"instructions.cheapest is {found:.4g} instructions" in broken.err
    assert factory("build", bounded(tmp_path, found - 1), "--out", build, "--verify-on", "none").code == 0


def test_without_a_set_up_the_device_is_not_run_or_missed_by_name(build: Path, factory: Factory, alone: None) -> None:
    done = factory("build", RECIPE, "--out", build)
    assert done.code == 0, done.err
    (check,) = [c for c in read_manifest(build / "manifest.json").checks if c.gate.startswith("device.")]
    assert (check.outcome, check.gate) == (Outcome.NOT_RUN, "device.reached")
    named = factory("verify", build, "--device", "arm64")
    assert named.code == 5
    assert "factory devices setup arm64" in named.err or "apt-get install" in named.err
    wrong = factory("build", RECIPE, "--out", build, "--device", "arm64")
    assert wrong.code == 2
    assert "--verify-on arm64" in " ".join(wrong.err.split())
