"""The folder `android/` of a build: what an app ships, taken from verified files.

    pack.json        index: `factory.contracts.android.Pack`
    manifest.json    of the build, unchanged: contract, labels, hashes
    selftest.npz     some windows of the golden pack, in its format
    <target>/...     the models, under their names in the build

An app learns every constant from these files. Where a gate of a phone's model is broken, there is no such folder.
"""

import shutil
from pathlib import Path

import numpy as np

from exporters.registry import find_target, load_fallback, load_runner
from factory.artifacts.manifest_io import read_manifest, verify_files
from factory.artifacts.store import Stage
from factory.contracts.android import Pack, PackedFile, PackedModel
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.code import code_hash
from factory.contracts.dataset import Floats, Ints
from factory.contracts.errors import ArtifactError
from factory.contracts.files import atomic_write, sha256_file
from factory.contracts.manifest import Manifest
from factory.contracts.stored import write_json
from factory.pipeline.request import Run
from factory.pipeline.targets import ANDROID, PHONE_TARGETS
from factory.verification.gates import output_step
from factory.verification.golden import KINDS, GoldenPack, read_golden, require_spec, write_golden
from factory.verification.tolerances import tolerance

FOLDER = "android"
_INDEX = f"{FOLDER}/pack.json"
_NETWORK = ("student", "torch", "onnx")
"""What checks call the network that every model is made of."""
KERNEL_STEPS = {
    ("tflite", Precision.INT8_STATIC): 16.0,
    ("tflite", Precision.INT8_DYNAMIC): 6.0,
    ("executorch", Precision.INT8_STATIC): 4.0,
}
"""Largest self-test error in 8-bit steps of the output, against this host's runtime; one step for any other file.

ExecuTorch has the same kernels everywhere; its float front may round a value across an edge (docs/verification.md).

Whether a phone's TFLite takes XNNPACK's kernels or its own depends on its version, and they round differently: `make
android` prints by how many steps over a build's golden pack, and its tests hold that swapped axes exceed this."""
TELLING_WINDOWS = 8
"""Self-test windows that are there because XNNPACK's kernels and the runtime's own answer them most differently."""
XNNPACK_SHARE = 1 / 3
"""Of the mean difference between both on this host: whoever is nearer to XNNPACK's logits has its kernels.

Measured over the golden packs of demo, motionsense and hapt with TensorFlow Lite 2.16.1 and LiteRT 2.3 of arm64:
XNNPACK of another release or processor is off by a fiftieth of it at most, that library's own kernels by all of it."""
_LEAST_STEPS = 0.02
"""Of a mean difference, in 8-bit steps of the output; kernels that differ by less cannot be told apart."""


def android_stage(run: Run, manifest: Manifest) -> Path | None:
    """Write android/ if the target was asked for and its gates held; else remove one of an earlier build.

    Returns:
        The folder, or None.

    Raises:
        ArtifactError: The build has no model for a phone.
        DataError: A phone cannot feed the model.
        MissingToolError: A quantised model's runtime is not installed, so that its logits are unknown.
        StorageError: The disk is full or not writable.
    """
    wanted = ANDROID in run.request.targets
    broken = [check for check in manifest.failed if check.target in (*PHONE_TARGETS, *_NETWORK)]
    if wanted and not broken:
        stage = Stage(
            name=FOLDER,
            inputs=_inputs(run, manifest),
            outputs=(_INDEX,),
            result=Pack,
            named=lambda pack: tuple(f"{FOLDER}/{file.path}" for file in pack.files),
            folder=FOLDER,
        )
        run.store.run(stage, lambda: write_pack(run.folder, manifest))
        return run.folder / FOLDER
    _drop_outdated(run, manifest)
    if wanted:
        for check in broken:
            run.progress.say(f"{FOLDER}: not packed, {check.gate} of {check.target} is broken")
    return None


def _inputs(run: Run, manifest: Manifest) -> dict[str, object]:
    steps: dict[str, float] = {f"{target}/{precision}": steps for (target, precision), steps in KERNEL_STEPS.items()}
    steps |= {"telling_windows": TELLING_WINDOWS, "xnnpack_share": XNNPACK_SHARE}
    phone = sorted({artifact.target for artifact in manifest.artifacts} & set(PHONE_TARGETS))
    code = code_hash(write_pack, __name__, *(find_target(target).package for target in phone))
    return {"manifest": run.store.hashes("manifest"), "kernel_steps": steps, "code": code}


