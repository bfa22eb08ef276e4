"""The golden pack: fixed real held-out windows with reference logits, the same in Python, Kotlin and on a Jetson.

File format (`golden.npz`, version 1): a zip archive, members stored uncompressed with fixed time stamps, so that
equal content has an equal hash.

    meta.json   format, version, spec_hash, labels (in the order of the logits)
    x.npy       (N, C, T) float32, SI units, C order, little endian like every member
    y.npy       (N,) int64, index into labels
    kind.npy    (N,) ASCII bytes: easy, low_motion, saturated or boundary
    index.npy   (N,) int64, the window's place in the prepared data set
    logits.npy  (N, K) float32, of the reference network in eager mode
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats, Ints
from factory.contracts.errors import ArtifactError
from factory.contracts.files import BROKEN_ZIP, atomic_write
from factory.contracts.window import WindowSpec

KINDS = ("easy", "low_motion", "saturated", "boundary")
_FORMAT = "smldist-golden"
_VERSION = 1
_EPOCH = (1980, 1, 1, 0, 0, 0)
_DTYPES = {"x": "<f4", "y": "<i8", "kind": "|S10", "index": "<i8", "logits": "<f4"}
_REMEDY = "rebuild it with `factory build`"


@dataclass(frozen=True, kw_only=True, slots=True)
class GoldenPack:
    """N windows that every runtime must answer alike.

    Attributes:
        x: (N, C, T) float32, SI units.
        y: (N,) class index into `labels`.
        kind: (N,) easy, low_motion, saturated or boundary.
        index: (N,) the window's place in the window set it was taken from.
        logits: (N, K) float32 of the reference network.
        labels: Class names in the order of the logits.
        spec_hash: `spec_hash` of the sensor contract.
    """

    x: Floats
    y: Ints
    kind: NDArray[np.str_]
    index: Ints
    logits: Floats
    labels: tuple[str, ...]
    spec_hash: str


def spec_hash(spec: WindowSpec) -> str:
    """SHA-256 of a sensor contract, hexadecimal."""
    return hashlib.sha256(spec.model_dump_json().encode()).hexdigest()


def require_spec(pack: GoldenPack, spec: WindowSpec) -> None:
    """Refuse a golden pack of another sensor contract.

    Raises:
        ArtifactError: The contract's hash or the label order differs.
    """
    if pack.labels != spec.labels:
        raise ArtifactError(
            f"golden pack has labels {', '.join(pack.labels)}, the contract {', '.join(spec.labels)}: {_REMEDY}"
        )
    if pack.spec_hash != spec_hash(spec):
        raise ArtifactError(
            f"golden pack was made for sensor contract {pack.spec_hash[:12]}, "
            f"this build has {spec_hash(spec)[:12]}: {_REMEDY}"
        )


def write_golden(path: Path, pack: GoldenPack) -> None:
    """Write a pack; equal packs give equal bytes.

    Raises:
        ArtifactError: Shapes do not fit each other.
        StorageError: The disk is full or not writable.
    """
    _check_shapes(pack, str(path))
    meta = {"format": _FORMAT, "version": _VERSION, "spec_hash": pack.spec_hash, "labels": list(pack.labels)}
    members = {"meta.json": json.dumps(meta, sort_keys=True, ensure_ascii=True).encode()}
    for name, dtype in _DTYPES.items():
        buffer = io.BytesIO()
        np.save(buffer, np.ascontiguousarray(getattr(pack, name)).astype(dtype), allow_pickle=False)
        members[f"{name}.npy"] = buffer.getvalue()
    with atomic_write(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)


def read_golden(path: Path) -> GoldenPack:
    """Read and check a pack.

    Raises:
        ArtifactError: Missing, truncated, corrupt, of another format or version, or inconsistent.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            content = {name: archive.read(name) for name in ("meta.json", *(f"{name}.npy" for name in _DTYPES))}
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} does not exist: {_REMEDY}") from error
    except KeyError as error:
        raise ArtifactError(f"{path} is not a golden pack, {error.args[0]}: {_REMEDY}") from error
    except (*BROKEN_ZIP, OSError) as error:
        raise ArtifactError(f"{path} is corrupt ({error}): {_REMEDY}") from error
    return _decode(content, str(path))


def _decode(content: Mapping[str, bytes], where: str) -> GoldenPack:
    try:
        meta = json.loads(content["meta.json"])
        found = (meta["format"], meta["version"])
        labels, contract = tuple(str(label) for label in meta["labels"]), str(meta["spec_hash"])
        arrays = {name: np.load(io.BytesIO(content[f"{name}.npy"]), allow_pickle=False) for name in _DTYPES}
    except (ValueError, KeyError, TypeError, EOFError) as error:
        raise ArtifactError(f"{where} is corrupt ({error}): {_REMEDY}") from error
    if found != (_FORMAT, _VERSION):
        raise ArtifactError(f"{where} has format {found}, expected {(_FORMAT, _VERSION)}: {_REMEDY}")
    for name, dtype in _DTYPES.items():
        if arrays[name].dtype != np.dtype(dtype):
            raise ArtifactError(f"{where}: {name} is {arrays[name].dtype}, expected {np.dtype(dtype)}: {_REMEDY}")
    pack = GoldenPack(
        x=arrays["x"],
        y=arrays["y"],
        kind=arrays["kind"].astype(np.str_),
        index=arrays["index"],
        logits=arrays["logits"],
        labels=labels,
        spec_hash=contract,
    )
    _check_shapes(pack, where)
    return pack


def _check_shapes(pack: GoldenPack, where: str) -> None:
    count = len(pack.x)
    expected = {"y": (count,), "kind": (count,), "index": (count,), "logits": (count, len(pack.labels))}
    if pack.x.ndim != 3 or count == 0:
        raise ArtifactError(f"{where}: x has shape {pack.x.shape}, expected (windows, channels, time): {_REMEDY}")
    for name, shape in expected.items():
        if getattr(pack, name).shape != shape:
            raise ArtifactError(f"{where}: {name} has shape {getattr(pack, name).shape}, expected {shape}: {_REMEDY}")
    if not (np.isfinite(pack.x).all() and np.isfinite(pack.logits).all()):
        raise ArtifactError(f"{where}: a window or its reference logits are not finite: {_REMEDY}")
    if pack.y.min() < 0 or pack.y.max() >= len(pack.labels) or not np.isin(pack.kind, KINDS).all():
        raise ArtifactError(f"{where}: a label or kind is unknown: {_REMEDY}")
