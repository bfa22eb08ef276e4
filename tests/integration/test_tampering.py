"""Whoever edits a build and makes the hashes anew is found by `factory verify`, which says what differs."""

import contextlib
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factory.artifacts.manifest_io import read_manifest
from factory.artifacts.store import describe_file
from factory.contracts.errors import ArtifactError
from factory.contracts.files import sha256_file
from factory.reporting.html import write_report
from factory.verification.golden import read_golden, write_golden
from tests.integration.conftest import Factory

pytestmark = pytest.mark.slow

Edit = Callable[[Path], object]
MODEL = "tflite/model_fp32.tflite"


def edit_json(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Read, change, write."""
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values, indent=2))


def make_hashes_anew(build: Path) -> None:
    """What a careful forger does: every hash and size of the manifest fits its file again."""

    def renew(values: dict[str, Any]) -> None:
        for entry in (*values["files"], *values["artifacts"]):
            found = describe_file(build, entry["path"])
            entry["sha256"], entry["size_bytes"] = found.sha256, found.size_bytes

    edit_json(build / "manifest.json", renew)
    with contextlib.suppress(ArtifactError):  # no report can be written of some manifests
        write_report(build, read_manifest(build / "manifest.json"), build / "report.html")


def in_contract(change: Callable[[dict[str, Any]], None]) -> Edit:
    return lambda build: edit_json(build / "contract.json", change)


def in_manifest(change: Callable[[dict[str, Any]], None]) -> Edit:
    return lambda build: edit_json(build / "manifest.json", change)


def swap_labels(values: dict[str, Any]) -> None:
    labels = values["window"]["labels"]
    labels[0], labels[1] = labels[1], labels[0]


def swap_manifest_labels(values: dict[str, Any]) -> None:
    labels = values["contract"]["labels"]
    labels[0], labels[1] = labels[1], labels[0]


def no_gravity(values: dict[str, Any]) -> None:
    values["window"]["channels"][0]["gravity"] = False


def other_mean(values: dict[str, Any]) -> None:
    values["normalisation"]["mean"][0] += 1.0


def also_training(values: dict[str, Any]) -> None:
    values["data"]["train_subjects"].append(values["data"]["test_subjects"][0])


def other_tester(values: dict[str, Any]) -> None:
    data = values["data"]
    data["train_subjects"][0], data["test_subjects"][0] = data["test_subjects"][0], data["train_subjects"][0]


def cut_golden(build: Path) -> None:
    golden = read_golden(build / "golden.npz")
    one = {name: getattr(golden, name)[:1] for name in ("x", "y", "kind", "index", "logits")}
    write_golden(build / "golden.npz", replace(golden, **one))


def foreign_golden(build: Path) -> None:
    golden = read_golden(build / "golden.npz")
    write_golden(build / "golden.npz", replace(golden, x=golden.x + np.float32(0.01)))


def damage_onnx(build: Path) -> None:
    """Another weight: the graph loads, and answers otherwise."""
    import onnx
    from onnx import numpy_helper

    path = build / "onnx" / "model.onnx"
    model = onnx.load(path)
    largest = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    values = numpy_helper.to_array(largest).copy()
    values.flat[0] += 5.0
    largest.CopyFrom(numpy_helper.from_array(values, largest.name))
    onnx.save(model, path)


def with_members(build: Path, change: Callable[[dict[str, bytes]], object]) -> None:
    """Rewrite the archive behind a .tflite; its graph and the graph's own digest stay."""
    path = build / MODEL
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        graph = content[: min(member.header_offset for member in archive.infolist())]
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    path.write_bytes(graph)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)


def swap_embedded_labels(members: dict[str, bytes]) -> None:
    labels = members["labels.txt"].split(b"\n")
    labels[0], labels[1] = labels[1], labels[0]
    members["labels.txt"] = b"\n".join(labels)


def other_embedded_rate(members: dict[str, bytes]) -> None:
    contract = json.loads(members["contract.json"])
    contract["window"]["rate_hz"] *= 2
    members["contract.json"] = json.dumps(contract).encode()


