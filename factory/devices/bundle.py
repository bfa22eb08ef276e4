"""The bundle for a Jetson: graphs, golden pack, test split, limits and the scripts that judge there, in one tar.

The same input gives the same bytes: members sorted, fixed times and owners. The board unpacks it with tar, checks it
with `sha256sum -c SHA256SUMS` and needs Python 3.8 with numpy; its scripts are those of jetson/.
"""

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.contracts.artifact import Artifact, Precision
from factory.contracts.dataset import Floats, Ints
from factory.contracts.errors import ArtifactError
from factory.contracts.files import atomic_write, sha256_file
from factory.contracts.manifest import Accuracy, Check
from factory.contracts.window import WindowSpec

CALIBRATION = "calibration.cache"
SUMS = "SHA256SUMS"
_FORMAT, _VERSION = "smldist-jetson", 1
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class TestSplit:
    """The whole test split: x (N, C, T) in SI units, y (N,) class index."""

    x: Floats
    y: Ints


@dataclass(frozen=True, kw_only=True, slots=True)
class BundleRequest:
    """What goes into a bundle.

    Attributes:
        build: The build folder, with golden.npz and the graphs.
        name: The recipe's name.
        spec: The sensor contract.
        artifacts: The graphs of target jetson, with batch in their input's shape and variant '', 'batch<N>' or 'dla'.
        gates: Per precision of an engine, checks whose gate, relation, limit and unit count; nothing else is read.
        steps: Per precision, one 8-bit step of the logits.
        test: None packs no test split; accuracy is then not run on the board.
        reference: Accuracy of the reference network on that split.
    """

    build: Path
    name: str
    spec: WindowSpec
    artifacts: tuple[Artifact, ...]
    gates: Mapping[Precision, Sequence[Check]]
    steps: Mapping[Precision, float]
    test: TestSplit | None
    reference: Accuracy | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """A packed bundle; `sums_sha256` is the hash of its SHA256SUMS, by which a board is asked what it has."""

    path: Path
    sha256: str
    sums_sha256: str


def scripts_folder() -> Path:
    """The scripts that run on the board, beside this package."""
    return Path(__file__).parents[2] / "jetson"


def pack_bundle(request: BundleRequest, path: Path) -> Bundle:
    """Write the tar, whole or not at all.

    Raises:
        ArtifactError: A graph or the golden pack is missing, or a precision has no limits.
        StorageError: The disk is full or not writable.
    """
    members = _members(request)
    sums = "".join(f"{hashlib.sha256(members[name]).hexdigest()}  {name}\n" for name in sorted(members)).encode()
    members[SUMS] = sums
    with atomic_write(path) as temporary, tarfile.open(temporary, "w", format=tarfile.GNU_FORMAT) as archive:
        for name in sorted(members):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(members[name]), 0o755 if name.startswith("scripts/") else 0o644
            archive.addfile(entry, io.BytesIO(members[name]))
    return Bundle(path=path, sha256=sha256_file(path), sums_sha256=hashlib.sha256(sums).hexdigest())


def plans(artifacts: Sequence[Artifact], calibrated: bool) -> list[dict[str, Any]]:
    """The engines a board builds of these graphs, as bundle.json lists them.

    The DLA takes no Q/DQ: it has the plain graph and a calibration cache; fp16 is the builder's work on the fp32 graph.
    """
    graphs = {(artifact.precision, artifact.variant): artifact for artifact in artifacts}
    single = graphs.get((Precision.FP32, ""))
    batched = next((a for (p, v), a in graphs.items() if p is Precision.FP32 and v.startswith("batch")), None)
    dla = graphs.get((Precision.FP32, "dla"), single)
    wanted = [
        ("fp32_gpu", single, Precision.FP32),
        ("fp16_gpu", single, Precision.FP16),
        ("int8_gpu", graphs.get((Precision.INT8_STATIC, "")), Precision.INT8_STATIC),
        ("fp16_dla", dla, Precision.FP16),
        ("int8_dla", dla if calibrated else None, Precision.INT8_STATIC),
        ("fp32_gpu_batch", batched, Precision.FP32),
        ("fp16_gpu_batch", batched, Precision.FP16),
    ]
    return [_plan(name, graph, precision) for name, graph, precision in wanted if graph is not None]


def _plan(name: str, graph: Artifact, precision: Precision) -> dict[str, Any]:
    device = "dla" if name.endswith("_dla") else "gpu"
    return {
        "name": name,
        "graph": f"graphs/{Path(graph.path).name}",
        "batch": graph.inputs[0].shape[0],
        "precision": precision.value,
        "device": device,
        "calibration": f"graphs/{CALIBRATION}" if name == "int8_dla" else None,
    }


def _members(request: BundleRequest) -> dict[str, bytes]:
    members = {f"scripts/{path.name}": path.read_bytes() for path in sorted(scripts_folder().glob("*.py"))}
    if not members:
        raise ArtifactError(f"{scripts_folder()} holds no scripts: install smldist-factory again")
    for artifact in request.artifacts:
        members[f"graphs/{Path(artifact.path).name}"] = _read(request.build / artifact.path)
    cache = request.build / "jetson" / CALIBRATION
    if cache.is_file():
        members[f"graphs/{CALIBRATION}"] = _read(cache)
    members["golden.npz"] = _read(request.build / "golden.npz")
    if request.test is not None:
        members["test.npz"] = _npz({"x": request.test.x.astype("<f4"), "y": request.test.y.astype("<i8")})
    members["labels.txt"] = "".join(f"{label}\n" for label in request.spec.labels).encode()
    meta = _meta(request, plans(request.artifacts, cache.is_file()))
    members["bundle.json"] = (json.dumps(meta, indent=1, sort_keys=True) + "\n").encode()
    return members


def _meta(request: BundleRequest, engines: list[dict[str, Any]]) -> dict[str, Any]:
    used = [Precision(name) for name in dict.fromkeys(engine["precision"] for engine in engines)]
    if not engines:
        raise ArtifactError(f"{request.build}/jetson holds no fp32 or int8_static graph: build with --target jetson")
    for precision in used:
        if not request.gates.get(precision):
            raise ArtifactError(
                f"no limits for engines in {precision}: add a row to factory/verification/tolerances.py"
            )
    gates = {
        precision.value: [
            gate.model_dump(include={"gate", "relation", "limit", "unit"}) for gate in request.gates[precision]
        ]
        for precision in used
    }
    accuracy = request.reference
    return {
        "format": _FORMAT,
        "version": _VERSION,
        "name": request.name,
        "labels": list(request.spec.labels),
        "channels": len(request.spec.channels),
        "window": request.spec.length,
        "hop_us": request.spec.hop / request.spec.rate_hz * 1e6,
        "engines": engines,
        "gates": gates,
        "steps": {precision.value: request.steps[precision] for precision in used},
        "reference": None if accuracy is None else accuracy.model_dump(include={"accuracy", "macro_f1"}),
    }


def _npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Like numpy.savez, with fixed times, so that equal arrays give equal bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.save(member, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _ZIP_EPOCH), member.getvalue())
    return content.getvalue()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing: build again with --target jetson") from error
