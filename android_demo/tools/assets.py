"""What the app ships, taken from a finished build: models, contract, self-test windows, checksums.

    python android_demo/tools/assets.py BUILD --out android_demo/assets

Everything is checked against the manifest first. The app learns each constant from these files; nothing of the
contract is written in Kotlin.

    pack.json        this file's schema: `Pack`
    manifest.json    of the build, unchanged
    selftest.npz     some windows of the golden pack, in its format
    <target>/...     the models, under their names in the build
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from exporters.registry import load_runner
from factory.artifacts.manifest_io import read_manifest, verify_files
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.base import Contract
from factory.contracts.dataset import Floats, Ints
from factory.contracts.errors import ArtifactError, FactoryError
from factory.contracts.files import atomic_write, sha256_file
from factory.verify.gates import output_step
from factory.verify.golden import KINDS, GoldenPack, read_golden, require_spec, write_golden
from factory.verify.tolerances import tolerance

PHONE_TARGETS = ("tflite", "executorch")
"""Targets that the app has a classifier for."""
_STEPS = {("tflite", Precision.INT8_STATIC): 16.0, ("tflite", Precision.INT8_DYNAMIC): 6.0}
"""Largest self-test error in 8-bit steps of the output, against this host's runtime; one step for any other file.

Whether a phone's TFLite takes XNNPACK's kernels or its own depends on its version, and they round differently. On the
demonstration's 256 golden windows they differ by up to 7.6 steps (static, one answer) and 2.5 (dynamic, none); two
swapped axes, g for m/s^2 or reversed labels by more than 150. ExecuTorch has XNNPACK's kernels alone."""


class PackedFile(Contract):
    """One asset, identified by its hash."""

    path: str = Field(description="below the assets, forward slashes")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class PackedModel(Contract):
    """One model and the logits that it must give for the windows of selftest.npz, on any phone."""

    path: str = Field(description="as in the manifest")
    max_abs: float = Field(gt=0, description="largest error of a logit that the self-test allows")
    logits: tuple[tuple[float, ...], ...] = Field(description="a row for each self-test window")


class Pack(Contract):
    """pack.json: what is among the assets."""

    schema_version: Literal[1] = 1
    build: str = Field(description="name of the recipe")
    files: tuple[PackedFile, ...]
    models: tuple[PackedModel, ...] = Field(min_length=1)


def pack(build: Path, out: Path) -> Pack:
    """Write the assets of a build into the folder `out`, replacing what an earlier call wrote.

    Args:
        build: A folder that `factory build` wrote.
        out: The app's assets.

    Returns:
        What pack.json holds.

    Raises:
        ArtifactError: The build is incomplete or damaged, or has no model for a phone.
        DataError: A phone cannot feed the model.
        MissingToolError: A quantised model's runtime is not installed, so that its logits are unknown.
        StorageError: The disk is full or not writable.
    """
    manifest = read_manifest(build / "manifest.json")
    verify_files(build, manifest)
    manifest.contract.require_phone()
    artifacts = [artifact for artifact in manifest.artifacts if artifact.target in PHONE_TARGETS]
    if not artifacts:
        raise ArtifactError(f"{build} holds no model for a phone ({', '.join(PHONE_TARGETS)}): export one")
    golden = read_golden(build / "golden.npz")
    require_spec(golden, manifest.contract)
    _clear(out)
    chosen = subset(golden, self_test_windows(golden))
    models = tuple(_model(build, artifact, golden, chosen) for artifact in artifacts)
    write_golden(out / "selftest.npz", chosen)
    for name in ("manifest.json", *(artifact.path for artifact in artifacts)):
        with atomic_write(out / name) as temporary:
            shutil.copyfile(build / name, temporary)
    return _write_index(out, manifest.name, models)


def self_test_windows(golden: GoldenPack) -> Ints:
    """Indices of the first window of every class and of every kind that the golden pack holds, ascending."""
    firsts = [np.flatnonzero(golden.y == label)[:1] for label in range(len(golden.labels))]
    firsts += [np.flatnonzero(golden.kind == kind)[:1] for kind in KINDS]
    return np.unique(np.concatenate(firsts))


def subset(golden: GoldenPack, index: Ints) -> GoldenPack:
    """The windows `index` (n,) of a golden pack, as a pack of their own."""
    return GoldenPack(
        x=golden.x[index],
        y=golden.y[index],
        kind=golden.kind[index],
        index=golden.index[index],
        logits=golden.logits[index],
        labels=golden.labels,
        spec_hash=golden.spec_hash,
    )


def _model(build: Path, artifact: Artifact, golden: GoldenPack, chosen: GoldenPack) -> PackedModel:
    """An fp32 model must give the reference's logits; any other its own, as this host's runtime computes them."""
    exact = tolerance(artifact.target, artifact.precision).max_abs
    if artifact.precision is Precision.FP32 and exact is not None:
        return PackedModel(path=artifact.path, max_abs=exact, logits=_rows(chosen.logits))
    with load_runner(artifact.target)(build / artifact.path) as runner:
        logits = runner.run(chosen.x)
    allowed = _STEPS.get((artifact.target, artifact.precision), 1.0) * output_step(artifact, golden.logits)
    return PackedModel(path=artifact.path, max_abs=allowed, logits=_rows(logits))


def _rows(logits: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in logits.tolist())


def _clear(out: Path) -> None:
    """Empty the folder of assets; anything else stays untouched."""
    if out.exists():
        if any(out.iterdir()) and not (out / "pack.json").exists():
            raise ArtifactError(f"{out} holds other files: name an empty folder with --out")
        shutil.rmtree(out)
    out.mkdir(parents=True)


def _write_index(out: Path, name: str, models: tuple[PackedModel, ...]) -> Pack:
    files = sorted(path for path in out.rglob("*") if path.is_file())
    named = tuple(PackedFile(path=path.relative_to(out).as_posix(), sha256=sha256_file(path)) for path in files)
    index = Pack(build=name, files=named, models=models)
    with atomic_write(out / "pack.json") as temporary:
        temporary.write_text(index.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return index


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: 0, or the exit code of the failure after one line on stderr."""
    parser = argparse.ArgumentParser(description="Copy what the app needs out of a build.")
    parser.add_argument("build", type=Path, help="a folder that `factory build` wrote")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "assets", help="folder of the assets")
    options = parser.parse_args(arguments)
    try:
        index = pack(options.build, options.out)
    except FactoryError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    sys.stdout.write(f"{options.out}: {len(index.models)} models of {index.build}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