EDITS: dict[str, tuple[Edit, str]] = {
    "labels swapped in contract.json": (in_contract(swap_labels), "labels differs"),
    "labels swapped in the manifest": (in_manifest(swap_manifest_labels), "labels"),
    "gravity changed in contract.json": (in_contract(no_gravity), "channels differs"),
    "rate changed in contract.json": (
        in_contract(lambda values: values["window"].update(rate_hz=25.0)),
        "rate_hz differs",
    ),
    "another mean in contract.json": (in_contract(other_mean), "mean differs"),
    "golden pack cut to one window": (cut_golden, r"windows differs: golden\.npz says 1"),
    "golden windows of other values": (foreign_golden, r"golden\.npz .* not those of the recordings"),
    "content hash zeroed": (in_manifest(lambda values: values["data"].update(content_hash="0" * 64)), "000000000000"),
    "conversion checks deleted": (in_manifest(lambda values: values.update(conversion=[])), "conversion differs"),
    "no artifacts": (in_manifest(lambda values: values.update(artifacts=[])), "no artifact"),
    "verifications deleted": (in_manifest(lambda values: values.update(verifications=[])), "no verification of"),
    "checks deleted": (in_manifest(lambda values: values.update(checks=[])), "no check of"),
    "a test person also trains": (in_manifest(also_training), "stands in two parts"),
    "people of two parts swapped": (in_manifest(other_tester), "the recordings say"),
    "another precision claimed": (
        in_manifest(lambda values: values["artifacts"][0].update(precision="fp16")),
        "no check of|precision",
    ),
    "labels swapped inside the model": (lambda build: with_members(build, swap_embedded_labels), "labels"),
    "labels stripped from the model": (lambda build: with_members(build, lambda m: m.pop("labels.txt")), "labels"),
    "another rate inside the model": (lambda build: with_members(build, other_embedded_rate), "rate_hz"),
    "recipe edited": (
        lambda build: (
            (build / "recipe.toml").write_text(
                (build / "recipe.toml").read_text().replace("purity = 1.0", "purity = 0.9")
            )
            and None
        ),
        "data differs",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_with_hashes_made_anew_is_refused(build: Path, factory: Factory, name: str) -> None:
    edit, message = EDITS[name]
    edit(build)
    make_hashes_anew(build)
    done = factory("verify", build)
    assert done.code == 9, done.err
    assert done.err.count("\n") == 1
    assert re.search(message, done.err), done.err


def test_a_damaged_hand_off_graph_breaks_its_gate(build: Path, factory: Factory) -> None:
    damage_onnx(build)
    make_hashes_anew(build)
    done = factory("verify", build)
    assert done.code == 8, done.err
    assert "onnx/fp32 parity" in done.err


def test_an_accuracy_that_the_network_has_not_breaks_its_gate(build: Path, factory: Factory) -> None:
    def boast(values: dict[str, Any]) -> None:
        accuracy = values["conversion"][0]["accuracy"]
        accuracy["accuracy"], accuracy["macro_f1"] = 1.02, 1.02

    edit_json(build / "manifest.json", boast)
    make_hashes_anew(build)
    done = factory("verify", build)
    assert done.code == 8
    assert "onnx/fp32 accuracy.drop_pp" in done.err


def test_an_edited_report_is_refused(build: Path, factory: Factory) -> None:
    report = build / "report.html"
    report.write_text(report.read_text().replace("macro-F1", "macro-F1 0.99", 1))
    done = factory("verify", build)
    assert done.code == 9
    assert "report.html" in done.err
    assert factory("report", build).code == 0
    assert factory("verify", build).code == 0


def test_making_hashes_anew_alone_changes_nothing(build: Path, factory: Factory) -> None:
    before = sha256_file(build / "golden.npz")
    make_hashes_anew(build)
    assert sha256_file(build / "golden.npz") == before
    assert factory("verify", build).code == 0