def write_pack(build: Path, manifest: Manifest) -> Pack:
    """Write android/ of a finished build.

    Args:
        build: A folder whose files are those of `manifest`; that is checked first.
        manifest: Its manifest.json.

    Returns:
        What android/pack.json holds.

    Raises:
        ArtifactError: The build is incomplete or damaged, or has no model for a phone.
        DataError: A phone cannot feed the model.
        MissingToolError: A quantised model's runtime is not installed, so that its logits are unknown.
        StorageError: The disk is full or not writable.
    """
    verify_files(build, manifest)
    manifest.contract.require_phone()
    artifacts = [artifact for artifact in manifest.artifacts if artifact.target in PHONE_TARGETS]
    if not artifacts:
        raise ArtifactError(f"{build} holds no model for a phone ({', '.join(PHONE_TARGETS)}): export one")
    golden = read_golden(build / "golden.npz")
    require_spec(golden, manifest.contract)
    apart = {artifact.path: _differences(build, artifact, golden) for artifact in artifacts}
    index = np.unique(np.concatenate([self_test_windows(golden), *(_telling(one) for one in apart.values())]))
    chosen = subset(golden, index)
    models = tuple(_model(build, artifact, golden, chosen, apart[artifact.path][index]) for artifact in artifacts)
    out = build / FOLDER
    out.mkdir(exist_ok=True)
    write_golden(out / "selftest.npz", chosen)
    names = ("manifest.json", *(artifact.path for artifact in artifacts))
    for name in names:
        with atomic_write(out / name) as temporary:
            shutil.copyfile(build / name, temporary)
    files = tuple(PackedFile(path=name, sha256=sha256_file(out / name)) for name in ("selftest.npz", *names))
    pack = Pack(build=manifest.name, files=files, models=models)
    write_json(pack, build / _INDEX)
    return pack


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


def _differences(build: Path, artifact: Artifact, golden: GoldenPack) -> Floats:
    """(N,) mean difference of a window's logits between XNNPACK's kernels and the runtime's own; zeros if none."""
    none = np.zeros(len(golden.x), np.float32)
    fallback = load_fallback(artifact.target)
    if fallback is None or artifact.precision not in (Precision.INT8_STATIC, Precision.INT8_DYNAMIC):
        return none
    path = build / artifact.path
    with load_runner(artifact.target)(path) as runner:
        apart: Floats = np.abs(runner.run(golden.x) - fallback(path, golden.x)).mean(axis=1)
    return apart if apart.mean() > _LEAST_STEPS * output_step(artifact, golden.logits) else none


def _telling(apart: Floats) -> Ints:
    """Indices of the windows (N,) that tell kernels apart best; none where nothing does."""
    return np.argsort(-apart, kind="stable")[: min(TELLING_WINDOWS, np.count_nonzero(apart))]


def _model(build: Path, artifact: Artifact, golden: GoldenPack, chosen: GoldenPack, apart: Floats) -> PackedModel:
    """An fp32 model must give the reference's logits; any other its own, as this host's runtime computes them."""
    exact = tolerance(artifact.target, artifact.precision).max_abs
    if artifact.precision is Precision.FP32 and exact is not None:
        return PackedModel(path=artifact.path, max_abs=exact, logits=_rows(chosen.logits))
    with load_runner(artifact.target)(build / artifact.path) as runner:
        logits = runner.run(chosen.x)
    allowed = KERNEL_STEPS.get((artifact.target, artifact.precision), 1.0) * output_step(artifact, golden.logits)
    mean = float(apart.mean()) * XNNPACK_SHARE
    return PackedModel(path=artifact.path, max_abs=allowed, logits=_rows(logits), xnnpack_mean_abs=mean or None)


def _rows(logits: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in logits.tolist())


def _drop_outdated(run: Run, manifest: Manifest) -> None:
    """Remove a folder whose models are not all among the verified ones of this build."""
    folder = run.folder / FOLDER
    if not (run.folder / _INDEX).exists():
        return
    try:
        packed = read_manifest(folder / "manifest.json")
        current = _phone_models(packed) <= _phone_models(manifest) and packed.contract == manifest.contract
    except ArtifactError:
        current = False
    if not current:
        shutil.rmtree(folder)
        run.progress.say(f"{FOLDER}/ was of other files and is removed: --target {ANDROID} writes it")


def _phone_models(manifest: Manifest) -> set[tuple[str, str]]:
    """Paths and hashes; none of a target with a broken gate."""
    broken = {check.target for check in manifest.failed}
    return {
        (artifact.path, artifact.sha256)
        for artifact in manifest.artifacts
        if artifact.target in PHONE_TARGETS and artifact.target not in broken
    }
