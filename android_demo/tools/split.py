"""The test split of a build as one file, to be pushed to a phone and verified there.

    python android_demo/tools/split.py build/demo --out test.npz

The file is a golden pack without reference logits, with one more member: `subject.npy`, (N,) UTF-8 bytes.
"""

import argparse
import io
import json
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from factory.artifacts.manifest_io import read_manifest
from factory.contracts.dataset import Floats, Ints
from factory.contracts.errors import DataError, FactoryError
from factory.contracts.files import atomic_write
from factory.contracts.progress import Silent
from factory.data import make_split, prepare

_EPOCH = (1980, 1, 1, 0, 0, 0)


def write_split(path: Path, x: Floats, y: Ints, subject: NDArray[np.str_], labels: Sequence[str]) -> None:
    """Write windows with what they are; equal windows give equal bytes.

    Args:
        path: The file.
        x: (N, C, T) SI units.
        y: (N,) index into `labels`.
        subject: (N,) names.
        labels: In the order of the logits.

    Raises:
        StorageError: The disk is full or not writable.
    """
    meta = {"format": "smldist-golden", "version": 1, "labels": list(labels)}
    members = {"meta.json": json.dumps(meta, sort_keys=True, ensure_ascii=True).encode()}
    arrays = {"x": x.astype("<f4"), "y": y.astype("<i8"), "subject": np.char.encode(subject, "utf-8")}
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
        members[f"{name}.npy"] = buffer.getvalue()
    with atomic_write(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)


def export_split(build: Path, data: Path | None, cache: Path, out: Path) -> int:
    """Write the test split of a build; returns how many windows it has.

    Raises:
        ArtifactError: No build there.
        DataError: The recordings are missing, or others than those of the build.
        StorageError: The disk is full or not writable.
    """
    manifest = read_manifest(build / "manifest.json")
    windows = prepare(manifest.recipe.data, data, cache, Silent(), base=build)
    if windows.content_hash != manifest.data.content_hash:
        raise DataError(f"the recordings are not those that {build} was made from: name them with --data")
    test = make_split(windows, manifest.recipe.split, manifest.recipe.seed).test
    write_split(out, windows.x[test], windows.y[test], windows.subject[test], manifest.contract.labels)
    return len(test)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: 0, or the exit code of the failure after one line on stderr."""
    parser = argparse.ArgumentParser(description="Write the test split of a build for a phone.")
    parser.add_argument("build", type=Path, help="a folder that `factory build` wrote")
    parser.add_argument("--out", type=Path, required=True, help="the file, for example test.npz")
    parser.add_argument("--data", type=Path, help="folder of the official data sets")
    parser.add_argument("--cache", type=Path, default=Path(platformdirs.user_cache_dir("smldist-factory")))
    options = parser.parse_args(arguments)
    try:
        count = export_split(options.build, options.data, options.cache, options.out)
    except FactoryError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    sys.stdout.write(f"{options.out}: {count} windows\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
